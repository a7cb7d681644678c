"""The page of a comparison, the policy that both libraries get for it, and which answers are right.

Figures of wrong answers would mean nothing, however quick they are.
"""

from __future__ import annotations

from dataclasses import replace

from camrig.errors import AgentError, BlockedError, CamrigError, WrongAnswerError
from camrig.probe.client import Response
from camrig.probe.fetch_cors import PageRequest, check_preflight, check_response
from camrig.probe.sampling import ACTUAL, PREFLIGHT, RequestUnderTest

PAGE = RequestUnderTest("https://panel.example", method="GET", headers=("content-type", "x-frame"))
STRANGER = replace(PAGE, origin="https://stranger.example")
POLICY = {
    "allowed_origins": [PAGE.origin],
    "allow_credentials": False,
    "allowed_methods": ["GET", "POST"],
    "expose_headers": None,
    "allowed_headers": list(PAGE.headers),
    "max_age": 600,
    "preflight_status": 204,
}
STATUS = {PREFLIGHT: (200, 204)}  # Microdot's own library always answers 200
_PAGE_REQUEST = PageRequest(PAGE.origin, PAGE.method, tuple((name, "text/x") for name in PAGE.headers))


def mistake(kind: str, response: Response) -> str:
    """Why a browser would reject this response to a request of that ``kind``; empty if it would not.

    A control, neither a preflight nor the request after it, only needs status 200.
    """
    if response.status not in STATUS.get(kind, (200,)):
        return f"status {response.status}"
    if kind == PREFLIGHT:
        preflight = check_preflight(_PAGE_REQUEST, response.status, response.headers)
        return "" if preflight.allowed else preflight.reason
    if kind == ACTUAL:
        check = check_response(_PAGE_REQUEST, response.headers)
        return "" if check.allowed else check.reason
    return ""


def mistaken_grant(kind: str, response: Response) -> str:
    """What is wrong with this response to a page that is not allowed; empty if it grants nothing."""
    if response.status not in STATUS.get(kind, (200,)):
        return f"status {response.status} for a page that is not allowed"
    if response.header("Access-Control-Allow-Origin") is not None:
        return "Access-Control-Allow-Origin for a page that is not allowed"
    return ""


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
