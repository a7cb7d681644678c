"""Works out how a board's control lines are wired, by pulsing them and listening for the ROM's banner.

Three pulses tell the known wirings apart. Both lines at once: transistors ignore that, direct wires reset the chip.
RTS alone, DTR alone: one of them resets it, and the other may pull IO0, which does nothing while the chip runs.
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
LISTEN = 1.5  # seconds in which a chip that was reset has said so
_BANNER = re.compile(rb"rst:0x[0-9a-f]+ \([A-Z0-9_]+\),boot:0x[0-9a-f]+ \(([A-Z0-9_]+)")
_PULSES = (("both", True, True), ("rts", False, True), ("dtr", True, False))

# Which pulses reset the chip -> the profile of that wiring.
_WIRINGS = {
    frozenset({"rts"}): "devkit",
    frozenset({"both", "rts"}): "esp32-cam-mb",
    frozenset({"both", "dtr"}): "dtr-reset",
    frozenset({"dtr"}): "dtr-reset",
    frozenset({"both", "rts", "dtr"}): "esp32-cam-mb",
    frozenset[str](): "none",
}


@dataclass(frozen=True)
class Wiring:
    """``profile`` fits, None where the answers fit no known wiring. ``resets`` are the pulses that reset the chip."""

    profile: str | None
    resets: frozenset[str]
    by_itself: bool = False
    downloads: bool = False

    def __str__(self) -> str:
        if self.by_itself:
            return "the board restarts by itself, so pulses tell nothing"
        names = [{"both": "both lines at once", "rts": "RTS", "dtr": "DTR"}[name] for name in sorted(self.resets)]
        return f"the chip is reset by {', '.join(names)}" if names else "no pulse on DTR or RTS resets the chip"


def hear(line: Line, seconds: float) -> str | None:
    """The boot mode that the ROM names within ``seconds``, such as SPI_FAST_FLASH_BOOT; None when none boots."""
    until = Deadline.after(seconds)
    while not until.passed:
        if found := _BANNER.search(line.buffer):
            return found[1].decode()
        line.fill()
    return None


def work_out(line: Line, listen: float = LISTEN, sleep: Callable[[float], None] = time.sleep) -> Wiring:
    """Pulse the lines of an open port that has some. They end released, and the chip in its firmware where a pulse
    can bring it there. Raises PortError."""
    if _settled(line, listen) is not None:
        return Wiring(None, frozenset(), by_itself=True)
    resets, mode = set(), None
    for name, dtr, rts in _PULSES:
        if (heard := _pulse(line, dtr, rts, listen, sleep)) is not None:
            resets.add(name)
            mode = heard
    profile = _WIRINGS.get(frozenset(resets))
    downloads = mode is not None and "DOWNLOAD" in mode
    if downloads and profile is not None:  # out of the boot loader again, if only a line held it there
        _pulse(line, profile == "dtr-reset", profile != "dtr-reset", 0.0, sleep)
        mode = hear(line, listen)
        downloads = mode is None or "DOWNLOAD" in mode
    return Wiring(profile, frozenset(resets), downloads=downloads)


def _settled(line: Line, listen: float) -> str | None:
    """What boots although nothing is asserted; a boot under way, as after opening the port, does not count."""
    hear(line, listen)
    line.buffer.clear()
    return hear(line, listen)


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
    return hear(line, listen)


def _release(line: Line) -> None:
    try:
        set_lines(line.port, False, False)
    except (OSError, ValueError) as error:
        raise PortError(f"the control lines cannot be released ({error})", hint="unplug the board") from None
