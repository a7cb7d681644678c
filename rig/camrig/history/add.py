"""Puts files of results into a history."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from camrig.errors import HistoryError, ResultsError
from camrig.history import comparison
from camrig.history.record import RunRecord, read_run
from camrig.history.store import PATIENCE, add, opened

FILES = "run-*.json"
_AT_ONCE = 100  # runs in one transaction: another writer waits for no longer than these take


@dataclass
class Import:
    """What became of the files of an import."""

    added: int = 0
    known: int = 0
    compared: int = 0  # comparisons by camrig ab that were not there yet
    errors: list[ResultsError] = field(default_factory=list)


def add_results(history: Path, results: Path, patience: float = PATIENCE) -> bool:
    """Add the run of a file of results; whether it was not there yet. Raises HistoryError and ResultsError."""
    run = read_run(results)
    with opened(history, create=True, patience=patience) as connection:
        return bool(add(connection, [run]))


def keep_comparison(history: Path, folder: Path, record: comparison.ComparisonRecord) -> None:
    """Write the file of a comparison into ``folder``, and add it. Raises HistoryError and BaselineError."""
    comparison.save_comparison(folder, record)
    with opened(history, create=True) as connection:
        comparison.add_comparison(connection, record)


def import_results(history: Path, paths: Sequence[Path]) -> Import:
    """Add the runs of files and folders of results; those that cannot be read keep no other from being added.

    Raises HistoryError where the history cannot be used, or there is nothing to import.
    """
    outcome = Import()
    files = [file for path in paths for file in _files(path)]
    compared = [file for file in files if fnmatch(file.name, comparison.FILES)]
    files = [file for file in files if not fnmatch(file.name, comparison.FILES)]
    if not files and not compared:
        raise HistoryError(
            f"there are no results in {', '.join(map(str, paths))}", hint=f"they are files with names like {FILES}"
        )
    with opened(history, create=True) as connection:
        for start in range(0, len(files), _AT_ONCE):
            runs = list(_read(files[start : start + _AT_ONCE], outcome))
            added = add(connection, runs)
            outcome.added += added
            outcome.known += len(runs) - added
        for file in compared:
            try:
                outcome.compared += comparison.add_comparison(connection, comparison.read_comparison(file))
            except ResultsError as error:
                outcome.errors.append(error)
    return outcome


def _files(path: Path) -> list[Path]:
    return sorted([*path.glob(FILES), *path.glob(comparison.FILES)]) if path.is_dir() else [path]


def _read(files: Sequence[Path], outcome: Import) -> Iterator[RunRecord]:
    for file in files:
        try:
            yield read_run(file)
        except ResultsError as error:
            outcome.errors.append(error)
