"""The kinds of requests whose bytes are counted for each library, and which answers to them are right.

A library may allocate or keep something for any request: one it grants, refuses, or has nothing to do with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from camrig.compare.answers import PAGE, STRANGER, mistake, mistaken_grant
from camrig.probe.client import Response
from camrig.probe.preflight import preflight_headers
from camrig.probe.sampling import ACTUAL, PREFLIGHT, RequestUnderTest

Message = tuple[str, str, list[tuple[str, str]], bytes]


@dataclass(frozen=True)
class RequestKind:
    """One kind of request. ``mistake_in(response)`` says what is wrong with its answer; empty if nothing is."""

    name: str
    words: str
    message: Message
    mistake_in: Callable[[Response], str]
    statuses: tuple[int, ...] = (200,)


def _of_page(name: str, words: str, kind: str, page: RequestUnderTest) -> RequestKind:
    find_mistake = mistake if page is PAGE else mistaken_grant
    statuses = (200, 204) if kind == PREFLIGHT else (200,)
    return RequestKind(name, words, page.message(kind), partial(find_mistake, kind), statuses)


def _wrong_status(statuses: tuple[int, ...], response: Response) -> str:
    return "" if response.status in statuses else f"status {response.status}"


def _by_status(name: str, words: str, message: Message, statuses: tuple[int, ...]) -> RequestKind:
    return RequestKind(name, words, message, partial(_wrong_status, statuses), statuses)


REQUEST_KINDS = (
    _of_page("preflight", "a preflight", PREFLIGHT, PAGE),
    _of_page("actual", "the request after a preflight", ACTUAL, PAGE),
    _of_page("preflight_refused", "a preflight of a page that is not allowed", PREFLIGHT, STRANGER),
    _of_page("actual_refused", "a request of a page that is not allowed", ACTUAL, STRANGER),
    _by_status(
        "preflight_plain",
        "a preflight without requested headers",
        replace(PAGE, headers=()).message(PREFLIGHT),
        (200, 204),
    ),
    _by_status("actual_no_origin", "a request without Origin", (PAGE.method, PAGE.path, [], b""), (200,)),
    _by_status(
        "error", "a request for a missing page", ("GET", "/api/missing", [("Origin", PAGE.origin)], b""), (404,)
    ),
)

_numbers = count()


def unseen_preflight() -> RequestKind:
    """A preflight whose origin and requested header were in no request before: a library must not keep them."""
    number = f"{next(_numbers):06}"
    headers = preflight_headers(f"https://s{number}.example", PAGE.method, (f"x-{number}",))
    return RequestKind(
        "preflight_unseen",
        "a preflight of a page that is not allowed",
        ("OPTIONS", PAGE.path, headers, b""),
        partial(mistaken_grant, PREFLIGHT),
        (200, 204),
    )
