"""Finds out how a board's control lines are wired, by pulsing them and listening for the ROM's banner.

Three pulses tell the known wirings apart. Both lines at once: transistors ignore that, direct wires reset the chip.
RTS alone and DTR alone: one of them resets the chip, and the other may pull IO0, which has no effect while it runs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from camrig.board.control_lines import BoardSerial, set_lines
from camrig.board.port import Line
from camrig.deadline import Deadline
from camrig.errors import PortError

HOLD = 0.1  # seconds that a line is asserted
LISTEN = 1.5  # seconds within which a chip that was reset prints its banner
_BANNER = re.compile(rb"rst:0x[0-9a-f]+ \([A-Z0-9_]+\),boot:0x[0-9a-f]+ \(([A-Z0-9_]+)")
_PULSES = (("both", True, True), ("rts", False, True), ("dtr", True, False))

# The pulses that reset the chip -> the profile of that wiring.
_WIRINGS = {
    frozenset({"rts"}): "devkit",
    frozenset({"both", "rts"}): "esp32-cam-mb",
    frozenset({"both", "dtr"}): "dtr-reset",
    frozenset({"dtr"}): "dtr-reset",
    frozenset({"both", "rts", "dtr"}): "esp32-cam-mb",
    frozenset[str](): "none",
}


@dataclass(frozen=True)
class WiringReport:
    """The result of a probe. ``profile`` fits the wiring, None if no known one does.

    ``resets`` are the pulses that reset the chip. ``restarts_by_itself`` is true for a board that restarts without a
    pulse, ``in_boot_loader`` for a chip that starts in its boot loader.
    """

    profile: str | None
    resets: frozenset[str]
    restarts_by_itself: bool = False
    in_boot_loader: bool = False

    def __str__(self) -> str:
        if self.restarts_by_itself:
            return "the board restarts by itself, so the wiring cannot be probed"
        names = [{"both": "both lines at once", "rts": "RTS", "dtr": "DTR"}[name] for name in sorted(self.resets)]
        return f"the chip is reset by {', '.join(names)}" if names else "no pulse on DTR or RTS resets the chip"


def wait_for_boot(line: Line, seconds: float) -> str | None:
    """The boot mode in the ROM's banner, such as SPI_FAST_FLASH_BOOT; None if no banner comes within ``seconds``."""
    deadline = Deadline.after(seconds)
    while not deadline.passed:
        if match := _BANNER.search(line.buffer):
            return match[1].decode()
        line.fill()
    return None


def probe_wiring(line: Line, listen: float = LISTEN, sleep: Callable[[float], None] = time.sleep) -> WiringReport:
    """Pulse the lines of an open port that has control lines.

    The lines end released, and the chip runs its firmware if a pulse can start it. Raises PortError.
    """
    if _boots_unprompted(line, listen) is not None:
        return WiringReport(None, frozenset(), restarts_by_itself=True)
    resets, mode = set(), None
    for name, dtr, rts in _PULSES:
        if (boot_mode := _pulse(line, dtr, rts, listen, sleep)) is not None:
            resets.add(name)
            mode = boot_mode
    profile = _WIRINGS.get(frozenset(resets))
    in_boot_loader = mode is not None and "DOWNLOAD" in mode
    if in_boot_loader and profile is not None:  # leave the boot loader again, if only a line held the chip there
        _pulse(line, profile == "dtr-reset", profile != "dtr-reset", 0.0, sleep)
        mode = wait_for_boot(line, listen)
        in_boot_loader = mode is None or "DOWNLOAD" in mode
    return WiringReport(profile, frozenset(resets), in_boot_loader=in_boot_loader)


def _boots_unprompted(line: Line, listen: float) -> str | None:
    """The mode of a boot that no line caused. A boot already under way, as after opening the port, does not count."""
    wait_for_boot(line, listen)
    line.buffer.clear()
    return wait_for_boot(line, listen)


def _pulse(line: Line, dtr: bool, rts: bool, listen: float, sleep: Callable[[float], None]) -> str | None:
    line.buffer.clear()
    try:
        set_lines(line.port, dtr, rts)
        sleep(HOLD)
        if dtr and rts and not isinstance(line.port, BoardSerial):
            # This port changes one line at a time, and RTS alone would reset a chip behind transistors.
            set_lines(line.port, None, False)
    except (OSError, ValueError) as error:
        raise PortError(f"the control lines cannot be set ({error})", hint="use --hil-lines none") from None
    finally:
        _release(line)
    return wait_for_boot(line, listen)


def _release(line: Line) -> None:
    try:
        set_lines(line.port, False, False)
    except (OSError, ValueError) as error:
        raise PortError(f"the control lines cannot be released ({error})", hint="unplug the board") from None
