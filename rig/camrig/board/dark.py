"""Whether a board really was without power while it was switched off: many hubs say so and switch nothing.

Most hubs cut only the data lines: the port goes and comes back either way. The chip knows better. It has started
again since, and names power as the cause, or it kept running. Opening a port may itself reset a chip through the
control lines, which looks like power to the chip, but comes later than the power did.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from camrig.board.control_lines import has_lines
from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.errors import CamrigError

NAME = "_camrig_powered"
_CODE = (
    firmware_imports("machine", "time")
    + f"print([machine.reset_cause(),machine.PWRON_RESET,time.ticks_us(),int('{NAME}' in globals())])"
)
DARK, KEPT_RUNNING, UNCLEAR = "dark", "kept running", "unclear"
KEPT_SENTENCE = "the hub says off, but the board kept running: this hub does not switch power"
SECONDS = 3.0  # for the answer
STARTUP = 0.25  # seconds that a chip's clock runs late: its ROM and boot loader come first


@dataclass(frozen=True)
class PowerProof:
    """What the board says of the time without power, and that in a sentence."""

    outcome: str
    sentence: str


def judge(cause: int, power_on: int, up: float, since_off: float, since_open: float, lines: bool) -> PowerProof:
    """What it means that a chip is ``up`` for that many seconds, after ``cause``. Pure.

    It was switched off ``since_off`` seconds ago, and its port opened ``since_open`` seconds ago, which may reset it
    where there are control ``lines``. Its clock begins again every 18 minutes: of 200 boards that kept running, one
    seems to have restarted.
    """
    if up > since_off:
        return PowerProof(KEPT_RUNNING, KEPT_SENTENCE)
    if cause != power_on:
        return PowerProof(UNCLEAR, f"the board restarted, but does not name power as the cause (reset cause {cause})")
    if lines and up + STARTUP < since_open:
        return PowerProof(
            UNCLEAR, "the board started again only when its port was opened: that may have been its reset line"
        )
    return PowerProof(DARK, f"the board lost its power, and is up again for {up:.1f} s")


def remember(session: Session) -> None:
    """Have the board keep in mind that it had power, and wait for Ctrl-C; the raw REPL must be on."""
    session.exec(f"{NAME} = 1")
    session.leave_raw_repl()


def prove_dark(session: Session, switched_off: float, opened: float) -> PowerProof:
    """Ask a board in the raw REPL, not reset since, what became of it; the times are of the monotonic clock.

    One that was made to ``remember`` before knows whether it kept running. Who cannot say leaves it unclear.
    """
    try:
        cause, power_on, microseconds, remembers = session.ask(_CODE, SECONDS)
        if remembers:
            return PowerProof(KEPT_RUNNING, KEPT_SENTENCE)
        now = time.monotonic()
        lines = has_lines(session.transport.serial.port)
        return judge(int(cause), int(power_on), int(microseconds) / 1e6, now - switched_off, now - opened, lines)
    except (CamrigError, TypeError, ValueError) as error:
        why = error.what if isinstance(error, CamrigError) else "its answer cannot be understood"
        return PowerProof(UNCLEAR, f"whether the board was without power is not known: {why}")
