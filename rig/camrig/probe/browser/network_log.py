"""What a page of a browser sent and received, out of the events of the domain Network. Pure, fed event by event.

The headers are those of the network, before the browser hides any from the page, so a check can be made on the same
exchange that the browser decided on.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from camrig.probe.fetch_redirect import Hop

Headers = list[tuple[str, str]]
PREFLIGHT = "preflight"
MOST_REQUESTS = 1000  # that are kept, the latest ones
# Errors of the network, as parts of their names: the browser has decided nothing.
LOST = (
    *("ADDRESS_", "CONNECTION", "CONTENT_LENGTH_MISMATCH", "EMPTY_RESPONSE", "INCOMPLETE_CHUNKED", "INTERNET_DIS"),
    *("INVALID_HTTP_RESPONSE", "NAME_NOT_RESOLVED", "NETWORK_", "RESPONSE_HEADERS_TRUNCATED", "SOCKET_", "TIMED_OUT"),
)


@dataclass
class WireExchange:
    """A request and its response as they crossed the network; ``status`` is 0 while there is no response."""

    url: str
    method: str
    sent: Headers = field(default_factory=list)
    status: int = 0
    received: Headers = field(default_factory=list)


@dataclass(frozen=True)
class Decision:
    """What became of a page's request: all that was sent for it, and the browser's own reason if it refused.

    ``failure`` is the network's error, where the browser has decided nothing.
    """

    exchanges: tuple[WireExchange, ...] = ()
    preflights: tuple[WireExchange, ...] = ()
    reason: str = ""
    parameter: str = ""
    failure: str = ""

    @property
    def answered(self) -> bool:
        """Whether any response came: without one the browser has decided by itself."""
        return any(exchange.status for exchange in (*self.exchanges, *self.preflights))

    @property
    def hops(self) -> list[Hop]:
        """The responses in order, each with the answer to its preflight request."""
        left = list(self.preflights)
        hops = []
        for exchange in self.exchanges:
            place = next((number for number, before in enumerate(left) if before.url == exchange.url), None)
            before = left.pop(place) if place is not None else None
            answer = (before.status, before.received) if before is not None and before.status else None
            hops.append(Hop(exchange.status, exchange.received, answer))
        return hops


class _Request:
    """The events of one request; a redirect makes it one with several exchanges."""

    def __init__(self) -> None:
        self.exchanges: list[WireExchange] = []
        self.parent = ""  # the request that a preflight request belongs to
        self.is_preflight = False
        self.sent: list[Headers] = []
        self.received: list[tuple[int, Headers]] = []
        self.reason = self.parameter = self.failure = ""
        self.has_ended = self.is_answered = False

    @property
    def is_known(self) -> bool:
        """Whether all has been reported: the headers come from another process than the end."""
        missing = len(self.exchanges) - len(self.received)
        # The last of them may not have been sent at all; one that the page gave up may have been answered before.
        unsent = self.failure or PREFLIGHT in self.reason.lower() or self.reason.startswith("net::")
        return self.has_ended and missing <= (1 if unsent and not self.is_answered else 0)

    def complete(self) -> tuple[WireExchange, ...]:
        """The exchanges with the headers that events report, which come in the same order."""
        for exchange, sent in zip(self.exchanges, self.sent, strict=False):
            exchange.sent = sent
        for exchange, (status, received) in zip(self.exchanges, self.received, strict=False):
            exchange.status, exchange.received = status, received
        return tuple(self.exchanges)


class NetworkLog:
    """Collects the events of requests; ``decision(url)`` says what became of the one for ``url``.

    A URL may have a fragment, which is removed on the way.
    """

    def __init__(self) -> None:
        self._requests: OrderedDict[str, _Request] = OrderedDict()

    @property
    def exchanges(self) -> list[WireExchange]:
        """All of them, preflights and hops included."""
        return [exchange for request in self._requests.values() for exchange in request.complete()]

    @property
    def decisions(self) -> list[Decision]:
        """What became of each request of the page, its preflights left out."""
        own = (request for request in self._requests.values() if request.exchanges and not request.is_preflight)
        return [
            Decision(request.complete(), (), request.reason, request.parameter, request.failure) for request in own
        ]

    def clear(self) -> None:
        """Forget all. What is reported later of earlier requests says nothing of new ones."""
        self._requests.clear()

    def feed(self, method: str, params: Mapping[str, Any]) -> None:
        """Take an event; those of other domains say nothing."""
        handler, number = _HANDLERS.get(method), params.get("requestId")
        if handler is not None and isinstance(number, str):
            handler(self._requests.setdefault(number, _Request()), params)
            while len(self._requests) > MOST_REQUESTS:
                self._requests.popitem(last=False)

    def is_known(self, url: str) -> bool:
        """Whether all that belongs to the page's request for ``url`` has been reported."""
        own, before = self._of(url)
        if not own or not all(request.is_known for request in [*own.values(), *before]):
            return False
        # What refuses a request by its preflight may be reported before the preflight.
        reported = {request.exchanges[0].url for request in before}
        return all(
            request.exchanges[-1].url in reported for request in own.values() if PREFLIGHT in request.reason.lower()
        )

    def _of(self, url: str) -> tuple[dict[str, _Request], list[_Request]]:
        """The page's requests for ``url``, and the preflight requests before them."""
        url = url.partition("#")[0]
        own = {
            number: request
            for number, request in self._requests.items()
            if not request.is_preflight and request.exchanges and request.exchanges[0].url == url
        }
        return own, [request for request in self._requests.values() if request.is_preflight and request.parent in own]

    def decision(self, url: str) -> Decision:
        """What became of the page's requests for ``url``, in the order in which they were made."""
        own, before = self._of(url)
        last = next(reversed(list(own.values())), None)
        return Decision(
            tuple(exchange for request in own.values() for exchange in request.complete()),
            tuple(exchange for request in before for exchange in request.complete()),
            last.reason if last else "",
            last.parameter if last else "",
            last.failure if last else "",
        )


