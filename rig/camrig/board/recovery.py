"""The ladder that brings a board back: from Ctrl-C to new firmware, each rung with a deadline, each counted.

A rung ends with the board in the raw REPL, and that is proved by a command. The first one that succeeds ends the
climb. A rung that this bench does not have is passed over and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from camrig.board.session import SECONDS_TO_BOOT, Session
from camrig.deadline import Deadline
from camrig.errors import BoardBrokenError, BoardSilentError, CamrigError

SECONDS_TO_RETURN = 15.0  # for a USB port that lost its power to be there again
SECONDS_TO_LOOK = 0.5
SECONDS_TO_PROVE = 3.0
_PROOF = "print(6*7)"

AT_BOOT, CTRL_C, SOFT_RESET, CHIP_RESET = "Ctrl-C at boot", "Ctrl-C", "soft reset", "chip reset"
CONTROL_LINES, USB_POWER, REFLASH = "control lines", "USB power", "reflash"


class RungMissingError(CamrigError):
    """A rung finds that this bench does not have it."""


@dataclass(frozen=True)
class Rung:
    """One way to bring a board back. ``act`` gets its deadline; it leaves the board in the raw REPL or raises
    CamrigError. ``absent`` says why the rung is not there, empty when it is."""

    name: str
    seconds: float
    act: Callable[[Deadline], None]
    absent: str = ""


@dataclass(frozen=True)
class Tried:
    """A rung that was climbed. ``note`` says why it failed; ``absent`` that it was not there to be tried."""

    rung: str
    seconds: float
    ok: bool
    note: str = ""
    absent: bool = False

    def __str__(self) -> str:
        if self.absent:
            return f"{self.rung}: not available ({self.note})"
        if self.ok:
            return f"{self.rung}: ok after {self.seconds:.1f} s"
        return f"{self.rung}: failed after {self.seconds:.1f} s ({self.note})"


class Ladder:
    """The rungs of one board. ``tried`` keeps every rung of every climb, in order."""

    def __init__(self, session: Session, rungs: Sequence[Rung]) -> None:
        self._session = session
        self._rungs = rungs
        self.tried: list[Tried] = []

    def climb(self, first: str = CTRL_C) -> Tried:
        """The rung that brought the board into the raw REPL, from the one named ``first`` upwards.

        Raises BoardBrokenError, which says how each rung failed.
        """
        names = [rung.name for rung in self._rungs]
        here: list[Tried] = []
        for rung in self._rungs[names.index(first) :]:
            tried = self._try(rung)
            here.append(tried)
            self.tried.append(tried)
            if tried.ok:
                return tried
        raise BoardBrokenError(
            "the board cannot be brought back: " + "; ".join(map(str, here)),
            board=self._session.name,
            hint="cut its power by hand, or flash MicroPython on it again",
        )

    def _try(self, rung: Rung) -> Tried:
        if rung.absent:
            return Tried(rung.name, 0.0, ok=False, note=rung.absent, absent=True)
        until = Deadline.after(rung.seconds)
        try:
            rung.act(until)
            if self._session.exec(_PROOF, SECONDS_TO_PROVE).strip() != "42":
                raise BoardSilentError("a command got no right answer")
        except RungMissingError as error:
            return Tried(rung.name, until.spent, ok=False, note=error.what, absent=True)
        except CamrigError as error:
            return Tried(rung.name, until.spent, ok=False, note=error.what)
        return Tried(rung.name, until.spent, ok=True)


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
    """The ladder of a board. The lowest rung is for one that is known to have restarted just now.

    ``pulse`` resets the chip by the port's control lines, False where the port has none. ``power`` takes the board's
    power away and gives it back; ``reflash`` writes its firmware, with the port closed. Each None with a word on why.
    ``find`` is the present name of the port, which may change with its power; ``boot`` the seconds from a reset to
    the board's prompt at most.
    """

    patience = SECONDS_TO_RETURN
    stop = boot / 2  # for a running program to heed Ctrl-C

    def back(until: Deadline) -> None:
        """A lost port may come back by itself; that is waited for once, and only looked at by the rungs above."""
        nonlocal patience
        if session.console.broken is not None:
            wait, patience = until.sooner(patience), SECONDS_TO_LOOK
            session.reopen(wait, find)
        patience = SECONDS_TO_RETURN

    def at_boot(until: Deadline) -> None:
        back(until)
        session.catch(until.left)

    def ctrl_c(until: Deadline) -> None:
        back(until)
        session.interrupt(until.left)

    def soft_reset(until: Deadline) -> None:
        back(until)
        session.soft_reset(until.left)

    def chip_reset(until: Deadline) -> None:
        back(until)
        session.interrupt(until.sooner(stop).left)
        session.reset_chip()
        session.catch(until.left)

    def control_lines(until: Deadline) -> None:
        back(until)
        if not pulse():
            raise RungMissingError("this port has none")
        session.catch(until.left)

    def without_port(act: Callable[[], None], until: Deadline) -> None:
        session.close()
        try:
            act()
        finally:
            session.reopen(until.sooner(SECONDS_TO_RETURN), find)
        session.catch(until.sooner(boot).left)

    def usb_power(until: Deadline) -> None:
        assert power is not None
        without_port(power, until)

    def new_firmware(until: Deadline) -> None:
        assert reflash is not None
        without_port(reflash, until)

    return [
        Rung(AT_BOOT, boot, at_boot),
        Rung(CTRL_C, boot, ctrl_c),  # a board that has crashed may be booting
        Rung(SOFT_RESET, stop, soft_reset),
        Rung(CHIP_RESET, stop + boot, chip_reset),
        Rung(CONTROL_LINES, boot, control_lines),
        Rung(USB_POWER, SECONDS_TO_RETURN + boot, usb_power, "" if power else no_power),
        Rung(REFLASH, 180.0, new_firmware, "" if reflash else no_reflash),
    ]
