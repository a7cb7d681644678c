"""The USB serial ports of this machine, and the names of the locks on the boards behind them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports

from camrig.lab import lock

# USB vendor and product IDs of the bridges and chips found on camera boards.
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
    """One USB serial port. ``serial`` is its USB serial number, empty if the bridge has none."""

    port: str
    bridge: str
    serial: str
    usb: str

    @property
    def native(self) -> bool:
        """Whether the chip itself is the USB device, without a bridge."""
        return self.usb.startswith("303a:")


def list_usb_ports() -> list[UsbPort]:
    """The USB serial ports of this machine, sorted by name."""
    return [_describe(port) for port in sorted(_usb_ports(), key=lambda port: str(port.device))]


def _usb_ports() -> Iterator[Any]:
    for port in list_ports.comports():
        if port.vid is not None:
            yield port


def _describe(port: Any) -> UsbPort:
    bridge = _BRIDGES.get((port.vid, port.pid)) or _MAKERS.get(port.vid) or str(port.product or "USB serial port")
    return UsbPort(str(port.device), bridge, str(port.serial_number or ""), f"{port.vid:04x}:{port.pid or 0:04x}")


def lock_key(port: str, known: Iterable[UsbPort] | None = None) -> str:
    """The name of the lock on the board behind ``port``: the USB serial number if only one port has it.

    Bridges without a serial number, or with one that several share, are distinguished by the path of the port, and
    kept virtual boards by their folder.
    """
    if "://" in port:
        return "url-" + port.split("?")[0]
    if key := lock.kept_key(port):
        return key
    known = list(list_usb_ports() if known is None else known)
    path, usb_port = os.path.realpath(port), find_usb_port(port, known)
    if usb_port is not None and usb_port.serial:
        same = [
            candidate for candidate in known if (candidate.usb, candidate.serial) == (usb_port.usb, usb_port.serial)
        ]
        if len(same) == 1:
            return f"usb-{usb_port.usb}-{usb_port.serial}"
    if created := _pseudo_terminal_created(path):
        return f"{lock.TRANSIENT}{path}-{created}"
    return "port-" + (path if os.path.exists(path) else port)


def _pseudo_terminal_created(path: str) -> int:
    """When the pseudo-terminal at ``path`` was created, in nanoseconds; 0 for any other file, and outside Linux.

    The kernel reuses its name as soon as it is gone, perhaps before a run that holds its lock has noticed.
    """
    if sys.platform != "linux":
        return 0
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_ctime_ns if os.major(status.st_rdev) in _PSEUDO_TERMINALS else 0


def mac_key(mac: str) -> str:
    """The name of the lock on the board with this MAC, on any port; empty for a MAC that is not unique.

    Emulated chips report zeros, and locally administered addresses (IEEE 802, bit 1 of the first octet) are not
    assigned by anybody.
    """
    octets = mac.lower().replace(":", "")
    if not set(octets) - {"0"} or not set(octets) - {"f"} or int(octets[:2], 16) & 2:
        return ""
    return f"mac-{mac.lower()}"


def find_usb_port(port: str, known: Iterable[UsbPort]) -> UsbPort | None:
    """The USB port among ``known`` that the path ``port`` leads to, None if there is none."""
    path = os.path.realpath(port)
    return next((usb_port for usb_port in known if os.path.realpath(usb_port.port) == path), None)
