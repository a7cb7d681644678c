"""pytest's command line, read so that the value of an option is never mistaken for a test path.

pytest settles its root folder before it knows the options of any plugin. What follows an option that it does not
know yet counts as a path to tests: after ``--device /dev/ttyUSB0`` the root is ``/dev``, and the ini file, its
testpaths and its conftest files are lost. ``--hil-device=/dev/ttyUSB0`` means the same and cannot be mistaken.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from camrig.settings.options import OPTIONS

VALUED = [option for option in OPTIONS if not option.switch]
LONG_FLAGS = {option.long_flag for option in VALUED}
SHORT_FLAGS = {option.flag for option in VALUED} - LONG_FLAGS


@dataclass(frozen=True)
class Separated:
    """A command line in two: what pytest may see at once, and short flags with values, of an unknown owner so far."""

    kept: list[str]
    postponed: list[str]


def separate(arguments: Sequence[str], foreign: Collection[str] = ()) -> Separated:
    """Join long flags to their values, and postpone short flags, unless they are among the ``foreign`` ones."""
    kept: list[str] = []
    postponed: list[str] = []
    for argument, value in _with_values(arguments, foreign):
        if value is None:
            kept.append(argument)
        elif argument in LONG_FLAGS:
            kept.append(f"{argument}={value}")
        else:
            postponed += [argument, value]
    return Separated(kept, postponed)


def mistaken(arguments: Sequence[str], folder: Path, foreign: Collection[str] = ()) -> bool:
    """Whether pytest, started in ``folder``, has mistaken a value in ``arguments`` for a test path."""
    pairs = _with_values(arguments, foreign)
    return any(value is not None and _exists(folder, value) for _, value in pairs)


def _with_values(arguments: Sequence[str], foreign: Collection[str]) -> Iterator[tuple[str, str | None]]:
    """Each argument with None, but an option of camrig's with the value that follows it."""
    flags = LONG_FLAGS | {flag for flag in SHORT_FLAGS if flag not in foreign}
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "--":  # only test paths follow
            flags = set()
        yield argument, next(remaining, None) if argument in flags else None


def _exists(folder: Path, value: str) -> bool:
    try:
        return os.path.exists(folder / value.partition("::")[0])
    except ValueError:  # not a path at all
        return False
