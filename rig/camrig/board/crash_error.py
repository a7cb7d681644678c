"""Whose doing it was that an application went down, or ended a task, as errors."""

from __future__ import annotations

from typing import TypeGuard

from camrig.board.console import Console
from camrig.board.crash import APPLICATION, Crash
from camrig.board.events import Event, TaskFailed
from camrig.errors import BoardCrashedError, CamrigError, LeaseLostError, PortError, PowerLostError

CONSOLE_LINES = 20  # of the console, shown beside an error
AGENT_FILES = ("rig_agent.py", "rig_agent_parts.py")  # the rig's own part of what runs on the board


def crash_error(crash: Crash, console: Console, board: str, since: int) -> CamrigError:
    """The error that a crash of ``board`` is, with the console's output ``since`` a mark where no code caused it."""
    if crash.attributed_to == APPLICATION:
        return BoardCrashedError(crash.summary, board=board, hint="see the console of the board")
    if isinstance(console.broken, LeaseLostError):
        return console.broken.on(board)
    details = console.excerpt(CONSOLE_LINES, since=since)
    if console.broken is not None:
        details = "\n".join(text for text in (console.broken.details, details) if text)
        return PortError(crash.summary, board=board, hint="check cable and power", details=details)
    return PowerLostError(
        crash.summary,
        board=board,
        hint="check its power supply, the cable and what else may reset it",
        details=details,
    )


def is_applications_own(event: Event) -> TypeGuard[TaskFailed]:
    """Whether a task ended in an exception of the application's own.

    An OSError may be the network's, a MemoryError that of a small heap which the rig's agent shares.
    """
    if not isinstance(event, TaskFailed) or event.error.startswith(("OSError", "MemoryError")):
        return False
    return not event.where.startswith(AGENT_FILES)
