"""The ladder that brings a board back: from Ctrl-C to new firmware, each rung with a time limit, each recorded.

A rung leaves the board in the raw REPL, and a command proves it. The first rung that succeeds ends the climb. A rung
that this setup does not have is skipped and says why.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from camrig.board.dark import prove_dark
from camrig.board.session import SECONDS_TO_BOOT, Session
from camrig.deadline import Deadline
from camrig.errors import BoardBrokenError, BoardSilentError, CamrigError, LeaseLostError

SECONDS_TO_RETURN = 15.0  # for a USB port that lost its power to come back
SECONDS_TO_LOOK = 0.5  # for a port that did not come back within that time
SECONDS_TO_PROVE = 3.0
SECONDS_TO_FLASH = 600.0  # what is there is read back before, at the speed of the line
_PROOF = "print(6*7)"

AT_BOOT, CTRL_C, SOFT_RESET, CHIP_RESET = "Ctrl-C at boot", "Ctrl-C", "soft reset", "chip reset"
CONTROL_LINES, USB_POWER, REFLASH = "control lines", "USB power", "reflash"


class RungUnavailableError(CamrigError):
    """This setup does not have the rung."""


@dataclass(frozen=True)
class RungAttempt:
    """A rung that was tried. ``note`` says why it failed, or how it helped; ``absent``: this setup lacks it.

    It began at ``at`` on the monotonic clock.
    """

    rung: str
    seconds: float
    ok: bool
    note: str = ""
    absent: bool = False
    at: float = 0.0

    def __str__(self) -> str:
        if self.absent:
            return f"{self.rung}: not available ({self.note})"
        if self.ok:
            return f"{self.rung}: ok after {self.seconds:.1f} s" + (f" ({self.note})" if self.note else "")
        return f"{self.rung}: failed after {self.seconds:.1f} s ({self.note})"


class RecoveryPort:
    """Owns the port of one board during recovery: reopens it when it was lost, closes it for tools that need it.

    A lost port is waited for once, by the first rung of a climb; the rungs above only look whether it is there.
    ``find`` returns the present name of the port, which may change with its power.
    """

    def __init__(self, session: Session, find: Callable[[], str] | None) -> None:
        self._session = session
        self._find = find
        self._seconds = SECONDS_TO_RETURN

    def restore(self, deadline: Deadline) -> None:
        """Open the port again if it was lost. Raises PortError."""
        if self._session.console.broken is not None:
            wait, self._seconds = deadline.sooner(self._seconds), SECONDS_TO_LOOK
            self._session.reopen(wait, self._find)
        self._seconds = SECONDS_TO_RETURN

    @contextmanager
    def closed(self, deadline: Deadline) -> Iterator[None]:
        """The port is closed within this context, and opened again at its end. Raises PortError."""
        self._session.close()
        try:
            yield
        finally:
            self._session.reopen(deadline.sooner(SECONDS_TO_RETURN), self._find)


class Rung(ABC):
    """One way to bring a board back, within ``seconds``."""

    name: ClassVar[str]
    seconds: float

    @abstractmethod
    def __call__(self, deadline: Deadline) -> None:
        """Leave the board in the raw REPL, or raise CamrigError; RungUnavailableError if this setup lacks it."""

    def remark(self, deadline: Deadline) -> str:
        """What there is to say of a board that this rung has brought back; mostly nothing."""
        return ""


@dataclass(frozen=True)
class BoardRung(Rung):
    """A rung that acts on the board through its session, whose port it may have to open again first."""

    seconds: float
    session: Session
    port: RecoveryPort


class CtrlCAtBoot(BoardRung):
    """Ctrl-C until the prompt comes, for a board that is known to have restarted just now."""

    name = AT_BOOT

    def __call__(self, deadline: Deadline) -> None:
        self.port.restore(deadline)
        self.session.catch(deadline.left)


class CtrlC(BoardRung):
    """Ctrl-C stops the running program."""

    name = CTRL_C

    def __call__(self, deadline: Deadline) -> None:
        self.port.restore(deadline)
        self.session.interrupt(deadline.left)


class SoftReset(BoardRung):
    """A fresh interpreter, caught before main.py runs."""

    name = SOFT_RESET

    def __call__(self, deadline: Deadline) -> None:
        self.port.restore(deadline)
        self.session.soft_reset(deadline.left)


@dataclass(frozen=True)
class ChipReset(BoardRung):
    """``machine.reset()`` from the REPL, reached within ``interrupt`` seconds, then Ctrl-C while the chip boots."""

    name = CHIP_RESET
    interrupt: float

    def __call__(self, deadline: Deadline) -> None:
        self.port.restore(deadline)
        self.session.interrupt(deadline.sooner(self.interrupt).left)
        self.session.reset_chip()
        self.session.catch(deadline.left)


@dataclass(frozen=True)
class ControlLines(BoardRung):
    """``pulse`` resets the chip through the port's control lines; it returns False where the port has none."""

    name = CONTROL_LINES
    pulse: Callable[[], bool]

    def __call__(self, deadline: Deadline) -> None:
        self.port.restore(deadline)
        if not self.pulse():
            raise RungUnavailableError("this port has none")
        self.session.catch(deadline.left)


