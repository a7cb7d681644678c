"""The power of a board's USB port, switched by uhubctl where the hub can do that."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from serial.tools import list_ports

from camrig.errors import BlockedError

SECONDS = 20.0  # for uhubctl, which itself waits OFF seconds
OFF = "2"  # seconds without power: enough for a carrier board's capacitors
_LOCATION = re.compile(r"^(\d+(?:-\d+(?:\.\d+)*)?)[.-](\d+)(?::.*)?$")


def usb_power(port: str) -> tuple[Callable[[], None] | None, str]:
    """What cycles the power of the USB port behind the serial port ``port``; or None, and why there is nothing."""
    program = shutil.which("uhubctl")
    if program is None:
        return None, "uhubctl is not installed"
    found = hub_and_port(_location(port))
    if found is None:
        return None, f"{port} is not on a USB hub that is known"
    hub, number = found
    command = [program, "-l", hub, "-p", number, "-a", "cycle", "-d", OFF]

    def cycle() -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BlockedError(f"uhubctl did not run to its end ({error})", hint="try it by hand") from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it says nothing"]
            raise BlockedError(
                f"uhubctl refused: {said[0]}", hint="try it by hand; it may need rights on the USB hub"
            )

    return cycle, ""


def hub_and_port(location: str | None) -> tuple[str, str] | None:
    """uhubctl's names out of pyserial's: ``1-1.4:1.0`` is port 4 of hub 1-1, ``1-4`` port 4 of the root hub 1."""
    match = _LOCATION.match(location or "")
    return (match[1], match[2]) if match else None


def _location(port: str) -> str | None:
    if "://" in port:
        return None
    real = str(Path(port).resolve())
    for found in list_ports.comports():
        if found.device in (port, real):
            return str(found.location) if found.location else None
    return None
