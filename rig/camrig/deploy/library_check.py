"""Whether the library itself keeps an application from running: it is imported on the board, and an object made.

A run asks only after something went wrong, so that it costs a run that goes well nothing. ``camrig deploy`` asks
before the start, where a run measures what imports retain, so that a library that hangs is named at once.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from camrig.board.boot_listener import interrupted_at
from camrig.board.events import Crashed, Frame, Restarted, SoftRebooted, Traceback
from camrig.board.session import Session
from camrig.deploy.hang import hang_of, stem_of
from camrig.deploy.layers import APPLICATION, LIBRARY
from camrig.errors import BoardRaisedError, BoardResetError, BoardSilentError, CamrigError, LibraryError

SECONDS = 15.0  # for an import, and what a few collections take at the board's pace
COLLECTIONS = 5

# With every parameter that a CORS library for Microdot has.
_CHECK = """
from microdot import Microdot
from microdot.cors import CORS
CORS(
    Microdot(), allowed_origins=["https://camrig.example"], allow_credentials=True, allowed_methods=["GET"],
    expose_headers=["X-A"], allowed_headers=["X-B"], max_age=60, handle_cors=True,
)
print("made")
"""


def library_error(session: Session, targets: Collection[str]) -> LibraryError | None:
    """What is wrong with the library whose modules are at ``targets`` on the board; None if it can be used.

    The board is in the raw REPL, or can be brought there by Ctrl-C. Afterwards it is, and has to be restarted. Raises
    what keeps the rig from asking.
    """
    session.repl()
    try:
        return check_library(session, targets)
    finally:
        with suppress(CamrigError):
            session.repl()


def check_library(session: Session, targets: Collection[str]) -> LibraryError | None:
    """As ``library_error``, in the raw REPL of a fresh interpreter, which it may leave if it does not return None."""
    seen = session.console.seen
    try:
        if session.exec(_CHECK, _limit(session)).strip().endswith("made"):
            return None
        return LibraryError("importing the library ends the program", board=session.name, hint="fix it")
    except BoardRaisedError as error:
        return _raised(session, seen, error, targets)
    except BoardResetError as error:
        return _restarting(session, error)
    except BoardSilentError:
        return _hanging(session, targets)


def _limit(session: Session) -> float:
    return session.pace.limit(SECONDS, collections=COLLECTIONS)


def _raised(session: Session, seen: int, error: BoardRaisedError, targets: Collection[str]) -> LibraryError | None:
    raised = [event for event in session.console.since(seen) if isinstance(event, Traceback)]
    frames, last = raised[-1].frames if raised else (), error.raised
    if not _is_librarys(last, frames, targets):
        return None
    where = f" ({raised[-1].where})" if raised and _in_library(frames, targets) else ""
    return LibraryError(
        f"the library cannot be used: {last}{where}",
        board=session.name,
        hint="fix it and run again",
        details=error.details,
    )


def _restarting(session: Session, error: BoardResetError) -> LibraryError | None:
    """The error for a library that restarts the board, twice: once may be the board's power."""
    causes = [event for event in session.console.events if isinstance(event, (Crashed, Restarted, SoftRebooted))]
    if causes and isinstance(causes[-1], Restarted):
        if not causes[-1].cause.startswith("SW"):
            return None
        session.catch(session.boots_in)
        session.repl()
        try:
            session.exec(_CHECK, _limit(session))
        except BoardResetError:
            pass
        else:
            return None
    return LibraryError(
        "importing the library restarts the board", board=session.name, hint="fix it", details=error.what
    )


def _hanging(session: Session, targets: Collection[str]) -> LibraryError | None:
    """The error for an import that does not end; None if Ctrl-C does not find it in the library."""
    stopped = interrupted_at(session)
    library = {LIBRARY: dict.fromkeys(targets, Path()), APPLICATION: {}}
    if stopped is None or (hang := hang_of(stopped, library)) is None:
        return None
    return LibraryError(
        f"importing the library does not end: Ctrl-C found it at {hang.place}",
        board=session.name,
        hint="fix it",
        details=stopped.text,
    )


def _is_librarys(error: str, frames: tuple[Frame, ...], targets: Collection[str]) -> bool:
    """Whether the last frame, or what the check itself asked for, is the library's."""
    if _in_library(frames, targets):
        return True
    own = bool(frames) and frames[-1].file == "<stdin>"  # the check: what it imports and calls is not as documented
    return own and (error.startswith("TypeError") or ("import" in error and "CORS" in error))


def _in_library(frames: tuple[Frame, ...], targets: Collection[str]) -> bool:
    if not frames:
        return False
    return stem_of(frames[-1].file) in {stem_of(target) for target in targets}
