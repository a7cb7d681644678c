"""The rows of ``camrig devices``: every attached port, who holds it, and what is known of the board behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from camrig.board.identity import identify
from camrig.board.session import Session
from camrig.errors import CamrigError
from camrig.lab import health_files, kept_boards, lock
from camrig.lab.device_spec import find_port
from camrig.lab.usb_ports import UsbPort, find_usb_port, list_usb_ports, lock_key
from camrig.settings.resolve import Settings, is_virtual

COLUMNS = ("PORT", "USB BRIDGE", "USB SERIAL", "CHIP", "MAC", "FIRMWARE", "IDENTIFIED", "IN USE BY", "STATE")


@dataclass(frozen=True)
class Row:
    """One port. What its board reported is empty until a run or ``--probe`` has read it; ``identified`` is when.

    ``state`` says that it is quarantined or wedged, and since when; mostly it is empty.
    """

    port: str
    bridge: str
    usb_serial: str
    chip: str = ""
    mac: str = ""
    firmware: str = ""
    identified: str = ""
    holder: str = ""
    problem: str = ""
    state: str = ""


def rows(settings: Settings, probe: bool, progress: Callable[[str], None] = lambda line: None) -> list[Row]:
    """The attached USB serial ports, the kept virtual boards, and any others that the settings name.

    Listing does not touch the boards: it shows what each reported when it was last identified. ``probe`` identifies
    every board that no run holds, which interrupts its program; it is restarted afterwards. ``progress`` gets a line
    for each. Raises PortError for a bad setting.
    """
    known = [*list_usb_ports(), *(UsbPort(board.path, "virtual board", "", "") for board in kept_boards.listed())]
    ports = [usb_port.port for usb_port in known]
    for spec in settings.device:
        if not is_virtual(spec) and find_usb_port(port := find_port(spec), known) is None:
            ports.append(port)
    return [_row(port, known, settings, probe, progress) for port in ports]


def _row(
    port: str, known: Sequence[UsbPort], settings: Settings, probe: bool, progress: Callable[[str], None]
) -> Row:
    usb, key = find_usb_port(port, known), lock_key(port, known)
    problem = ""
    if probe and lock.inspect(key)[0] is None:
        progress(f"identifying the board on {port} ...")
        try:
            _identify(port, key, settings)
        except CamrigError as error:
            problem = error.what
    holder, record = lock.inspect(key)
    return Row(
        port=port,
        bridge=usb.bridge if usb else "",
        usb_serial=usb.serial if usb else "",
        chip=record.chip if record else "",
        mac=record.mac if record else "",
        firmware=record.firmware if record else "",
        identified=record.at if record else "",
        holder=str(holder or ""),
        problem=problem,
        state=health_files.of_board(key)[1].state,
    )


def _identify(port: str, key: str, settings: Settings) -> None:
    """Identify the board, keep the result beside its lock, and restart the board."""
    with lock.held(key, port) as board_lock:
        session = Session(port, settings.baud, lines=settings.lines, boots_in=settings.boots_in)
        try:
            session.repl()
            identity = identify(session)
            board_lock.remember(identity.chip, identity.mac, identity.firmware)
            session.restart()
        finally:
            session.close()


def as_table(listing: Sequence[Row]) -> str:
    """The rows as text columns; empty columns are left out."""
    if not listing:
        return "no USB serial port is attached: check cable and power, or name a network port with --device"
    names = ("port", "bridge", "usb_serial", "chip", "mac", "firmware", "identified", "holder", "state")
    cells = [COLUMNS, *(tuple(getattr(row, name) or "-" for name in names) for row in listing)]
    shown = [n for n in range(len(names)) if any(line[n] != "-" for line in cells[1:])]
    widths = {n: max(len(line[n]) for line in cells) for n in shown}
    lines = ["  ".join(line[n].ljust(widths[n]) for n in shown).rstrip() for line in cells]
    lines += [f"{row.port}: {row.problem}" for row in listing if row.problem]
    if not any(row.chip or row.problem for row in listing):
        lines.append("(--probe identifies the boards: it interrupts the program that each runs, and restarts it)")
    return "\n".join(lines)


def as_json(listing: Sequence[Row]) -> str:
    """The rows for programs: a list of objects whose keys are the fields of ``Row``."""
    return json.dumps([asdict(row) for row in listing], indent=2)
