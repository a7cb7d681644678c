"""Turns a device specification into a port that can be opened; with ``camrig sim``, all that knows virtual boards."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from camrig.errors import PortError, WifiError
from camrig.lab.usb_ports import UsbPort, list_usb_ports
from camrig.settings.resolve import VIRTUAL, Settings
from camrig.settings.wifi import Wifi
from camrig.virtual.board import VirtualBoard, VirtualConfig

NETWORK = ("socket://", "rfc2217://")


@dataclass(frozen=True)
class Device:
    """A board that can be opened: its specification, its port, and the network that it is to join.

    ``power_cycle`` switches its power off and on, None if the device itself cannot do that.
    """

    spec: str
    port: str
    wifi: Wifi | None
    power_cycle: Callable[[], None] | None = None


@contextmanager
def open_device(spec: str, settings: Settings) -> Iterator[Device]:
    """The device that ``spec`` names, for the duration of the context.

    ``sim`` starts a virtual board whose radio sees one network: the configured one, or a random one for this run.
    Raises PortError, WifiError, InterpreterMissingError or SettingsError.
    """
    if spec == VIRTUAL:
        wifi = settings.wifi or Wifi("camrig-virtual", secrets.token_hex(8))
        config = VirtualConfig(heap=settings.sim_heap.bytes, wifi_ssid=wifi.ssid, wifi_password=wifi.password)
        with VirtualBoard.start(config) as board:
            yield Device(spec, board.path, wifi, board.power_cycle)
        return
    yield Device(spec, find_port(spec), settings.wifi)


def require_wifi(device: Device) -> Wifi:
    """The device's network. Raises WifiError if none is configured."""
    if device.wifi is None:
        raise WifiError(
            "there are no Wi-Fi settings for this board",
            board=device.spec,
            hint="set CAMRIG_WIFI_SSID and CAMRIG_WIFI_PASSWORD, or write ssid and password into camrig.wifi.toml",
        )
    return device.wifi


def find_port(spec: str) -> str:
    """The path or URL to open for ``auto``, ``id:SERIAL``, a path, a COM port or a URL. Raises PortError."""
    if spec == "auto":
        return _only_port(list_usb_ports())
    if spec.startswith("id:"):
        serial = spec[3:]
        ports = [port for port in list_usb_ports() if port.serial == serial]
        if len(ports) > 1:
            raise PortError(f"{len(ports)} ports have the USB serial number {serial}", hint=_describe(ports))
        if ports:
            return ports[0].port
        raise PortError(f"no board with USB serial number {serial} is attached", hint=_describe(list_usb_ports()))
    if spec.startswith(NETWORK):
        _check_address(spec)
    if "://" in spec or Path(spec).exists() or spec.upper().startswith("COM"):
        return spec
    close = difflib.get_close_matches(spec, [VIRTUAL, "auto"], n=1)
    hint = f"did you mean {close[0]}?" if close and "/" not in spec else _describe(list_usb_ports())
    raise PortError(f"there is no port {spec}", hint=hint)


def _check_address(spec: str) -> None:
    """Raise PortError for a URL without host and port, for which pyserial's own message is unclear."""
    parts = urlsplit(spec)
    try:
        complete = bool(parts.hostname and parts.port)
    except ValueError:
        complete = False
    if not complete:
        raise PortError(f"{spec} is not the address of a port", hint=f"write {parts.scheme}://HOST:PORT")


def _only_port(ports: Sequence[UsbPort]) -> str:
    if len(ports) == 1:
        return ports[0].port
    if not ports:
        raise PortError("no USB serial port is attached", hint="plug the board in, or name its port with --device")
    raise PortError(f"{len(ports)} USB serial ports are attached, so auto cannot choose", hint=_describe(ports))


def _describe(ports: Sequence[UsbPort]) -> str:
    if not ports:
        return "no USB serial port is attached: check cable and power"
    return "attached ports: " + ", ".join(
        f"{port.port} (id:{port.serial})" if port.serial else port.port for port in ports
    )