def _will_be_sent(request: _Request, params: Mapping[str, Any]) -> None:
    sent, initiator = params.get("request") or {}, params.get("initiator") or {}
    request.exchanges.append(WireExchange(str(sent.get("url", "")), str(sent.get("method", ""))))
    if initiator.get("type") == PREFLIGHT:
        request.is_preflight, request.parent = True, str(initiator.get("requestId", ""))


def _headers_sent(request: _Request, params: Mapping[str, Any]) -> None:
    request.sent.append(_joined(params.get("headers")))


def _headers_received(request: _Request, params: Mapping[str, Any]) -> None:
    text = params.get("headersText")
    headers = raw_headers(text) if isinstance(text, str) else _joined(params.get("headers"))
    request.received.append((int(params.get("statusCode") or 0), headers))


def _answered(request: _Request, params: Mapping[str, Any]) -> None:
    request.is_answered = params.get("hasExtraInfo") is True  # else its headers are not reported at all


def _finished(request: _Request, params: Mapping[str, Any]) -> None:
    request.has_ended = True


def _failed(request: _Request, params: Mapping[str, Any]) -> None:
    request.has_ended = True
    status, error = params.get("corsErrorStatus"), str(params.get("errorText", ""))
    if isinstance(status, Mapping):
        request.reason = str(status.get("corsError", ""))
        request.parameter = str(status.get("failedParameter", ""))
    elif params.get("blockedReason"):
        request.reason = str(params["blockedReason"])
    elif error.removeprefix("net::ERR_").startswith(LOST):
        request.failure = error
    else:
        request.reason = error


_HANDLERS: dict[str, Callable[[_Request, Mapping[str, Any]], None]] = {
    "Network.requestWillBeSent": _will_be_sent,
    "Network.requestWillBeSentExtraInfo": _headers_sent,
    "Network.responseReceivedExtraInfo": _headers_received,
    "Network.responseReceived": _answered,
    "Network.loadingFinished": _finished,
    "Network.loadingFailed": _failed,
}


def raw_headers(text: str) -> Headers:
    """The headers of a response's head, each line as a pair."""
    lines = [line.partition(":") for line in text.split("\r\n")[1:] if line]
    return [(name.strip(), value.strip(" \t")) for name, _, value in lines]


def _joined(headers: Any) -> Headers:
    """Headers as the browser gives them in an object: the values of one name are lines."""
    pairs: Sequence[tuple[Any, Any]] = list(headers.items()) if isinstance(headers, Mapping) else []
    return [(str(name), line) for name, value in pairs for line in str(value).split("\n")]
