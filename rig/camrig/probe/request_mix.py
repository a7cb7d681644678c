"""Requests of every kind, mixed with ever new origins and header names: what a library must not keep anything of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import count

from camrig.deadline import Deadline
from camrig.probe.agent import Send
from camrig.probe.client import Response, request_bytes
from camrig.probe.preflight import browser_preflight_headers
from camrig.probe.request_kinds import PAGE, REQUEST_KINDS, RequestKind, unseen_preflight

ROUNDS_TO_FILL = 110  # each has two new origins, and two new header names
SECONDS_TO_FILL = 60.0  # which a slow board is waited for
_MISSING = (404, 503)  # no such route, or a camera that gives no picture
_KINDS = {kind.name: kind for kind in REQUEST_KINDS}
_numbers = count()


def kinds_of_application(send: Send) -> list[RequestKind]:
    """Every kind but the optional ones that the application has no route for."""
    return [kind for kind in REQUEST_KINDS if not kind.optional or send(*kind.message).status not in _MISSING]


def over_route(kinds: Sequence[RequestKind], path: str) -> list[RequestKind]:
    """``kinds`` with ``path``, a light route, in place of the application's own page: its time does not hide CORS."""
    return [_over(kind, path) if _is_page_request(kind) else kind for kind in kinds]


def unseen_requests() -> list[RequestKind]:
    """Requests with an origin or with header names that no request had before."""
    number = f"{next(_numbers):06}"
    name = f"x-n{number}"
    method, path, _, body = _KINDS["actual_refused"].message
    headers = [("Origin", f"http://n{number}.example"), (name, "1")]
    return [
        unseen_preflight(),
        replace(_KINDS["actual_refused"], name="actual_unseen", message=(method, path, headers, body)),
        replace(
            _KINDS["preflight"],
            name="preflight_unseen_header",
            words="a preflight with a header that is not allowed",
            message=("OPTIONS", PAGE.path, browser_preflight_headers(PAGE.origin, PAGE.method, (name,)), b""),
            find_mistake=partial(_mistake_in_names, name),
        ),
    ]


def mixed(kinds: Sequence[RequestKind]) -> list[RequestKind]:
    """One request of each of ``kinds``, and new ``unseen_requests``."""
    return [*kinds, *unseen_requests()]


def as_bytes(kinds: Sequence[RequestKind], host: str) -> dict[bytes, RequestKind]:
    """The kinds by what goes over the wire to ``host``."""
    requests = {}
    for kind in kinds:
        method, target, headers, body = kind.message
        requests[request_bytes(method, target, host, headers, body)] = kind
    return requests


def mistakes(send: Send, kinds: Sequence[RequestKind]) -> list[str]:
    """What is wrong with the answers to ``kinds``, sent one after the other."""
    answers = [(kind, kind.mistake_in(send(*kind.message))) for kind in kinds]
    return [f"{kind.words}: {mistake}" for kind, mistake in answers if mistake]


def fill_caches(send: Send, rounds: int = ROUNDS_TO_FILL, seconds: float = SECONDS_TO_FILL) -> list[str]:
    """Send ``unseen_requests`` until a cache of 200 origins or header names is full, or the time is over.

    Returns the mistakes of the first round of answers that has any.
    """
    until = Deadline.after(seconds)
    for _ in range(rounds):
        if wrong := mistakes(send, unseen_requests()):
            return wrong
        if until.passed:
            break
    return []


def _is_page_request(kind: RequestKind) -> bool:
    return kind.message[0] == PAGE.method and kind.message[1] == PAGE.path


def _over(kind: RequestKind, path: str) -> RequestKind:
    method, _, headers, body = kind.message
    return replace(kind, message=(method, path, headers, body))


def _mistake_in_names(name: str, response: Response) -> str:
    if response.header("Access-Control-Allow-Origin") != PAGE.origin:
        return "the page is not allowed"
    granted = response.header("Access-Control-Allow-Headers") or ""
    return f"{name} is allowed" if name in granted.lower() else ""
