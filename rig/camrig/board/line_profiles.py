"""Control-line profiles: how DTR and RTS act on a board, by name. Pure data; ``control_lines`` plays the sequences.

A sequence is a list of steps separated by spaces, each ``dtr=0|1``, ``rts=0|1``, both at once (``dtr=1,rts=0``) or
``wait=SECONDS``; 1 is *asserted*, a low voltage at the bridge's pin. The built-in profiles cover the wirings found on
boards:

- two transistors (Espressif's own boards): EN is low while only RTS is asserted, IO0 while only DTR is;
- direct (ESP32-CAM-MB and similar): RTS pulls EN and DTR pulls IO0, so the chip is held in reset while both are;
- swapped: carrier boards on which DTR pulls EN and RTS pulls IO0;
- native USB: no wires; the chip's own USB device reads the lines, and sends while DTR is asserted.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camrig.errors import SettingsError

LONGEST = 10.0  # seconds: the limit for all waits of one sequence together
_STEP = re.compile(r"(?:(?:dtr|rts)=[01])(?:,(?:dtr|rts)=[01])?")
_WAIT = re.compile(r"wait=(\d{1,2}(?:\.\d{1,3})?|\.\d{1,3})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")


@dataclass(frozen=True)
class LineStep:
    """Set lines, then wait ``wait`` seconds. None leaves a line as it is."""

    dtr: bool | None = None
    rts: bool | None = None
    wait: float = 0.0


LineSequence = tuple[LineStep, ...]


@dataclass(frozen=True)
class LineProfile:
    """One wiring: the idle levels, and the sequences that reset the chip into its firmware or its boot loader.

    An empty sequence means that this wiring cannot do it.
    """

    name: str
    dtr: bool = False
    rts: bool = False
    reset: LineSequence = ()
    bootloader: LineSequence = ()


def parse_sequence(text: str) -> LineSequence:
    """Parse ``text`` into steps. Raises ValueError, which names the wrong step."""
    steps = []
    for number, word in enumerate(text.split(), 1):
        if wait := _WAIT.fullmatch(word):
            steps.append(LineStep(wait=float(wait[1])))
            continue
        levels = dict(part.split("=") for part in word.split(",")) if _STEP.fullmatch(word) else {}
        if len(levels) != word.count(",") + 1:
            raise ValueError(f"step {number}, {word!r}, must be dtr=0|1, rts=0|1, dtr=0|1,rts=0|1 or wait=SECONDS")
        dtr, rts = (levels[name] == "1" if name in levels else None for name in ("dtr", "rts"))
        steps.append(LineStep(dtr, rts))
    if sum(step.wait for step in steps) > LONGEST:
        raise ValueError(f"the waits add up to more than {LONGEST:g} seconds")
    return tuple(steps)


def _built_in(name: str, idle: str, reset: str, bootloader: str) -> LineProfile:
    dtr, rts = _levels(idle)
    return LineProfile(name, dtr, rts, parse_sequence(reset), parse_sequence(bootloader))


def _levels(idle: str) -> tuple[bool, bool]:
    """The idle levels of DTR and RTS. Raises ValueError."""
    dtr = rts = False
    for step in parse_sequence(idle):
        if step.wait:
            raise ValueError("idle levels cannot contain a wait")
        dtr = dtr if step.dtr is None else step.dtr
        rts = rts if step.rts is None else step.rts
    return dtr, rts


_RTS_RESET = "dtr=0,rts=0 rts=1 wait=0.1 rts=0"
PROFILES: Mapping[str, LineProfile] = {
    profile.name: profile
    for profile in (
        # Both lines change in one step: the transistors react to any state in which only one is asserted.
        _built_in("devkit", "dtr=0,rts=0", _RTS_RESET, "dtr=0,rts=1 wait=0.1 dtr=1,rts=0 wait=0.1 dtr=0,rts=0"),
        # IO0 must be low before EN rises, and stay low shortly after.
        _built_in("esp32-cam-mb", "dtr=0,rts=0", _RTS_RESET, "dtr=1,rts=1 wait=0.1 rts=0 wait=0.1 dtr=0"),
        _built_in(
            "dtr-reset",
            "dtr=0,rts=0",
            "dtr=0,rts=0 dtr=1 wait=0.1 dtr=0",
            "dtr=1,rts=1 wait=0.1 dtr=0 wait=0.1 rts=0",
        ),
        # A USB-Serial-JTAG sends while DTR is asserted; of those states, only both asserted is not a request.
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


def find_profile(name: str, own: Mapping[str, Any], where: str) -> LineProfile:
    """The profile called ``name``: built in, or from the tables ``own`` of the file ``where``.

    All tables are checked, also those that are not used. Raises SettingsError.
    """
    known = {**PROFILES, **{key: _read(key, table, where) for key, table in own.items()}}
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"use {close[0]}" if close else f"use one of {', '.join(known)}"
    raise SettingsError(
        f"there is no control-line profile {name!r}", hint=f"{hint}, or write [wiring.{name}] in {where}"
    )


def _read(name: str, table: Any, where: str) -> LineProfile:
    place = f"[wiring.{name}] in {where}"
    if name in PROFILES or not _NAME.fullmatch(name):
        raise SettingsError(f"{place} has a name that cannot be used", hint="give it a name of its own")
    if not isinstance(table, Mapping):
        raise SettingsError(f"{place} is not a table", hint="give it idle, reset and bootloader")
    for key, value in table.items():
        if key not in ("idle", "reset", "bootloader"):
            raise SettingsError(f"{place} has no setting {key!r}", hint="use idle, reset or bootloader")
        if not isinstance(value, str):
            raise SettingsError(f"{place}: {key} is not a string", hint="put it in quotes")
    key = ""
    try:
        dtr, rts = _levels(table.get(key := "idle", "dtr=0,rts=0"))
        reset = parse_sequence(table.get(key := "reset", ""))
        bootloader = parse_sequence(table.get(key := "bootloader", ""))
    except ValueError as error:
        raise SettingsError(f"{place}: {key}: {error}", hint="see docs/wiring-esp32-cam.md") from None
    return LineProfile(name, dtr, rts, reset, bootloader)
