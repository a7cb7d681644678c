"""What of earlier nights may go: files that camrig named itself, by age and by size, and never the newest.

Baselines, calibrations, the history and whatever a user named are never among them.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DAY = 86400.0
LIBRARIES = "libraries"  # copies of libraries, each in a folder named after its hash
NEWEST = 6  # of each kind that stay, whatever their age and size: a run has two files of results
_RUN = re.compile(r"run-\d{8}T\d{6}(-\d+)?\.(json|html)")
_KINDS = {
    "results": _RUN,
    "evidence": re.compile(r"evidence-\d{8}T\d{6}-(ab-)?\w+\.zip"),
    "comparisons": re.compile(r"comparison-\d{8}T\d{6}-\w+\.json"),
    "pages": re.compile(r"nightly-\d{8}T\d{6}\.html"),
    "logs": re.compile(r"nightly-\d{8}T\d{6}-\w+-\w+\.log"),
}


@dataclass(frozen=True)
class Keep:
    """How long files are kept, and how many bytes of them in all."""

    days: float = 90.0
    size: int = 2 << 30


@dataclass(frozen=True)
class Leftover:
    """A file or a library's folder of an earlier night."""

    path: Path
    kind: str
    changed: float
    size: int


@dataclass(frozen=True)
class Pruned:
    """The number of files that went, and their bytes; ``kept`` are those that could not be removed."""

    files: int = 0
    size: int = 0
    kept: int = 0

    def __str__(self) -> str:
        text = f"{self.files} files of earlier nights, {self.size / 1e6:.1f} MB" if self.files else ""
        failed = f"{self.kept} could not be removed" if self.kept else ""
        return ", ".join(filter(None, [text, failed]))


def leftovers(results: Path) -> list[Leftover]:
    """Everything in a folder of results that may go some day, the newest first."""
    made = [*_files(results), *_libraries(results / LIBRARIES)]
    return sorted(made, key=lambda leftover: (leftover.changed, leftover.path.name), reverse=True)


def to_remove(entries: list[Leftover], keep: Keep, now: float, *, results_too: bool = True) -> list[Leftover]:
    """What goes of ``entries``, the newest of which come first.

    ``results_too`` is false where the history could not be read: then the files are all that is left of their runs.
    """
    seen: dict[str, int] = {}
    may_go = []
    for entry in entries:
        seen[entry.kind] = seen.get(entry.kind, 0) + 1
        if seen[entry.kind] > NEWEST and (results_too or entry.kind not in ("results", "comparisons")):
            may_go.append(entry)
    total, going = sum(entry.size for entry in entries), []
    for entry in reversed(may_go):
        if now - entry.changed > keep.days * DAY or total > keep.size:
            going.append(entry)
            total -= entry.size
    return going


def prune(results: Path, keep: Keep, *, results_too: bool = True) -> Pruned:
    """Remove what ``to_remove`` names. What cannot be removed stays, and is counted."""
    files = size = kept = 0
    for entry in to_remove(leftovers(results), keep, time.time(), results_too=results_too):
        try:
            if entry.path.is_dir():
                shutil.rmtree(entry.path)
            else:
                entry.path.unlink()
        except OSError:
            kept += 1
        else:
            files, size = files + 1, size + entry.size
    return Pruned(files, size, kept)


def _files(folder: Path) -> Iterator[Leftover]:
    with suppress(OSError):
        for path in folder.iterdir():
            kind = next((kind for kind, form in _KINDS.items() if form.fullmatch(path.name)), None)
            if kind is not None and path.is_file() and not path.is_symlink():
                status = path.stat()
                yield Leftover(path, kind, status.st_mtime, status.st_size)


def _libraries(folder: Path) -> Iterator[Leftover]:
    with suppress(OSError):
        for path in folder.iterdir():
            if re.fullmatch(r"[0-9a-f]{16}", path.name) and path.is_dir() and not path.is_symlink():
                size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
                yield Leftover(path, LIBRARIES, path.stat().st_mtime, size)
