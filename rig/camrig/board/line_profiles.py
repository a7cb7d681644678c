"""Profiles of control lines: what DTR and RTS do to a board, by name. Pure: parsed here, played in ``camrig.board``.

A sequence is written as steps between spaces, each ``dtr=0|1``, ``rts=0|1``, both at once (``dtr=1,rts=0``) or
``wait=SECONDS``; 1 is *asserted*, which is a low voltage at the bridge's pin. Built-in profiles follow the wirings
that are found on boards:

- two transistors (Espressif's own boards): EN is low while RTS alone is asserted, IO0 while DTR alone is;
- direct (ESP32-CAM-MB and its kind): RTS pulls EN and DTR pulls IO0, so both asserted holds the chip down;
- DTR pulls EN: carrier boards that have the two lines swapped;
- native USB: no wires; the chip's own USB device reads the lines, and talks while DTR is asserted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camrig.errors import SettingsError

LONGEST = 10.0  # seconds that the waits of one sequence may add up to
_STEP = re.compile(r"(?:(?:dtr|rts)=[01])(?:,(?:dtr|rts)=[01])?")
_WAIT = re.compile(r"wait=(\d{1,2}(?:\.\d{1,3})?|\.\d{1,3})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")


@dataclass(frozen=True)
class Step:
    """Set lines, then wait. None leaves a line as it is; ``wait`` is seconds."""

    dtr: bool | None = None
    rts: bool | None = None
    wait: float = 0.0


Sequence = tuple[Step, ...]


@dataclass(frozen=True)
class Profile:
    """One wiring: the levels between uses, and the sequences that reset the chip into firmware or boot loader.

    An empty sequence means that the wiring cannot do it.
    """

    name: str
    dtr: bool = False
    rts: bool = False
    reset: Sequence = ()
    bootloader: Sequence = ()


def parse_sequence(text: str) -> Sequence:
    """The steps that ``text`` spells. Raises ValueError, naming the step that is wrong."""
    steps = []
    for number, word in enumerate(text.split(), 1):
        if wait := _WAIT.fullmatch(word):
            steps.append(Step(wait=float(wait[1])))
            continue
        levels = dict(part.split("=") for part in word.split(",")) if _STEP.fullmatch(word) else {}
        if len(levels) != word.count(",") + 1:
            raise ValueError(f"step {number}, {word!r}, is none of dtr=0|1, rts=0|1, dtr=0|1,rts=0|1, wait=SECONDS")
        dtr, rts = (levels[name] == "1" if name in levels else None for name in ("dtr", "rts"))
        steps.append(Step(dtr, rts))
    if sum(step.wait for step in steps) > LONGEST:
        raise ValueError(f"waits more than {LONGEST:g} seconds altogether")
    return tuple(steps)


def _built_in(name: str, idle: str, reset: str, bootloader: str) -> Profile:
    dtr, rts = _levels(idle)
    return Profile(name, dtr, rts, parse_sequence(reset), parse_sequence(bootloader))


def _levels(idle: str) -> tuple[bool, bool]:
    """DTR and RTS between uses. Raises ValueError."""
    dtr = rts = False
    for step in parse_sequence(idle):
        if step.wait:
            raise ValueError("idle levels cannot wait")
        dtr = dtr if step.dtr is None else step.dtr
        rts = rts if step.rts is None else step.rts
    return dtr, rts


_RTS_RESET = "dtr=0,rts=0 rts=1 wait=0.1 rts=0"
PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        # Both lines change at once, since a moment with both alone asserted is seen by the transistors.
        _built_in("devkit", "dtr=0,rts=0", _RTS_RESET, "dtr=0,rts=1 wait=0.1 dtr=1,rts=0 wait=0.1 dtr=0,rts=0"),
        # IO0 must be low before EN rises, and stay low a moment longer.
        _built_in("esp32-cam-mb", "dtr=0,rts=0", _RTS_RESET, "dtr=1,rts=1 wait=0.1 rts=0 wait=0.1 dtr=0"),
        _built_in(
            "dtr-reset",
            "dtr=0,rts=0",
            "dtr=0,rts=0 dtr=1 wait=0.1 dtr=0",
            "dtr=1,rts=1 wait=0.1 dtr=0 wait=0.1 rts=0",
        ),
        # Both asserted is the one talking state that a USB-Serial-JTAG does not take for a request.
        _built_in(
            "usb-cdc",
            "dtr=1,rts=1",
            "dtr=0,rts=0 wait=0.1 rts=1 wait=0.1 rts=0 wait=0.1",
            "dtr=0,rts=0 wait=0.1 dtr=1 wait=0.1 dtr=1,rts=1 dtr=0 wait=0.1 dtr=0,rts=0",
        ),
        _built_in("none", "dtr=0,rts=0", "", ""),
    )
}
DEVKIT, NONE = PROFILES["devkit"], PROFILES["none"]


def profile(name: str, own: Mapping[str, Any], where: str) -> Profile:
    """The profile called ``name``: built in, or one of the tables ``own`` of the file ``where``.

    All tables are read, so that a mistake in one is found before the day it is needed. Raises SettingsError.
    """
    known = {**PROFILES, **{key: _read(key, table, where) for key, table in own.items()}}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"use {close[0]}" if close else f"use one of {', '.join(known)}"
    raise SettingsError(
        f"there is no control-line profile {name!r}", hint=f"{hint}, or write [wiring.{name}] in {where}"
    )


def _read(name: str, table: Any, where: str) -> Profile:
    place = f"[wiring.{name}] in {where}"
    if name in PROFILES or not _NAME.fullmatch(name):
        raise SettingsError(f"{place} cannot be called so", hint="give it a name of its own")
    if not isinstance(table, Mapping):
        raise SettingsError(f"{place} is no table", hint="give it idle, reset and bootloader")
    for key, value in table.items():
        if key not in ("idle", "reset", "bootloader"):
            raise SettingsError(f"{place} has no setting {key!r}", hint="known are idle, reset, bootloader")
        if not isinstance(value, str):
            raise SettingsError(f"{place}: {key} is not a text", hint="put it in quotes")
    key = ""
    try:
        dtr, rts = _levels(table.get(key := "idle", "dtr=0,rts=0"))
        reset = parse_sequence(table.get(key := "reset", ""))
        bootloader = parse_sequence(table.get(key := "bootloader", ""))
    except ValueError as error:
        raise SettingsError(f"{place}: {key}: {error}", hint="see docs/wiring-esp32-cam.md") from None
    return Profile(name, dtr, rts, reset, bootloader)
