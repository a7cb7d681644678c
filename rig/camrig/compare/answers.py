"""The errors that wrong answers are: of a control, which the rig has to explain, or of one of the two libraries."""

from __future__ import annotations

from camrig.errors import AgentError, AnswerLostError, BlockedError, CamrigError, WrongAnswerError


def wrong_control(reason: str, board: str) -> AgentError:
    """The error for a control, a request without CORS, that was answered wrongly."""
    return AgentError(
        f"the request without CORS, a control, was answered with {reason}",
        board=board,
        hint="see the console of the board",
    )


def wrong_answer(library: str, request: str, reason: str, board: str, *, is_candidate: bool) -> CamrigError:
    """The error for a ``library`` that answered a ``request``, named in words, wrongly.

    A candidate that does has failed. A baseline that does says nothing about the candidate: it blocks.
    """
    error = WrongAnswerError if is_candidate else BlockedError
    return error(
        f"{library} answers {request} wrongly ({reason}), so its figures would mean nothing",
        board=board,
        hint="fix it first; the test suite shows what else is wrong with it",
    )


def lost_answer(library: str, lost: AnswerLostError, *, is_candidate: bool) -> CamrigError:
    """The error for a ``library`` that does not answer. A candidate has failed, a baseline blocks."""
    error = WrongAnswerError if is_candidate else BlockedError
    return error(f"with {library}: {lost.what}", board=lost.board, hint=lost.hint, details=lost.details)
