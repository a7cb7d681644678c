"""Options of a pytest command line, read so that their values are never taken for tests.

pytest settles its root folder before it knows the options of any plugin. What follows an option that it does not
know yet counts as a path to tests: after ``--device /dev/ttyUSB0`` the root is ``/dev``, and the ini file, its
testpaths and its conftest files are lost. ``--device=/dev/ttyUSB0`` means the same and cannot be mistaken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from camrig.settings.options import OPTIONS

VALUED = frozenset(option.flag for option in OPTIONS if not option.switch)


def joined(arguments: Sequence[str]) -> list[str]:
    """``arguments`` with each option of ours and its value in one piece."""
    return [one if value is None else f"{one}={value}" for one, value in _pieces(arguments)]


def mistaken(arguments: Sequence[str], folder: Path) -> bool:
    """Whether pytest, started in ``folder``, has taken a value in ``arguments`` for a path to tests."""
    return any(value is not None and _exists(folder, value) for _, value in _pieces(arguments))


def _pieces(arguments: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Each argument with None, but an option of ours with the value that follows it."""
    rest = iter(arguments)
    ours = VALUED
    for one in rest:
        if one == "--":  # what comes now are tests
            ours = frozenset()
        yield one, next(rest, None) if one in ours else None


def _exists(folder: Path, value: str) -> bool:
    try:
        return os.path.exists(folder / value.partition("::")[0])
    except ValueError:  # no path at all
        return False
