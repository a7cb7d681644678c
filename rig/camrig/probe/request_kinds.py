"""The kinds of requests whose costs are measured, the policy in force meanwhile, and which answers are right.

A library may take time, allocate or keep something for any request: one that it grants, refuses, or has nothing to do
with. Figures of wrong answers would mean nothing, however quick they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any

from camrig.probe.client import Response
from camrig.probe.fetch_cors import PageRequest, check_preflight, check_response
from camrig.probe.preflight import browser_preflight_headers
from camrig.probe.sampling import ACTUAL, PREFLIGHT, SHORT_PREFLIGHT, RequestUnderTest

# A page over HTTP, as one over HTTPS may not call a board.
PAGE = RequestUnderTest("http://panel.example", method="GET", headers=("content-type", "x-frame"))
STRANGER = replace(PAGE, origin="http://stranger.example")
POLICY: dict[str, Any] = {
    "allowed_origins": [PAGE.origin],
    "allow_credentials": False,
    "allowed_methods": ["GET", "POST"],
    "expose_headers": None,
    "allowed_headers": list(PAGE.headers),
    "max_age": 600,
    "preflight_status": 204,
}

Message = tuple[str, str, list[tuple[str, str]], bytes]

_PREFLIGHT_STATUSES = (200, 204)  # Microdot's own library always answers 200
_PAGE_REQUEST = PageRequest(PAGE.origin, PAGE.method, tuple((name, "text/x") for name in PAGE.headers))
_PLAIN_REQUEST = replace(_PAGE_REQUEST, headers=())


@dataclass(frozen=True)
class RequestKind:
    """One kind of request, as a message on the wire, and the statuses of right answers to it.

    ``optional``: an application may have no such route.
    """

    name: str
    words: str
    message: Message
    find_mistake: Callable[[Response], str]
    statuses: tuple[int, ...] = (200,)
    optional: bool = False

    @property
    def target(self) -> str:
        """The path and query that it requests."""
        return self.message[1]

    def mistake_in(self, response: Response) -> str:
        """What is wrong with an answer to this request; empty if nothing is."""
        if response.status not in self.statuses:
            return f"status {response.status}"
        return self.find_mistake(response)


def _refused_preflight(request: PageRequest, response: Response) -> str:
    preflight = check_preflight(request, response.status, response.headers)
    return "" if preflight.allowed else preflight.reason


def _refused_response(response: Response) -> str:
    check = check_response(_PAGE_REQUEST, response.headers)
    return "" if check.allowed else check.reason


def _granted(whom: str, response: Response) -> str:
    if response.header("Access-Control-Allow-Origin") is not None:
        return f"Access-Control-Allow-Origin for {whom}"
    return ""


_granted_stranger = partial(_granted, "a page that is not allowed")
_granted_nobody = partial(_granted, "a request without Origin")


def _get(target: str) -> Message:
    return "GET", target, [("Origin", PAGE.origin)], b""


REQUEST_KINDS = (
    RequestKind(
        "preflight",
        "a preflight",
        PAGE.message(PREFLIGHT),
        partial(_refused_preflight, _PAGE_REQUEST),
        _PREFLIGHT_STATUSES,
    ),
    RequestKind("actual", "the request after a preflight", PAGE.message(ACTUAL), _refused_response),
    RequestKind(
        "preflight_refused",
        "a preflight of a page that is not allowed",
        STRANGER.message(PREFLIGHT),
        _granted_stranger,
        _PREFLIGHT_STATUSES,
    ),
    RequestKind(
        "actual_refused", "a request of a page that is not allowed", STRANGER.message(ACTUAL), _granted_stranger
    ),
    RequestKind(
        "preflight_plain",
        "a preflight without requested headers",
        replace(PAGE, headers=()).message(PREFLIGHT),
        partial(_refused_preflight, _PLAIN_REQUEST),
        _PREFLIGHT_STATUSES,
    ),
    RequestKind("actual_no_origin", "a request without Origin", (PAGE.method, PAGE.path, [], b""), _granted_nobody),
    RequestKind("error", "a request for a missing page", _get("/api/missing"), _refused_response, (404,)),
    RequestKind("picture", "a request for a picture", _get("/capture"), _refused_response, optional=True),
    RequestKind(
        "stream", "a stream of two frames", _get("/stream?frames=2&interval_ms=0"), _refused_response, optional=True
    ),
)

# Measured beside the preflight of a browser, and not judged: what the headers cost that no CORS reads.
SHORT = replace(
    REQUEST_KINDS[0],
    name=SHORT_PREFLIGHT,
    words="a preflight with the headers of the Fetch standard alone",
    message=PAGE.message(SHORT_PREFLIGHT),
)

UNSEEN = "preflight_unseen"
_numbers = count()


def unseen_preflight() -> RequestKind:
    """A preflight whose origin and requested header were in no request before: a library must not keep them."""
    number = f"{next(_numbers):06}"
    headers = browser_preflight_headers(f"http://s{number}.example", PAGE.method, (f"x-{number}",))
    return RequestKind(
        UNSEEN,
        "a preflight of a page that is not allowed",
        ("OPTIONS", PAGE.path, headers, b""),
        _granted_stranger,
        _PREFLIGHT_STATUSES,
    )
