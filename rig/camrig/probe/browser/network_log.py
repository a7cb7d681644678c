"""What a page asked of the network and what became of it, from the events of the DevTools protocol."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

Pairs = tuple[tuple[str, str], ...]
Params = dict[str, Any]
MOST_EXCHANGES = 1000  # that are kept, the latest ones
PREFLIGHT = "Preflight"

_EVENTS = (
    "requestWillBeSent",
    "requestWillBeSentExtraInfo",
    "responseReceived",
    "responseReceivedExtraInfo",
    "loadingFinished",
    "loadingFailed",
)


@dataclass(frozen=True)
class Failure:
    """Why the browser refuses a response or gets none.

    ``reason`` is the browser's own code: of CORS, such as ``PreflightMissingAllowOriginHeader``, else why it blocked
    the request, such as ``mixed-content``, else the error of its network, such as ``net::ERR_CONNECTION_REFUSED``.
    ``parameter`` is what a CORS code is about: a header, a method or an origin.
    """

    reason: str
    parameter: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.reason} ({self.parameter})" if self.parameter else self.reason


@dataclass
class BrowserExchange:
    """One request of a page, a preflight being one of its own, and the response if there was one.

    ``headers`` are those that the page's side of the browser knows; ``wire_headers`` those that it sent, where it
    says. ``status`` is 0 without a response.
    """

    url: str
    method: str
    kind: str  # Fetch, Preflight, Image, Document, EventSource ...
    headers: Pairs = ()
    wire_headers: Pairs = ()
    status: int = 0
    response_headers: Pairs = ()
    failure: Failure | None = None
    done: bool = False
    following: BrowserExchange | None = None  # after a redirect

    @property
    def last(self) -> BrowserExchange:
        """The end of its redirects."""
        exchange = self
        while exchange.following is not None:
            exchange = exchange.following
        return exchange

    @property
    def is_preflight(self) -> bool:
        return self.kind == PREFLIGHT


@dataclass
class NetworkLog:
    """The latest exchanges of one page, in the order of their requests; redirected ones are one for each hop."""

    _open: OrderedDict[str, BrowserExchange] = field(default_factory=OrderedDict)
    _past: OrderedDict[int, BrowserExchange] = field(default_factory=OrderedDict)
    _early: OrderedDict[str, list[tuple[str, Params]]] = field(default_factory=OrderedDict)
    _count: int = 0

    @property
    def exchanges(self) -> list[BrowserExchange]:
        return list(self._past.values())

    def of(self, url: str) -> list[BrowserExchange]:
        """The exchanges for a URL, which has its fragment removed on the way."""
        url = url.partition("#")[0]
        return [exchange for exchange in self._past.values() if exchange.url == url]

    def clear(self) -> None:
        self._past.clear()

    def add(self, event: str, params: Params) -> None:
        """Take in an event of the domain Network; events of other kinds are left out."""
        if event not in _EVENTS or not isinstance(number := params.get("requestId"), str):
            return
        if event == "requestWillBeSent":
            self._request(number, params)
            for name, details in self._early.pop(number, ()):
                _update(self._open[number], name, details)
        elif number in self._open:
            _update(self._open[number], event, params)
        else:  # what the network knows may arrive before what the page knows
            self._early.setdefault(number, []).append((event, params))
            _bound(self._early)

    def _request(self, number: str, params: Params) -> None:
        previous = self._open.get(number) if "redirectResponse" in params else None
        if previous is not None:
            _respond(previous, params["redirectResponse"])
            previous.done = True
        request = params.get("request", {})
        exchange = BrowserExchange(
            str(request.get("url", "")),
            str(request.get("method", "")),
            PREFLIGHT if params.get("initiator", {}).get("type") == "preflight" else str(params.get("type", "")),
            _pairs(request.get("headers")),
        )
        if previous is not None:
            previous.following = exchange
        self._open[number] = exchange
        self._past[self._count] = exchange
        self._count += 1
        _bound(self._open)
        _bound(self._past)


def _update(exchange: BrowserExchange, event: str, params: Params) -> None:
    if event == "requestWillBeSentExtraInfo":
        exchange.wire_headers = _pairs(params.get("headers"))
    elif event == "responseReceived":
        _respond(exchange, params.get("response", {}))
    elif event == "responseReceivedExtraInfo":
        exchange.status = int(params.get("statusCode", 0))
        exchange.response_headers = _lines(params.get("headersText")) or _pairs(params.get("headers"))
    elif event == "loadingFinished":
        exchange.done = True
    elif event == "loadingFailed":
        exchange.failure = _failure(params)
        exchange.done = True


def _respond(exchange: BrowserExchange, response: Params) -> None:
    exchange.status = exchange.status or int(response.get("status", 0))
    exchange.response_headers = exchange.response_headers or _pairs(response.get("headers"))


def _failure(params: Params) -> Failure:
    cors = params.get("corsErrorStatus") or {}
    text = str(params.get("errorText", ""))
    reason = cors.get("corsError") or params.get("blockedReason") or text or "unknown"
    return Failure(str(reason), str(cors.get("failedParameter", "")), text)


def _pairs(headers: object) -> Pairs:
    """Lines of one name are one value with line feeds in it."""
    if not isinstance(headers, dict):
        return ()
    return tuple((str(name), line) for name, value in headers.items() for line in str(value).split("\n"))


def _lines(head: object) -> Pairs:
    """The headers of a response as they came, where the browser has kept its head."""
    lines = (line.partition(":") for line in str(head or "").split("\r\n")[1:])
    return tuple((name, value.strip("\t ")) for name, colon, value in lines if colon)


def _bound(entries: OrderedDict[Any, Any]) -> None:
    while len(entries) > MOST_EXCHANGES:
        entries.popitem(last=False)
