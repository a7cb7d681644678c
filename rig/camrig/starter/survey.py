"""What a repository has already: its application, its library, its tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from camrig.deploy.folders import CORS
from camrig.deploy.imports import imports_of
from camrig.deploy.left_out import usual_reason
from camrig.whole_file import read_whole

DEPTH = 4  # folders below the repository that are looked through
LONGEST_SOURCE = 1 << 20  # bytes


@dataclass(frozen=True)
class Survey:
    """The folders are relative to the repository; None where there is none. ``others`` would also be applications."""

    application: Path | None
    others: tuple[Path, ...]
    library: Path | None
    tests: Path
    serves_microdot: bool
    attaches_agent: bool


def survey_of(repository: Path) -> Survey:
    """Look through a repository, without what a firmware never needs. What cannot be read counts as empty."""
    applications, libraries = [], []
    for folder in _folders(repository):
        if (repository / folder / "main.py").is_file():
            applications.append(folder)
        if (repository / folder / f"{CORS}.py").is_file():
            libraries.append(folder)
    application = applications[0] if applications else None
    imported = _imported(repository / application) if application is not None else set()
    return Survey(
        application,
        tuple(applications[1:]),
        libraries[0] if libraries else None,
        next((Path(name) for name in ("tests_hil", "tests", "test") if (repository / name).is_dir()), Path("tests")),
        "microdot" in imported,
        "rig_agent" in imported,
    )


def _folders(repository: Path) -> Iterator[Path]:
    """The folders that may hold firmware, relative to the repository, those near it first."""
    level = [Path()]
    for _ in range(DEPTH):
        yield from level
        level = [child for folder in level for child in _children(repository, folder)]


def _children(repository: Path, folder: Path) -> list[Path]:
    try:
        with os.scandir(repository / folder) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    return [folder / name for name in names if not name.startswith(".") and not usual_reason(Path(name), True)]


def _imported(application: Path) -> set[str]:
    """The names of the packages and modules that any source of the application imports."""
    names = set()
    for path in sorted(application.rglob("*.py")):
        try:
            source = read_whole(path, LONGEST_SOURCE)
        except OSError:
            continue
        names |= {imported.module.partition(".")[0] for imported in imports_of(source, "")}
    return names
