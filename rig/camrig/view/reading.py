"""What this computer reads of a board with a page's own requests, and what the Fetch standard says of the answers."""

from __future__ import annotations

import ipaddress
import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from camrig.deadline import Deadline
from camrig.probe.client import connect, lost_exchange, request_bytes, wait_until
from camrig.probe.fetch_cors import (
    Headers,
    PreflightCheck,
    check_preflight,
    check_response,
    cors_check,
    get,
    needs_preflight,
    preflight_of,
)
from camrig.probe.response_parser import LostExchangeError, ResponseParser
from camrig.view.features import STATUS, Feature, features

SECONDS = 6.0  # for one exchange
COOKIES = 20  # that are looked at


@dataclass(frozen=True)
class Answer:
    """An answer as this computer got it. ``body`` is empty where only the head was read."""

    status: int
    headers: Headers
    body: bytes
    milliseconds: float


@dataclass(frozen=True)
class Judgement:
    """Whether the headers of an answer let the page have it. ``why`` is what keeps it away: a name for a program, and
    ``reason`` in words; both are empty where nothing does."""

    allowed: bool
    status: int = 0
    why: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """``error`` says why there is no answer. ``judgements`` are those of the features, by their keys."""

    url: str
    space: str  # of the board's address: loopback, local or public
    error: str = ""
    milliseconds: float = 0.0
    status: Any = None  # the JSON of /api/status
    cookies: tuple[str, ...] = ()
    judgements: dict[str, Judgement] = field(default_factory=dict)


def address_of(url: str) -> tuple[str, int]:
    """Host and port of a board's URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80


def ask(url: str, method: str, path: str, headers: Sequence[tuple[str, str]] = (), *, body: bool = True) -> Answer:
    """One exchange, without its body unless ``body``: that of a stream has no end. Raises LostExchangeError."""
    host, port = address_of(url)
    raw = request_bytes(method, path, urlsplit(url).netloc, [*headers, ("Connection", "close")])
    until, parser, content = Deadline.after(SECONDS), ResponseParser(), bytearray()
    start = time.monotonic()
    try:
        connection, _ = connect(host, port, until)
        with connection:
            connection.sendall(raw)
            while not parser.complete and (body or parser.head is None):
                wait_until(connection, until)
                chunk = connection.recv(65536)
                if not chunk:
                    break
                content += parser.feed(chunk)
    except OSError as error:
        raise lost_exchange(host, port, error, until, len(content)) from None
    head = parser.end() if body or parser.head is None else parser.head
    took = (time.monotonic() - start) * 1000
    return Answer(head.status, head.headers, bytes(content) if body else b"", took)


def status_of(url: str) -> Reading:
    """The board's own account, as anybody reads it who is not a page."""
    space = space_of(address_of(url)[0])
    try:
        answer = ask(url, "GET", STATUS)
    except LostExchangeError as error:
        return Reading(url, space, error=str(error))
    return Reading(url, space, milliseconds=answer.milliseconds, status=_json(answer))


def read(url: str, origin: str) -> Reading:
    """What a page of ``origin`` gets from the board, one request after another: a board has few sockets."""
    space = space_of(address_of(url)[0])
    answers: dict[tuple[str, str], Answer | str] = {}
    judgements = {}
    for feature in features(origin):
        preflight = None
        if needs_preflight(feature.request):
            preflight = _asked(url, "OPTIONS", feature.path, preflight_of(feature.request))
        if (key := ("GET", feature.path)) not in answers:
            answers[key] = _asked(url, *key, [("Origin", origin)], body=feature.path == STATUS)
        judgements[feature.key] = judge(feature, preflight, answers[key])
    status = answers["GET", STATUS]
    if isinstance(status, str):
        return Reading(url, space, error=status, judgements=judgements)
    cookies = [value for name, value in status.headers if name.lower() == "set-cookie"]
    return Reading(
        url,
        space,
        milliseconds=status.milliseconds,
        status=_json(status),
        cookies=tuple(cookies[:COOKIES]),
        judgements=judgements,
    )


def changes_nothing(url: str, origin: str, key: str) -> bool:
    """Whether the board says that it has no such method there, so that a page may send the request all the same."""
    feature = next(feature for feature in features(origin) if feature.key == key)
    answer = _asked(url, "OPTIONS", feature.path, preflight_of(feature.request))
    methods = None if isinstance(answer, str) else get(answer.headers, "Allow")
    return methods is not None and feature.request.sent_method not in methods.upper()


def judge(feature: Feature, preflight: Answer | str | None, answer: Answer | str) -> Judgement:
    """What the standard says. An answer that did not come is a text; ``preflight`` is None where none is needed."""
    request = feature.request
    if isinstance(preflight, str) or isinstance(answer, str):
        return Judgement(False, why="silent", reason=str(preflight if isinstance(preflight, str) else answer))
    if preflight is not None:
        check = check_preflight(request, preflight.status, preflight.headers)
        if not check.allowed:
            return Judgement(False, preflight.status, _why(feature, check, preflight), check.reason)
    response = check_response(request, answer.headers, answer.status)
    if not response.allowed:
        return Judgement(False, answer.status, _why(feature, response, answer), response.reason)
    return Judgement(True, answer.status)


def _why(feature: Feature, check: Any, answer: Answer) -> str:
    """Which part of a policy refuses: origins, credentials, methods, headers; else the status, or its lists."""
    request = feature.request
    if not cors_check(request, answer.headers).allowed:
        # With credentials a * does not count.
        return "credentials" if get(answer.headers, "Access-Control-Allow-Origin") == request.origin else "origins"
    if not isinstance(check, PreflightCheck) or not 200 <= answer.status <= 299:
        return "status"
    if not check_preflight(replace(request, method="GET", headers=()), answer.status, answer.headers):
        return "malformed"
    if not check_preflight(replace(request, headers=()), answer.status, answer.headers):
        return "methods"
    # A server that refuses the method may name no header either.
    return "headers" if get(answer.headers, "Access-Control-Allow-Methods") is not None else "methods or headers"


def _asked(
    url: str, method: str, path: str, headers: Sequence[tuple[str, str]], *, body: bool = True
) -> Answer | str:
    try:
        return ask(url, method, path, headers, body=body)
    except LostExchangeError as error:
        return str(error)


def _json(answer: Answer) -> Any:
    """The JSON that an answer holds, None if it holds none."""
    if not 200 <= answer.status <= 299:
        return None
    try:
        return json.loads(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        return None


def space_of(host: str) -> str:
    """The address space of a host in the sense of local network access: loopback, local, public, or unknown."""
    try:
        infos = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(str(info[4][0]).partition("%")[0]) for info in infos]
    except (OSError, ValueError):
        return "unknown"
    first = addresses[0]
    if isinstance(first, ipaddress.IPv6Address) and first.ipv4_mapped is not None:
        first = first.ipv4_mapped
    if first.is_loopback:
        return "loopback"
    return "local" if first.is_private or first.is_link_local else "public"
