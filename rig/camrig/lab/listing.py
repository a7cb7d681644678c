"""What ``camrig devices`` shows: every attached port, who holds it, and what is known of the board behind it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from camrig.board.identity import identify
from camrig.board.session import Session
from camrig.errors import CamrigError
from camrig.lab import lock
from camrig.lab.device_spec import find_port
from camrig.lab.usb_ports import UsbPort, find_usb_port, list_usb_ports, lock_key
from camrig.settings.resolve import VIRTUAL, Settings

COLUMNS = ("PORT", "USB BRIDGE", "USB SERIAL", "CHIP", "MAC", "FIRMWARE", "ASKED", "IN USE BY")


@dataclass(frozen=True)
class Row:
    """One port. What the board said of itself is empty until a run or ``--probe`` has asked it; ``asked`` is when."""

    port: str
    bridge: str
    usb_serial: str
    chip: str = ""
    mac: str = ""
    firmware: str = ""
    asked: str = ""
    holder: str = ""
    problem: str = ""


def rows(settings: Settings, probe: bool, tell: Callable[[str], None] = lambda line: None) -> list[Row]:
    """The attached USB serial ports, and those that the settings name besides.

    Listing disturbs nobody: it shows what each board said when it was last asked. ``probe`` asks every board that
    nobody holds, which interrupts what it runs; it is restarted afterwards. Raises PortError for a bad setting.
    """
    known = list_usb_ports()
    ports = [found.port for found in known]
    for spec in settings.device:
        if spec != VIRTUAL and find_usb_port(port := find_port(spec), known) is None:
            ports.append(port)
    return [_row(port, known, settings, probe, tell) for port in ports]


def _row(port: str, known: Sequence[UsbPort], settings: Settings, probe: bool, tell: Callable[[str], None]) -> Row:
    usb, key = find_usb_port(port, known), lock_key(port, known)
    problem = ""
    if probe and lock.look(key)[0] is None:
        tell(f"asking {port} ...")
        try:
            _ask(port, key, settings)
        except CamrigError as error:
            problem = error.what
    holder, seen = lock.look(key)
    return Row(
        port=port,
        bridge=usb.bridge if usb else "",
        usb_serial=usb.serial if usb else "",
        chip=seen.chip if seen else "",
        mac=seen.mac if seen else "",
        firmware=seen.firmware if seen else "",
        asked=seen.at if seen else "",
        holder=str(holder or ""),
        problem=problem,
    )


def _ask(port: str, key: str, settings: Settings) -> None:
    """Have the board say who it is, and start it again."""
    with lock.held(key, port) as owned:
        session = Session(port, settings.baud, lines=settings.lines, boots_in=settings.boots_in)
        try:
            session.repl()
            found = identify(session)
            owned.remember(found.chip, found.mac, found.firmware)
            session.restart()
        finally:
            session.close()


def as_table(found: Sequence[Row]) -> str:
    """Columns for people; empty ones are left out."""
    if not found:
        return "no USB serial port is attached: check cable and power, or name a network port with --device"
    names = ("port", "bridge", "usb_serial", "chip", "mac", "firmware", "asked", "holder")
    cells = [COLUMNS, *(tuple(getattr(row, name) or "-" for name in names) for row in found)]
    shown = [n for n in range(len(names)) if any(line[n] != "-" for line in cells[1:])]
    widths = {n: max(len(line[n]) for line in cells) for n in shown}
    lines = ["  ".join(line[n].ljust(widths[n]) for n in shown).rstrip() for line in cells]
    lines += [f"{row.port}: {row.problem}" for row in found if row.problem]
    if not any(row.chip or row.problem for row in found):
        lines.append("(which boards these are, --probe asks them: it interrupts what they run, and starts it again)")
    return "\n".join(lines)


def as_json(found: Sequence[Row]) -> str:
    """The same for programs: a list of objects whose keys are the fields of ``Row``."""
    return json.dumps([asdict(row) for row in found], indent=2)
