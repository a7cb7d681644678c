"""Turns a device specification into a port that can be opened; with ``camrig sim``, all that knows virtual boards."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from camrig.errors import CamrigError, PortError, WifiError
from camrig.lab.early_start import switched_on, taken_early
from camrig.lab.kept_boards import config_of, take
from camrig.lab.labgrid.place_spec import is_place
from camrig.lab.lock import Lock
from camrig.lab.usb_ports import UsbPort, list_usb_ports
from camrig.settings.bench import ALL, MAC, VIRTUAL
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi

COM_PORT = re.compile(r"(?:\\\\\.\\)?COM\d{1,3}", re.IGNORECASE)  # of Windows, also as \\.\COM12
NETWORK = ("socket://", "rfc2217://")


@dataclass(frozen=True)
class Device:
    """A board that can be opened: its specification or name, its port, and the network that it is to join.

    ``power_cycle`` switches its power off and on, None if the device itself cannot do that; ``no_power`` says why
    nothing can. ``lock`` is that of a kept virtual board or of a place, which is held already. ``find`` returns the
    present name of the port, None if that does not change. ``check`` raises LeaseLostError when the board has become
    somebody else's, and ``explain`` makes that error of one that its port raised.
    """

    spec: str
    port: str
    wifi: Wifi | None
    power_cycle: Callable[[], None] | None = None
    lock: Lock | None = None
    no_power: str = ""
    find: Callable[[], str] | None = None
    check: Callable[[], None] = lambda: None
    explain: Callable[[CamrigError], CamrigError] = lambda error: error
    is_virtual: bool = False


@contextmanager
def open_device(spec: str, settings: Settings, notify: Callable[[str], None] = lambda line: None) -> Iterator[Device]:
    """The device that ``spec`` names, for the duration of the context; ``settings`` are those of this board.

    ``sim`` takes a kept virtual board that fits and is free, or starts one for this run. Its radio sees one network,
    the configured one if there is one. ``sim:PROFILE`` means a board that is as slow as the profile says.
    A board that is known by its MAC may have to be looked for, of which ``notify`` gets a line for each port. A place
    of labgrid's is acquired; ``notify`` gets a line when it has to be waited for.
    Raises PortError, WifiError, LabError, BoardBusyError, InterpreterMissingError or SettingsError.
    """
    if settings.is_virtual(spec):
        config = config_of(spec, settings)
        if (taken := take(config)) is not None:
            kept, lock = taken
            try:
                yield Device(spec, kept.path, Wifi(kept.ssid, kept.password), kept.power_cycle, lock, is_virtual=True)
            finally:
                lock.release()
            return
        config, starting = taken_early(spec, settings) or switched_on(config)
        with starting.finish() as fresh:
            wifi = Wifi(config.wifi_ssid, config.wifi_password)
            yield Device(spec, fresh.path, wifi, fresh.power_cycle, is_virtual=True)
        return
    address = settings.board(spec).device
    if is_place(address):
        from camrig.lab.labgrid.lease import leased

        with leased(address, settings.coordinator, settings.wait, notify) as lease:
            yield Device(
                spec,
                lease.port,
                settings.wifi,
                lease.power_cycle if lease.has_power else None,
                lease.lock,
                no_power=f"the labgrid place {lease.place} has nothing that switches it",
                find=lease.find,
                check=lease.check,
                explain=lease.explain,
            )
        return
    if address.startswith(MAC):
        from camrig.lab.by_mac import search

        search(address[len(MAC) :], settings, notify)
    try:
        port = find_port(address)
    except PortError as error:
        raise error.on(spec) if spec != address else error from None
    yield Device(spec, port, settings.wifi, find=partial(find_port, address))


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
    """The path or URL to open for ``auto``, ``id:SERIAL``, ``mac:ADDRESS``, a path, a COM port or a URL.

    The port of a place is known only while that is acquired. Raises PortError, also for ``all`` where no board is
    attached.
    """
    if spec == ALL:
        raise PortError("no USB serial port is attached, so --device all names no board", hint="plug the boards in")
    if spec.startswith(MAC):
        from camrig.lab.by_mac import known_port

        return known_port(spec[len(MAC) :])
    if is_place(spec):
        raise PortError(f"{spec} has no port before it is acquired", hint="run with it as --device")
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
    if "://" in spec or Path(spec).exists() or COM_PORT.fullmatch(spec):
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
