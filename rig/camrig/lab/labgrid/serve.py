"""Offers this host's boards to labgrid's coordinator: places, labgrid's own exporter, virtual boards behind it."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from camrig.errors import LabError, PortError, SettingsError
from camrig.interruption import terminate_as_interrupt
from camrig.lab.device_spec import find_port
from camrig.lab.early_start import switched_on
from camrig.lab.kept_boards import config_of
from camrig.lab.labgrid.connection import Connection
from camrig.lab.labgrid.exporter import Exporter
from camrig.lab.labgrid.exporter_file import PORT, USB, VIRTUAL, OfferedBoard, exporter_file, place_name
from camrig.lab.labgrid.place_spec import PREFIX, full_address, is_place
from camrig.lab.usb_ports import UsbPort, find_usb_port, list_usb_ports
from camrig.settings import resolve
from camrig.settings.resolve import Settings, is_virtual

MOST_VIRTUAL = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,62}")
_TAG = re.compile(r"([a-z][a-z0-9_]+)=([a-z0-9_.-]+)")


def serve(
    settings: Settings,
    *,
    name: str | None,
    address: str | None,
    virtual: int,
    tags: Sequence[str],
    named: Sequence[str],
) -> int:
    """Offer boards until Ctrl-C or SIGTERM. Returns the exit code. Raises LabError, PortError or SettingsError.

    Those are the ``named`` ports, else all USB serial ports unless there are ``virtual`` boards; and those.
    """
    exporter_name = name or re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname()) or "camrig"
    if not _NAME.fullmatch(exporter_name):
        raise SettingsError(f"--name: {exporter_name!r} is not a name", hint="use letters, digits, . and -")
    if not 0 <= virtual <= MOST_VIRTUAL:
        raise SettingsError(f"--virtual: {virtual} is not between 0 and {MOST_VIRTUAL}")
    own_tags = _parse_tags(tags)
    _demand_ser2net()
    ports = _ports(named, exporter_name) if named or not virtual else []
    if not (ports or virtual):
        raise PortError("there is no board to offer", hint="plug one in, or offer virtual ones: --virtual 2")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell in the background lets be ignored
    terminate_as_interrupt()
    coordinator = full_address(settings.coordinator)
    with ExitStack() as stack:
        try:
            connection = Connection(coordinator)
            stack.callback(connection.close)
            boards = [*ports, *_virtual_boards(settings, exporter_name, virtual, stack)]
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camrig-exporter-")))
            file = folder / "exporter.yaml"
            file.write_text(exporter_file(boards, settings.baud))
            host = address or _own_address(coordinator)
            exporter = Exporter(coordinator, exporter_name, host, file)
            stack.callback(exporter.close)
            places = [
                {
                    "name": board.name,
                    "pattern": board.pattern(exporter_name),
                    "tags": {"board": board.kind, **own_tags},
                }
                for board in boards
            ]
            connection.request("offer", {"places": places})
            exporter.wait_until_known(connection, [board.name for board in boards])
            _show(boards, coordinator, exporter_name, host, settings)
            exporter.run(lambda line: print(f"camrig: {line}", file=sys.stderr, flush=True))
        except KeyboardInterrupt:
            print("ends: the exporter, its places and virtual boards", flush=True)
    return 0


def _parse_tags(texts: Sequence[str]) -> dict[str, str]:
    tags = {}
    for text in texts:
        if (match := _TAG.fullmatch(text)) is None:
            raise SettingsError(f"--tag: {text!r} is not KEY=VALUE", hint="use small letters, digits and _")
        tags[match[1]] = match[2]
    return tags


def _demand_ser2net() -> None:
    """Raises LabError where the exporter would find no ser2net, without which it serves no port."""
    if shutil.which("ser2net") is None and not os.path.isfile("/usr/sbin/ser2net"):
        raise LabError(
            "ser2net is not installed, with which labgrid's exporter serves ports",
            hint="install it, on Debian and Ubuntu with apt install ser2net",
        )


def _ports(named: Sequence[str], exporter: str) -> list[OfferedBoard]:
    """The ports that are ``named``, else every USB serial port. Raises PortError."""
    known = list_usb_ports()
    specs = named or tuple(port.port for port in known)
    boards: list[OfferedBoard] = []
    for spec in specs:
        if is_virtual(spec):
            raise SettingsError(f"{spec} is not a port of this host", hint="offer virtual boards with --virtual N")
        port = "" if is_place(spec) else find_port(spec)
        if not os.path.realpath(port).startswith("/dev/"):
            raise PortError(
                f"{spec} is not below /dev, where labgrid's exporter expects ports", hint="name a local port"
            )
        boards.append(_board(exporter, port, find_usb_port(port, known), known, [board.name for board in boards]))
    return boards


def _board(
    exporter: str, port: str, usb: UsbPort | None, known: Sequence[UsbPort], taken: Sequence[str]
) -> OfferedBoard:
    if usb is None or not usb.serial or [candidate.serial for candidate in known].count(usb.serial) > 1:
        path = port if port.startswith("/dev/") else os.path.realpath(port)
        kind = PORT if usb is None else USB
        return OfferedBoard(place_name(exporter, Path(path).name, taken), kind, path)
    return OfferedBoard(place_name(exporter, usb.serial, taken), USB, usb.port, usb.serial)


def _virtual_boards(settings: Settings, exporter: str, count: int, stack: ExitStack) -> list[OfferedBoard]:
    """Virtual boards that end with ``stack``. Their ports are pseudo-terminals below /dev as they are."""
    starting = []
    for _ in range(count):
        _, board = switched_on(config_of(resolve.VIRTUAL, settings), own_password=False)
        stack.callback(board.close)
        starting.append(board)
    boards: list[OfferedBoard] = []
    for number, board in enumerate(starting, 1):
        path = os.path.realpath(board.finish().path)
        name = place_name(exporter, f"sim{number}", [])
        boards.append(OfferedBoard(name, VIRTUAL, path))
    return boards


def _own_address(coordinator: str) -> str:
    """This host's address as hosts see it that reach the coordinator. Raises LabError."""
    host, _, port = coordinator.rpartition(":")
    try:
        family, _, _, _, target = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(target)
            return str(probe.getsockname()[0])
    except OSError as error:
        raise LabError(
            f"the address of this host is not known ({error.strerror or error})", hint="name it with --address"
        ) from None


def _show(boards: Sequence[OfferedBoard], coordinator: str, exporter: str, host: str, settings: Settings) -> None:
    print(f"exporter {exporter} serves {len(boards)} board{'s' * (len(boards) != 1)} at {host} for {coordinator}")
    for board in boards:
        print(f"  {board.name:<24} {board.kind}, {board.port}")
    first = boards[0]
    variables = f"LG_COORDINATOR={coordinator} "
    if first.kind == VIRTUAL and settings.wifi is None:
        config = config_of(resolve.VIRTUAL, settings)
        ssid, password = shlex.quote(config.wifi_ssid), shlex.quote(config.wifi_password)
        variables += f"CAMRIG_WIFI_SSID={ssid} CAMRIG_WIFI_PASSWORD={password} "
    print(f"run:  {variables}pytest --device {PREFIX}{first.name}")
    print(f"or:   {variables}pytest --device {PREFIX}+board={first.kind}")
    if any(board.kind == VIRTUAL for board in boards):
        print("The server of a virtual board answers on this host only.")
    print("Ctrl-C ends it.", flush=True)
