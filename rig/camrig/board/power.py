"""The power of a board's USB port, switched by uhubctl where the hub supports it."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from serial.tools import list_ports

from camrig.errors import BlockedError
from camrig.redaction import child_environment

SECONDS = 20.0  # for uhubctl, which itself waits OFF seconds
OFF = "2"  # seconds without power: enough for a carrier board's capacitors
_LOCATION = re.compile(r"^(\d+(?:-\d+(?:\.\d+)*)?)[.-](\d+)(?::.*)?$")


def usb_power(port: str) -> tuple[Callable[[], None] | None, str]:
    """A function that switches the USB port behind the serial port ``port`` off and on; or None, and the reason."""
    program = shutil.which("uhubctl")
    if program is None:
        return None, "uhubctl is not installed"
    location = hub_and_port(_location(port))
    if location is None:
        return None, f"{port} is not on a known USB hub"
    hub, number = location
    command = [program, "-l", hub, "-p", number, "-a", "cycle", "-d", OFF]

    def cycle() -> None:
        try:
            process = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, env=child_environment()
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BlockedError(f"uhubctl did not finish ({error})", hint="try it by hand") from None
        if process.returncode:
            output = (process.stderr or process.stdout).strip().splitlines()[-1:] or ["it printed nothing"]
            raise BlockedError(
                f"uhubctl failed: {output[0]}", hint="try it by hand; it may need permission for the USB hub"
            )

    return cycle, ""


def hub_and_port(location: str | None) -> tuple[str, str] | None:
    """uhubctl's names from pyserial's location: ``1-1.4:1.0`` is port 4 of hub 1-1, ``1-4`` port 4 of root hub 1."""
    match = _LOCATION.match(location or "")
    return (match[1], match[2]) if match else None


def _location(port: str) -> str | None:
    if "://" in port:
        return None
    path = str(Path(port).resolve())
    for usb_port in list_ports.comports():
        if usb_port.device in (port, path):
            return str(usb_port.location) if usb_port.location else None
    return None
