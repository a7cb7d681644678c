"""The rows of ``camrig devices``: every attached port, who holds it, and what is known of the board behind it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from camrig.errors import CamrigError, PortError
from camrig.lab import health_files, kept_boards, lock
from camrig.lab.by_mac import identify_at
from camrig.lab.device_spec import find_port
from camrig.lab.labgrid.place_spec import PREFIX, is_place
from camrig.lab.usb_ports import UsbPort, find_usb_port, list_usb_ports, lock_key
from camrig.settings.resolve import Settings

COLUMNS = {
    "name": "NAME",
    "port": "PORT",
    "bridge": "USB BRIDGE",
    "usb_serial": "USB SERIAL",
    "chip": "CHIP",
    "mac": "MAC",
    "firmware": "FIRMWARE",
    "identified": "IDENTIFIED",
    "access_point": "ACCESS POINT",
    "holder": "IN USE BY",
    "state": "STATE",
    "notes": "NOTES",
}


@dataclass(frozen=True)
class Row:
    """One port, or a board of the bench file that is on none.

    What its board reported is empty until a run or ``--probe`` has read it; ``identified`` is when. ``name`` and what
    follows it is from the bench file.
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
    name: str = ""
    access_point: str = ""
    notes: str = ""
    known_issues: tuple[str, ...] = ()
    state: str = ""


def rows(settings: Settings, probe: bool, progress: Callable[[str], None] = lambda line: None) -> list[Row]:
    """The attached USB serial ports, the kept virtual boards, places of labgrid's, and others that the settings name.

    Listing does not touch the boards: it shows what each reported when it was last identified. ``probe`` identifies
    every board that no run holds, which interrupts its program; it is restarted afterwards. ``progress`` gets a line
    for each. Raises PortError for a bad setting.
    """
    known = [*list_usb_ports(), *(UsbPort(board.path, "virtual board", "", "") for board in kept_boards.listed())]
    ports = [usb_port.port for usb_port in known]
    for spec in settings.device:
        if spec in settings.bench or settings.is_virtual(spec) or is_place(spec):
            continue
        if find_usb_port(port := find_port(spec), known) is None:
            ports.append(port)
    names, absent = _bench_ports(settings)
    ports += [port for port in names if port not in ports and find_usb_port(port, known) is None]
    attached = [_row(port, known, settings, names.get(port, ""), probe, progress) for port in ports]
    if probe:  # boards that are known by their MAC have been found
        names, absent = _bench_ports(settings)
    names |= {entry.device: entry.name for entry in settings.bench.values() if is_place(entry.device)}
    asks = settings.coordinator or any(map(is_place, (*names, *settings.device)))
    attached += _places(settings) if asks else []
    return [*(_named(row, names.get(row.port, ""), settings) for row in attached), *absent]


def _places(settings: Settings) -> list[Row]:
    """The places of labgrid's coordinator, or one row that says why they are not known."""
    from camrig.lab.labgrid.lease import listing

    try:
        return [
            Row(f"{PREFIX}{name}", f"labgrid place: {about}", "", holder=holder)
            for name, about, holder in listing(settings.coordinator)
        ]
    except CamrigError as error:
        return [Row(PREFIX, "labgrid", "", problem=str(error).rstrip("."))]


def _bench_ports(settings: Settings) -> tuple[dict[str, str], list[Row]]:
    """The names of the bench's boards by their ports, and rows for boards without a port."""
    names, absent = {}, []
    for entry in settings.bench.values():
        if settings.is_virtual(entry.name):
            absent.append(_named(Row(entry.device, "virtual board", ""), entry.name, settings))
            continue
        if is_place(entry.device):  # listed with the places of its coordinator
            continue
        try:
            names[find_port(entry.device)] = entry.name
        except PortError as error:
            row = Row(entry.device, "", "", problem=error.what)
            absent.append(_named(row, entry.name, settings))
    return names, absent


def _named(row: Row, name: str, settings: Settings) -> Row:
    """The row with what the bench file says of its board."""
    if not name:
        return row
    entry, today = settings.board(name), datetime.date.today()
    return replace(
        row,
        name=name,
        access_point=entry.access_point,
        notes=entry.notes,
        known_issues=tuple(f"{issue}{', over' * issue.is_over(today)}" for issue in entry.known_issues),
    )


def _row(
    port: str,
    known: Sequence[UsbPort],
    settings: Settings,
    name: str,
    probe: bool,
    progress: Callable[[str], None],
) -> Row:
    usb, key = find_usb_port(port, known), lock_key(port, known)
    problem = ""
    if probe and lock.inspect(key)[0] is None:
        progress(f"identifying the board on {port} ...")
        try:
            identify_at(port, key, settings.of_board(name))
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


def as_table(listing: Sequence[Row]) -> str:
    """The rows as text columns; empty columns are left out."""
    if not listing:
        return "no USB serial port is attached: check cable and power, or name a network port with --device"
    cells = [tuple(COLUMNS.values()), *(tuple(getattr(row, name) or "-" for name in COLUMNS) for row in listing)]
    shown = [n for n in range(len(COLUMNS)) if any(line[n] != "-" for line in cells[1:])]
    widths = {n: max(len(line[n]) for line in cells) for n in shown}
    lines = ["  ".join(line[n].ljust(widths[n]) for n in shown).rstrip() for line in cells]
    for row in listing:
        texts = [row.problem, *(f"known issue: {issue}" for issue in row.known_issues)]
        lines += [f"{row.name or row.port}: {text}" for text in texts if text]
    if not any(row.chip or row.problem for row in listing):
        lines.append("(--probe identifies the boards: it interrupts the program that each runs, and restarts it)")
    return "\n".join(lines)


def as_json(listing: Sequence[Row]) -> str:
    """The rows for programs: a list of objects whose keys are the fields of ``Row``."""
    return json.dumps([asdict(row) for row in listing], indent=2)
