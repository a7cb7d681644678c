"""Boards by their MAC: on which port one was last seen, and a look at the ports where it may be by now."""

from __future__ import annotations

from collections.abc import Callable

from camrig.board.identity import identify
from camrig.board.session import Session
from camrig.errors import CamrigError, PortError
from camrig.lab import lock
from camrig.lab.usb_ports import list_usb_ports, lock_key
from camrig.settings.resolve import Settings

BY_PATH = "port-"  # how the lock is called of a port that only its path tells from others


def known_port(mac: str) -> str:
    """The attached port whose board was the last to report ``mac``. Raises PortError."""
    ports = _seen()
    matching = sorted((record.at, port) for port, record in ports.items() if record and record.mac.lower() == mac)
    if matching:
        return matching[-1][1]
    where = f"none of {len(ports)} attached boards has reported it" if ports else "no USB serial port is attached"
    raise PortError(
        f"the board with the MAC {mac} is not here: {where}",
        hint="plug it in, or see which board is where: camrig devices --probe",
    )


def search(mac: str, settings: Settings, notify: Callable[[str], None]) -> None:
    """Ask boards who they are until one has reported ``mac``, unless the one that did last is sure to be there.

    Only ports that no run holds are asked, those first that have never been. What a port without a serial number of
    its own reported may be out of date: its name may be another board's since.
    """
    ports = _seen()
    last = next((port for port, record in ports.items() if record and record.mac.lower() == mac), "")
    if last and not lock_key(last).startswith(BY_PATH):
        return
    for port in sorted(ports, key=lambda port: (port != last, ports[port] is not None)):
        key = lock_key(port)
        if lock.inspect(key)[0] is not None:
            continue
        notify(f"looking for the board {mac} on {port}")
        try:
            found_mac = identify_at(port, key, settings)
        except CamrigError as error:
            notify(f"{port}: {error.what}")
            continue
        if found_mac.lower() == mac:
            return


def identify_at(port: str, key: str, settings: Settings) -> str:
    """Ask the board on ``port`` who it is, keep that beside its lock, and restart the board. Its MAC."""
    with lock.held(key, port) as board_lock:
        session = Session(port, settings.baud, lines=settings.lines, boots_in=settings.boots_in)
        try:
            session.repl()
            identity = identify(session)
            board_lock.remember(identity.chip, identity.mac, identity.firmware)
            session.restart()
        finally:
            session.close()
    return identity.mac


def _seen() -> dict[str, lock.BoardRecord | None]:
    """The attached ports, and what a board on each reported last."""
    known = list_usb_ports()
    return {usb_port.port: lock.inspect(lock_key(usb_port.port, known))[1] for usb_port in known}
