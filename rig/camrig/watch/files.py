"""Which files were saved. They are looked at ten times a second, which works on every system and network drive.

A folder is listed again when its time of change says so, so that a look costs a call for each file, and no more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOK = 0.1  # seconds between two looks
QUIET = 0.05  # seconds without another save, after which a burst of saves is over
BURST = 2.0  # seconds that a burst may last
RECENT = 2.0  # seconds: a folder that changed since may change again without another time of change
SOURCES = (".py", ".toml", ".ini", ".cfg")  # beside the tests, which also write reports there
NEVER = ("__pycache__", "node_modules")


@dataclass(frozen=True)
class Place:
    """A file, or a folder with all below it. ``suffixes`` are those of the files that matter there, empty for all."""

    path: Path
    suffixes: tuple[str, ...] = ()


class SavedFiles:
    """The files of ``places`` that are saved from now on. ``without`` are folders that do not count."""

    def __init__(self, places: Sequence[Place], without: Collection[Path] = ()) -> None:
        self._places = places
        self._without = {os.path.abspath(path) for path in without}
        self._folders: dict[str, _Folder] = {}
        self._states = self._look()

    def __len__(self) -> int:
        return len(self._states)

    def changed(self) -> list[str]:
        """The paths that were saved, made or removed since the last call."""
        before, self._states = self._states, self._look()
        return sorted({path for path, _ in set(before.items()) ^ set(self._states.items())})

    def wait(self, sleep: Callable[[float], None] = time.sleep) -> list[str]:
        """The paths of the next burst of saves, once it is over. What was saved before the call counts."""
        while not (saved := set(self.changed())):
            sleep(LOOK)
        until = time.monotonic() + BURST
        while time.monotonic() < until:
            sleep(QUIET)
            if not (later := self.changed()):
                break
            saved.update(later)
        return sorted(saved)

    def _look(self) -> dict[str, tuple[int, int, int]]:
        states = {}
        for place in self._places:
            for path in self._walk(os.path.abspath(place.path)):
                if path.endswith(place.suffixes or ("",)) and path not in states and (state := _state(path)):
                    states[path] = state
        return states

    def _walk(self, path: str) -> Iterator[str]:
        """The files at and below ``path``: without hidden ones, environments and what editors leave."""
        try:
            changed_at = os.stat(path).st_mtime_ns
            folder = self._folders.get(path)
            if folder is None or folder.changed_at != changed_at or time.time() - changed_at / 1e9 < RECENT:
                folder = self._folders[path] = _listed(path, changed_at)
        except NotADirectoryError:
            yield path
            return
        except OSError:
            return
        yield from folder.files
        for below in folder.folders:
            if below not in self._without:
                yield from self._walk(below)


@dataclass
class _Folder:
    changed_at: int
    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)


def _listed(path: str, changed_at: int) -> _Folder:
    folder = _Folder(changed_at)
    with os.scandir(path) as entries:
        for entry in entries:
            if entry.name.startswith((".", "#")) or entry.name.endswith("~") or entry.name in NEVER:
                continue
            if entry.is_file():
                folder.files.append(entry.path)
            elif entry.is_dir(follow_symlinks=False) and not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                folder.folders.append(entry.path)
    return folder


def _state(path: str) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
