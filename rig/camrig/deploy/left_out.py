"""What a firmware never needs of a folder, and why it stays on the host."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from camrig.redaction import presentable

CACHE, TESTS = "cache", "tests"
HOST_PACKAGES = "packages of this host"
EXCLUDED = "exclude"
LIBRARY_DATA = "data in the library"
NOT_A_FILE = "not a regular file"
RIG_FILE = "the rig's own"
RESULTS = "results of the rig"

_FOLDERS = {
    "__pycache__*": CACHE,
    "*.egg-info": CACHE,
    "tests": TESTS,
    "test": TESTS,
    "venv": HOST_PACKAGES,
    "virtualenv": HOST_PACKAGES,
    "node_modules": HOST_PACKAGES,
    "site-packages": HOST_PACKAGES,
    "dist-packages": HOST_PACKAGES,
}
_DOCUMENTATION, _PROJECT, _BACK_UP = "documentation", "project file", "editor's back-up"
_FILES = {
    **dict.fromkeys(["*.pyc", "*.pyo"], CACHE),
    **dict.fromkeys(["test_*.py", "test_*.mpy", "*_test.py", "*_test.mpy", "conftest.py"], TESTS),
    **dict.fromkeys(["*.md", "*.rst", "readme", "readme.txt", "changelog", "changelog.txt"], _DOCUMENTATION),
    **dict.fromkeys(["license", "license.txt", "licence", "licence.txt", "copying", "copying.txt"], _DOCUMENTATION),
    **dict.fromkeys(["pyproject.toml", "camrig.toml", "camrig.*.toml", "makefile", "dockerfile"], _PROJECT),
    **dict.fromkeys(["requirements*.txt", "constraints*.txt", "setup.cfg", "tox.ini", "pytest.ini"], _PROJECT),
    **dict.fromkeys(["uv.lock", "poetry.lock", "package.json", "package-lock.json", "*.pyi"], _PROJECT),
    **dict.fromkeys(["*~", "*.swp", "*.swo", "*.orig", "*.rej", "*.bak", "#*#", "thumbs.db"], _BACK_UP),
}
_NOT_THE_USERS = (CACHE, RIG_FILE)
_NAMES = 3  # of one reason that are shown in one line


@dataclass(frozen=True)
class LeftOut:
    """A file, or a folder with all that is in it, and the reason. ``path``, for people, ends in / for a folder."""

    path: str
    reason: str

    @property
    def is_folder(self) -> bool:
        return self.path.endswith("/")


def usual_reason(path: Path, is_folder: bool) -> str:
    """Why a file or folder of this name is left out of every deploy; empty if it is not."""
    name = path.name
    if name.startswith("."):
        return "dot-file"
    if is_folder and (path / "pyvenv.cfg").is_file():
        return HOST_PACKAGES
    table = _FOLDERS if is_folder else _FILES
    return next((reason for pattern, reason in table.items() if fnmatchcase(name.casefold(), pattern)), "")


def printable(path: str) -> str:
    """A path of this host as one line of text, whatever bytes are in its names."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return presentable(text).replace("\n", "\\n").replace("\t", "\\t")


def summary(left_out: Iterable[LeftOut]) -> str:
    """All that the user may miss in one line, a few names for each reason; empty for none."""
    shown = [entry for entry in left_out if entry.reason not in _NOT_THE_USERS]
    counts = [_count(sum(not entry.is_folder for entry in shown), "file")]
    counts.append(_count(sum(entry.is_folder for entry in shown), "folder"))
    reasons = dict.fromkeys(entry.reason for entry in shown)
    groups = [_group([entry.path for entry in shown if entry.reason == reason], reason) for reason in reasons]
    return f"{', '.join(filter(None, counts))}: {', '.join(groups)}" if shown else ""


def rows(left_out: Sequence[LeftOut]) -> list[str]:
    """A line for each."""
    names = [printable(entry.path) for entry in left_out]
    width = max(map(len, names), default=0)
    return [f"left out  {name:<{width}}  {entry.reason}" for name, entry in zip(names, left_out, strict=True)]


def _group(paths: Sequence[str], reason: str) -> str:
    names = ", ".join(map(printable, paths[:_NAMES]))
    rest = f" and {len(paths) - _NAMES} others" if len(paths) > _NAMES else ""
    return f"{names}{rest} ({reason})"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}" if number else ""