@dataclass(frozen=True)
class PortClosedRung(BoardRung):
    """A rung whose ``action`` needs the port closed. The board then boots within ``boot`` seconds.

    ``action`` is None where this setup lacks the tool, and ``absent`` then says why.
    """

    action: Callable[[], None] | None
    absent: str
    boot: float

    def __call__(self, deadline: Deadline) -> None:
        if self.action is None:
            raise RungUnavailableError(self.absent)
        with self.port.closed(deadline):
            self.action()
        self.session.catch(deadline.sooner(self.boot).left)


class UsbPower(PortClosedRung):
    """Switches the power of the board's USB port off and on."""

    name = USB_POWER

    def remark(self, deadline: Deadline) -> str:
        """Whether the power was really off, by the board's own account."""
        return prove_dark(self.session, deadline.start, self.session.opened).sentence


class Reflash(PortClosedRung):
    """Writes new firmware."""

    name = REFLASH


class Ladder:
    """The rungs of one board. ``attempts`` keeps every attempt of every climb, in order."""

    def __init__(self, session: Session, rungs: Sequence[Rung]) -> None:
        self._session = session
        self._rungs = rungs
        self.attempts: list[RungAttempt] = []

    def climb(self, first: str = CTRL_C) -> RungAttempt:
        """Climb from the rung named ``first`` until one brings the board into the raw REPL; returns that attempt.

        Raises BoardBrokenError, which says how each rung failed, or LeaseLostError: then the board is left alone.
        """
        names = [rung.name for rung in self._rungs]
        attempts: list[RungAttempt] = []
        for rung in self._rungs[names.index(first) :]:
            attempt = self._attempt(rung)
            attempts.append(attempt)
            self.attempts.append(attempt)
            if attempt.ok:
                return attempt
        raise BoardBrokenError(
            "the board cannot be brought back: " + "; ".join(map(str, attempts)),
            board=self._session.name,
            hint="press its reset button (EN or RST), or switch its power off and on by hand, and run again",
        )

    def _attempt(self, rung: Rung) -> RungAttempt:
        deadline = Deadline.after(rung.seconds)
        try:
            rung(deadline)
            if self._session.exec(_PROOF, SECONDS_TO_PROVE).strip() != "42":
                raise BoardSilentError("a command got a wrong answer")
        except RungUnavailableError as error:
            return RungAttempt(rung.name, deadline.spent, ok=False, note=error.what, absent=True, at=deadline.start)
        except LeaseLostError:
            raise
        except CamrigError as error:
            return RungAttempt(rung.name, deadline.spent, ok=False, note=error.what, at=deadline.start)
        return RungAttempt(rung.name, deadline.spent, ok=True, note=rung.remark(deadline), at=deadline.start)


def rungs(
    session: Session,
    *,
    pulse: Callable[[], bool],
    power: Callable[[], None] | None = None,
    no_power: str = "nothing here switches it",
    reflash: Callable[[], None] | None = None,
    no_reflash: str = "no --firmware is given",
    find: Callable[[], str] | None = None,
    boot: float = SECONDS_TO_BOOT,
) -> list[Rung]:
    """The rungs for one board, lowest first.

    ``pulse`` resets the chip through the port's control lines and returns False where the port has none. ``power``
    switches the board's power off and on, ``reflash`` writes its firmware, both with the port closed; where one is
    None, ``no_power`` or ``no_reflash`` says why. ``find`` returns the present name of the port, which may change
    with its power. ``boot`` is the longest time in seconds from a reset to the board's prompt.
    """
    port = RecoveryPort(session, find)
    interrupt = boot / 2  # for a running program to react to Ctrl-C
    return [
        CtrlCAtBoot(boot, session, port),
        CtrlC(boot, session, port),  # a crashed board may be booting
        SoftReset(interrupt, session, port),
        ChipReset(interrupt + boot, session, port, interrupt),
        ControlLines(boot, session, port, pulse),
        UsbPower(SECONDS_TO_RETURN + boot, session, port, power, no_power, boot),
        Reflash(SECONDS_TO_FLASH, session, port, reflash, no_reflash, boot),
    ]
