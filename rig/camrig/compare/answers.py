"""The page of a comparison, what each library is told to allow it, and which answers are right.

Figures of wrong answers would mean nothing, however quick they are.
"""

from __future__ import annotations

from dataclasses import replace

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
STATUS = {PREFLIGHT: (200, 204)}  # Microdot's own library has no other than 200
_ASKED = PageRequest(PAGE.origin, PAGE.method, tuple((name, "text/x") for name in PAGE.headers))


def wrong(kind: str, answer: Response) -> str:
    """Why a browser would not have this answer to a request of that ``kind``; nothing when it would.

    What is neither a preflight nor the request after it has to have the status 200 and no more.
    """
    if answer.status not in STATUS.get(kind, (200,)):
        return f"status {answer.status}"
    if kind == PREFLIGHT:
        found = check_preflight(_ASKED, answer.status, answer.headers)
        return "" if found.allowed else found.reason
    if kind == ACTUAL:
        seen = check_response(_ASKED, answer.headers)
        return "" if seen.allowed else seen.reason
    return ""


def wrongly_allowed(kind: str, answer: Response) -> str:
    """The same of an answer to a page that is not allowed, which has to say so in no way."""
    if answer.status not in STATUS.get(kind, (200,)):
        return f"status {answer.status} for a page that is not allowed"
    if answer.header("Access-Control-Allow-Origin") is not None:
        return "Access-Control-Allow-Origin for a page that is not allowed"
    return ""
