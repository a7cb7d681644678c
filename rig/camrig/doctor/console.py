"""What a board prints before it is interrupted, and what that says of it."""

from __future__ import annotations

from collections.abc import Callable

from camrig.board.events import Crashed, Event, Restarted
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.doctor.check import Check, State

NAME = "console"
SECONDS_OF_CONSOLE = 2.0  # that the console is read before the board is interrupted
SECONDS_OF_STALE = 0.3  # that output kept by a serial server is dropped
_POWER = "supply at least 500 mA at the 5V pin, through a short cable; then check boot.py and the firmware"


def console_check(session: Session, other_speed: str) -> Check:
    """The check of a board that runs whatever it runs; the command ``other_speed`` tries another speed of the line.

    Raises what the session raises.
    """
    console = session.console
    session.transport.drain(SECONDS_OF_STALE)  # a serial server may have kept old output
    seen = console.seen
    session.listen()
    restarts = console.wait(_second_restart(), seen, Deadline.after(SECONDS_OF_CONSOLE))
    text = console.text(lines=8).strip()
    crash = next((event for event in console.since(seen) if isinstance(event, Crashed)), None)
    if crash is not None:
        finding = f"the firmware crashes by itself: {crash.line}"
        return Check(NAME, State.WRONG, finding, _POWER, details=text)
    if restarts:
        finding = f"the board restarts over and over ({restarts})"
        return Check(NAME, State.WRONG, finding, _POWER, details=text)
    if text.count("\ufffd") > max(8, len(text) // 4):
        advice = "if no REPL answers, try another speed, such as 74880 or 9600"
        return Check(NAME, State.NOTE, "unreadable characters", advice, other_speed)
    if text:
        return Check(NAME, State.OK, f"the last line is: {text.splitlines()[-1][:70]}")
    return Check(NAME, State.OK, "quiet, as expected of a board that waits or serves")


def _second_restart() -> Callable[[Event], str | None]:
    """A listener that returns the cause of the second restart: opening a port may cause one."""
    causes: list[str] = []

    def count(event: Event) -> str | None:
        if isinstance(event, Restarted):
            causes.append(event.cause)
        return causes[-1] if len(causes) >= 2 else None

    return count
