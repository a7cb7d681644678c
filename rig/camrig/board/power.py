"""The power of a board: its USB port, switched by uhubctl where the hub supports it, or a command of the bench."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from serial.tools import list_ports

from camrig.errors import BlockedError
from camrig.redaction import child_environment

SECONDS = 20.0  # for uhubctl, which itself waits OFF seconds, and for a command of the bench
OFF = "2"  # seconds without power: enough for a carrier board's capacitors
_LOCATION = re.compile(r"^(\d+(?:-\d+(?:\.\d+)*)?)[.-](\d+)(?::.*)?$")


def usb_power(port: str, place: str = "") -> tuple[Callable[[], None] | None, str]:
    """A function that switches the USB port behind the serial port ``port`` off and on; or None, and the reason.

    ``place`` names another port of a hub, as ``1-1.4``.
    """
    program = shutil.which("uhubctl")
    if program is None:
        return None, "uhubctl is not installed"
    location = hub_and_port(place or _location(port))
    if location is None:
        return None, f"{port} is not on a known USB hub"
    hub, number = location
    command = [program, "-l", hub, "-p", number, "-a", "cycle", "-d", OFF]
    return command_power(command, "it may need permission for the USB hub"), ""


def command_power(command: Sequence[str], hint: str) -> Callable[[], None]:
    """A function that runs ``command``, which switches power off and on."""
    name = Path(command[0]).name

    def cycle() -> None:
        try:
            process = subprocess.run(
                [*command],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                env=child_environment(),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BlockedError(f"{name} did not finish ({error})", hint=f"try it by hand; {hint}") from None
        if process.returncode:
            output = (process.stderr or process.stdout).strip().splitlines()[-1:] or ["it printed nothing"]
            raise BlockedError(f"{name} failed: {output[0]}", hint=f"try it by hand; {hint}")

    return cycle


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
