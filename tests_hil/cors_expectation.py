"""What a response must have of CORS: each ``Access-Control-*`` header and ``Vary``, whether present or absent.

Beside it are the origins of the tests and the path that they request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from camrig.probe.client import Headers, Response

PAGE = "https://panel.example"
STRANGER = "https://stranger.example"
# Listed; several, so that an answer from the wrong place in the list is noticed.
ORIGINS = ["https://wall.example:8443", PAGE, "http://192.168.4.2"]
STATUS = "/api/status"

PREFIX = "access-control-"
HEADERS = {
    "origin": "Access-Control-Allow-Origin",
    "credentials": "Access-Control-Allow-Credentials",
    "methods": "Access-Control-Allow-Methods",
    "headers": "Access-Control-Allow-Headers",
    "max_age": "Access-Control-Max-Age",
    "expose": "Access-Control-Expose-Headers",
    "vary": "Vary",
}
LISTED = 8  # failed exchanges of one test that are named after the first, which is shown whole


@dataclass(frozen=True)
class Cors:
    """The whole set of CORS headers and ``Vary``: what is None must be absent, and so must every other
    ``Access-Control-*`` header."""

    origin: str | None = None
    credentials: str | None = None
    methods: str | None = None
    headers: str | None = None
    max_age: str | None = None
    expose: str | None = None
    vary: str | None = None

    def headers_expected(self) -> dict[str, str | None]:
        return {HEADERS[entry.name]: getattr(self, entry.name) for entry in fields(self)}


NOTHING = Cors()


@dataclass(frozen=True)
class Exchange:
    """A request and its response as sent, and the policy that was in force."""

    policy: dict[str, Any]
    method: str
    target: str
    headers: Headers
    response: Response
    changes: str = field(default="", compare=False)  # how the policy came into force, if not by assignment
    failed: Callable[[str], None] = field(default=lambda text: None, compare=False, repr=False)  # where it is counted

    def lines(self) -> list[str]:
        response = self.response
        policy = ", ".join(f"{name}={value!r}" for name, value in self.policy.items())
        return [
            f"policy:   {_shown(policy)}{self.changes}",
            *_message("request: ", f"{self.method} {self.target}", self.headers),
            *_message("response:", f"{response.status} {response.reason}", response.headers),
        ]

    def as_data(self) -> dict[str, Any]:
        """Both sides as they were sent, for the file of results."""
        response = self.response
        return {
            "policy": self.policy,
            "changes": self.changes.strip(" ()"),
            "request": {"method": self.method, "target": self.target, "headers": [list(row) for row in self.headers]},
            "response": {
                "status": response.status,
                "reason": response.reason,
                "headers": [list(row) for row in response.headers],
            },
        }


Expectation = tuple[Exchange, Cors, int]


class CorsMismatchError(AssertionError):
    """Responses without the headers that they must have. ``differences``: in short, for the summary of a run;
    ``exchange``: the first that failed, as plain data.
    """

    def __init__(self, failed: list[tuple[Expectation, list[str]]], number: int) -> None:
        self.differences = list(dict.fromkeys(text for _, texts in failed for text in texts))
        (exchange, cors, status), _ = failed[0]
        self.exchange = {**exchange.as_data(), "expected": {"status": status, "headers": cors.headers_expected()}}
        lines = _shown_whole(*failed[0])
        if len(failed) > 1:
            lines += ["", f"{len(failed)} of {number} exchanges of this test failed, also:"]
            lines += [f"  {_request(row[0])}: {texts[0]}" for row, texts in failed[1 : LISTED + 1]]
        super().__init__("\n".join(lines))


def _shown_whole(row: Expectation, texts: list[str]) -> list[str]:
    """What differs, the exchange as it was sent, and what is expected."""
    exchange, cors, status = row
    expected = [(name, value) for name, value in cors.headers_expected().items() if value is not None]
    rest = "          no other Access-Control-* header" + ("" if cors.vary else ", no Vary")
    return [*texts, "", *exchange.lines(), *_message("expected:", str(status), expected), rest]


def differences(response: Response, cors: Cors, status: int) -> list[str]:
    """How a response differs from what is expected of it, each as ``<what> where <what was expected>``."""
    texts = [] if response.status == status else [f"the status is {response.status} where {status} is expected"]
    expected = cors.headers_expected()
    for name, value in expected.items():
        values = response.values(name)
        if value is None and values:
            texts.append(f"{name} is sent where it must be absent: {_shown(', '.join(values))!r}")
        elif value is not None and not values:
            texts.append(f"{name} is missing where {_shown(value)!r} is expected")
        elif len(values) > 1:
            texts.append(f"{name} is sent {len(values)} times where one is expected")
        elif value is not None and values != [value]:
            texts.append(f"{name} is wrong where {_shown(value)!r} is expected: {_shown(values[0])!r}")
    known = {name.lower() for name in expected}
    foreign = {name for name, _ in response.headers if name.lower().startswith(PREFIX) and name.lower() not in known}
    return texts + [f"{_shown(name)} is sent where it must be absent" for name in sorted(foreign)]


def expect_cors(exchange: Exchange, cors: Cors, status: int = 200) -> None:
    """Fail unless the response has exactly these headers."""
    __tracebackhide__ = True
    expect_all([(exchange, cors, status)])


def expect_all(rows: Iterable[Expectation]) -> None:
    """Fail unless every exchange has the response that is expected of it; the failure names all that have not."""
    __tracebackhide__ = True
    rows = list(rows)
    failed = [(row, texts) for row in rows if (texts := differences(row[0].response, row[1], row[2]))]
    for row, texts in failed:
        row[0].failed("\n".join(_shown_whole(row, texts)))
    if failed:
        raise CorsMismatchError(failed, len(rows))


def _request(exchange: Exchange) -> str:
    sent = [f"{name}: {value}" for name, value in exchange.headers if name == "Origin" or name.startswith("Access")]
    return _shown(f"{exchange.method} {exchange.target} {'; '.join(sent)}")


def _message(title: str, first: str, headers: Headers) -> list[str]:
    return [f"{title} {_shown(first)}", *(f"          {_shown(name)}: {_shown(value)}" for name, value in headers)]


def _shown(text: str) -> str:
    """Text in which control characters can be seen, and lines do not break."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
