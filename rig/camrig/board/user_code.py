"""Code of a test's own, run on a board that is in the raw REPL: what it prints, or the value of an expression.

What the code does wrong is the test's failure, and never a blocked rig: an exception, an endless loop, a crash.
"""

from __future__ import annotations

import secrets
from textwrap import dedent
from typing import Any

from camrig.board.boot_listener import interrupted_at
from camrig.board.crash import APPLICATION, crash_of
from camrig.board.events import Crashed, ResetCause, Restarted, SoftRebooted
from camrig.board.literal import literal
from camrig.board.session import Session
from camrig.errors import (
    BoardCodeError,
    BoardCrashedError,
    BoardRaisedError,
    BoardResetError,
    BoardSilentError,
    CamrigError,
)
from camrig.redaction import shortened

_RESETS = (Crashed, Restarted, ResetCause, SoftRebooted)


def run_code(session: Session, source: str, seconds: float) -> str:
    """What ``source`` prints on the board within ``seconds``; its own indentation does not matter.

    Raises BoardCodeError, BoardCrashedError, and BlockedError for what is not the code's doing.
    """
    seen = session.console.seen
    try:
        return session.exec(dedent(source), seconds).replace("\r\n", "\n")
    except BoardRaisedError as error:
        raise BoardCodeError(f"the code raised {error.raised}", details=error.details) from None
    except BoardResetError as error:
        raise _reset_error(session, seen, error) from None
    except BoardSilentError:
        stopped = interrupted_at(session)
        if stopped is None and not session.transport.in_raw_repl:
            raise
        where = f": Ctrl-C found it at {stopped.where}" if stopped else ""
        raise BoardCodeError(
            f"the code did not end within {seconds:g} s{where}",
            hint="give it more time with timeout=",
            details=stopped.text if stopped else "",
        ) from None


def evaluate(session: Session, expression: str, seconds: float) -> Any:
    """The value of ``expression`` on the board. Raises as ``run_code``; BoardCodeError for what is not a literal."""
    if not expression.strip():
        raise BoardCodeError("there is no expression to evaluate", hint="write one")
    word = secrets.token_hex(8)
    output = run_code(session, f"print('\\n{word}', repr((\n{dedent(expression).strip()}\n)))", seconds)
    text = output.rpartition(word)[2].strip()
    try:
        return literal(text)
    except ValueError:
        raise BoardCodeError(
            f"the value of {shortened(expression)} is {shortened(text)}, which is not a literal",
            hint="evaluate what it consists of: numbers, texts, bytes, lists, tuples, sets and dicts",
        ) from None


def _reset_error(session: Session, seen: int, error: BoardResetError) -> CamrigError:
    """Whose doing it was that the board restarted: the code's, or that of power or cable."""
    signs = [event for event in session.console.since(seen) if isinstance(event, _RESETS)]
    if not signs:
        return error
    if isinstance(signs[0], SoftRebooted):
        return BoardCodeError(
            "the code ended the interpreter", hint="look for sys.exit(), SystemExit and machine.soft_reset() in it"
        )
    crash = crash_of(signs[0])
    if crash is None or crash.attributed_to != APPLICATION:
        return error
    return BoardCrashedError(f"{crash.summary} while code of the test ran", hint="see the console of the board")
