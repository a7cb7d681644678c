"""pytest's command line, read so that the value of an option is never mistaken for a test path.

pytest settles its root folder before it knows the options of any plugin. What follows an option that it does not
know yet counts as a path to tests: after ``--device /dev/ttyUSB0`` the root is ``/dev``, and the ini file, its
testpaths and its conftest files are lost. ``--device=/dev/ttyUSB0`` means the same and cannot be mistaken.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from camrig.settings.options import OPTIONS

# The long name of each name of an option that takes a value.
LONG = {name: option.long_flag for option in OPTIONS if not option.switch for name in (option.flag, option.long_flag)}


def join_values(arguments: Sequence[str], foreign: Collection[str] = ()) -> list[str]:
    """``arguments`` with each option of camrig's joined to its value.

    ``foreign``: names of options that other plugins have. Until the short names are added, pytest does not know them,
    and takes what holds a space for a test path all the same: there the long name is used.
    """
    return [
        argument if value is None else f"{LONG[argument] if ' ' in value else argument}={value}"
        for argument, value in _with_values(arguments, foreign)
    ]


def mistaken(arguments: Sequence[str], folder: Path, foreign: Collection[str] = ()) -> bool:
    """Whether pytest, started in ``folder``, has mistaken a value in ``arguments`` for a test path."""
    pairs = _with_values(arguments, foreign)
    return any(value is not None and _exists(folder, value) for _, value in pairs)


def _with_values(arguments: Sequence[str], foreign: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Each argument with None, but an option of camrig's with the value that follows it."""
    names = {name for name, long_name in LONG.items() if name == long_name or name not in foreign}
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":  # only test paths follow
            names = set()
        yield argument, next(remaining, None) if argument in names else None


def _exists(folder: Path, value: str) -> bool:
    try:
        return os.path.exists(folder / value.partition("::")[0])
    except ValueError:  # not a path at all
        return False
