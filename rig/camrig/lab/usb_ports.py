"""What is plugged in: the USB serial ports of this machine, and which board a path or URL leads to."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports

from camrig.lab.lock import FLEETING

# USB vendor and product of the bridges and chips that camera boards come with.
_BRIDGES = {
    (0x10C4, 0xEA60): "CP210x",
    (0x10C4, 0xEA70): "CP2105",
    (0x1A86, 0x7523): "CH340",
    (0x1A86, 0x5523): "CH341",
    (0x1A86, 0x55D3): "CH343",
    (0x1A86, 0x55D4): "CH9102",
    (0x0403, 0x6001): "FT232",
    (0x0403, 0x6010): "FT2232",
    (0x0403, 0x6015): "FT230X",
    (0x067B, 0x2303): "PL2303",
    (0x303A, 0x1001): "ESP32 USB-Serial-JTAG",
}
_MAKERS = {0x10C4: "Silicon Labs", 0x1A86: "WCH", 0x0403: "FTDI", 0x067B: "Prolific", 0x303A: "Espressif native USB"}

_PSEUDO_TERMINALS = range(136, 144)  # Linux, Documentation/admin-guide/devices.txt: Unix98 PTY slaves


@dataclass(frozen=True)
class UsbPort:
    """One USB serial port. ``serial`` is its USB serial number, empty where the bridge has none."""

    port: str
    bridge: str
    serial: str
    usb: str

    @property
    def native(self) -> bool:
        """Whether the chip itself is the USB device, with no bridge between."""
        return self.usb.startswith("303a:")


def list_usb_ports() -> list[UsbPort]:
    """The USB serial ports of this machine, by name."""
    return [_described(port) for port in sorted(_usb_ports(), key=lambda port: str(port.device))]


def _usb_ports() -> Iterator[Any]:
    for port in list_ports.comports():
        if port.vid is not None:
            yield port


def _described(port: Any) -> UsbPort:
    bridge = _BRIDGES.get((port.vid, port.pid)) or _MAKERS.get(port.vid) or str(port.product or "USB serial port")
    return UsbPort(str(port.device), bridge, str(port.serial_number or ""), f"{port.vid:04x}:{port.pid or 0:04x}")


def lock_key(port: str, known: Iterable[UsbPort] | None = None) -> str:
    """The name of the lock on whatever is behind ``port``: the USB serial number where it names one port only.

    Bridges without a number, and batches that all bear the same one, are told apart by their place.
    """
    if "://" in port:
        return "url-" + port.split("?")[0]
    known = list(list_usb_ports() if known is None else known)
    real, mine = os.path.realpath(port), find_usb_port(port, known)
    if mine is not None and mine.serial:
        alike = [found for found in known if (found.usb, found.serial) == (mine.usb, mine.serial)]
        if len(alike) == 1:
            return f"usb-{mine.usb}-{mine.serial}"
    if born := _pseudo_terminal_born(real):
        return f"{FLEETING}{real}-{born}"
    return "port-" + (real if os.path.exists(real) else port)


def _pseudo_terminal_born(path: str) -> int:
    """When the pseudo-terminal at ``path`` was made, in nanoseconds; 0 if it is none, or this is no Linux.

    Its name is given to another one as soon as it is gone, which a run that still holds it may not notice at once.
    """
    if sys.platform != "linux":
        return 0
    try:
        about = os.stat(path)
    except OSError:
        return 0
    return about.st_ctime_ns if os.major(about.st_rdev) in _PSEUDO_TERMINALS else 0


def mac_key(mac: str) -> str:
    """The name of the lock on the board with this MAC, however it is reached; empty for a MAC that others may have.

    Emulated chips answer with zeros, and locally administered addresses (IEEE 802, bit 1 of the first octet) are
    given by whoever likes to.
    """
    octets = mac.lower().replace(":", "")
    if not set(octets) - {"0"} or not set(octets) - {"f"} or int(octets[:2], 16) & 2:
        return ""
    return f"mac-{mac.lower()}"


def find_usb_port(port: str, known: Iterable[UsbPort]) -> UsbPort | None:
    """What is known of the USB port that ``port`` leads to."""
    real = os.path.realpath(port)
    return next((found for found in known if os.path.realpath(found.port) == real), None)
