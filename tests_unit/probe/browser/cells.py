"""Cells: a page's request and raw responses to it, put before a browser and before the oracle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

from camrig.deadline import Deadline
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.network_log import Decision
from camrig.probe.browser.page import Page
from camrig.probe.browser_deviations import CHROMIUM, Deviation, Expectation, expected, new_memory
from camrig.probe.fetch_redirect import Hop, Memory
from camrig.probe.fetch_request import PageRequest, is_forbidden_header
from camrig.probe.response_parser import LostExchangeError, parse_response

from tests_unit.probe.browser.page_fetch import PageFetch, fetch
from tests_unit.probe.browser.raw_server import Arrived, RawHop, RawServer

SECONDS = 60.0
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cell:
    """``page`` is localhost, 127.0.0.1 or null. ``{page}`` and ``{cell}`` in hops stand for its origin and number."""

    page: str
    hops: tuple[RawHop, ...]
    method: str = "GET"
    headers: Headers = ()
    credentials: str = "same-origin"


@dataclass(frozen=True)
class Outcome:
    """What a browser did, or is expected to do: what the script got, and what was on the wire."""

    thrown: bool
    allowed: bool
    status: int
    exposed: tuple[str, ...]
    wire: tuple[str, ...]


class CellRunner:
    """A browser with a page of each origin, and a server of another origin."""

    def __init__(self, browser: Browser, pages: RawServer, server: RawServer) -> None:
        self._browser, self._pages, self._server = browser, pages, server
        self._tabs: dict[str, Page] = {}
        self._numbers = count(1)

    def origin(self, page: str) -> str:
        return "null" if page == "null" else f"http://{page}:{self._pages.port}"

    def differences(self, *cells: Cell, deviations: Sequence[Deviation] = CHROMIUM) -> str:
        """Empty if the browser does what is expected; else request, responses and both answers.

        Several cells are requests for the same URL, one after the other, of a browser that remembers preflights.
        """
        number = next(self._numbers)
        url = f"http://127.0.0.1:{self._server.port}/c/{number}/x"
        memory = new_memory(deviations)
        differences = []
        for cell in cells:
            memory.now = time.monotonic()
            hops = tuple(self._filled(hop, cell.page, number) for hop in cell.hops)
            self._server.cells[number] = hops
            self._server.arrived.pop(number, None)
            seen = self._fetch(cell, url)
            outcome = observed(seen, self._server.arrived[number], cell.headers)
            expectation, reason = self._expected(cell, url, hops, deviations, memory)
            if outcome != expectation:
                differences.append(self._shown(cell, url, hops, seen, expectation, reason, outcome))
        return "\n".join(differences)

    def _fetch(self, cell: Cell, url: str) -> PageFetch:
        deadline = Deadline.after(SECONDS)
        page = self._tab(cell.page)
        return fetch(page, url, deadline, method=cell.method, headers=cell.headers, credentials=cell.credentials)

    def _shown(
        self,
        cell: Cell,
        url: str,
        hops: Sequence[RawHop],
        seen: PageFetch,
        expectation: Outcome,
        reason: str,
        outcome: Outcome,
    ) -> str:
        refused = not seen.allowed and not seen.thrown
        decision = self._tab(cell.page).decision(url, Deadline.after(SECONDS)) if refused else Decision()
        lines = [f"{cell.method!r} {cell.headers!r} {cell.credentials} from {self.origin(cell.page)}"]
        for hop in hops:
            lines += [f"  preflight answer {hop.preflight!r}", f"  response         {hop.response!r}"]
        lines += [
            f"  oracle:  {expectation}",
            f"           {reason}",
            f"  browser: {outcome}",
            f"           {decision.reason} ({decision.parameter})",
        ]
        return "\n".join(lines)

    def _tab(self, page: str) -> Page:
        if page not in self._tabs:
            host, path = ("127.0.0.1", "sandbox") if page == "null" else (page, "page")
            url = f"http://{host}:{self._pages.port}/{path}"
            self._tabs[page] = self._browser.page(url, Deadline.after(SECONDS))
        return self._tabs[page]

    def _filled(self, hop: RawHop, page: str, number: int) -> RawHop:
        marks = {
            b"{page}": self.origin(page).encode(),
            b"{cell}": f"/c/{number}".encode(),
            b"{port}": str(self._server.port).encode(),
            b"{pages}": str(self._pages.port).encode(),
        }

        def fill(data: bytes) -> bytes:
            for mark, value in marks.items():
                data = data.replace(mark, value)
            return data

        return RawHop(fill(hop.response), fill(hop.preflight))

    def _expected(
        self, cell: Cell, url: str, hops: tuple[RawHop, ...], deviations: Sequence[Deviation], memory: Memory
    ) -> tuple[Outcome, str]:
        try:
            request = PageRequest(self.origin(cell.page), cell.method, cell.headers, cell.credentials)
        except TypeError as error:
            return Outcome(True, False, 0, (), ()), str(error)
        parsed = [parsed_hop(hop, cell.method) for hop in hops]
        expectation = expected(request, url, [*parsed, Hop(404, [], (404, []))], deviations, memory)
        return outcome_of(expectation, parsed), expectation.check.reason


def parsed_hop(hop: RawHop, method: str) -> Hop:
    status, headers = parsed(hop.response, method)
    return Hop(status, headers, parsed(hop.preflight, "OPTIONS"))


def parsed(data: bytes, method: str) -> tuple[int, list[tuple[str, str]]]:
    try:
        status, _, headers, _ = parse_response(data, to_head=method.upper() == "HEAD")
    except LostExchangeError:
        return 0, []
    return status, headers


def is_response(data: bytes, method: str) -> bool:
    """Whether the rig takes these bytes for a response; if not, it says so before anybody asks the oracle."""
    try:
        parse_response(data, to_head=method.upper() == "HEAD")
    except LostExchangeError:
        return False
    return True


def outcome_of(expectation: Expectation, hops: Sequence[Hop]) -> Outcome:
    check = expectation.check
    actual = sum(not step.preflight for step in expectation.steps)
    answers = [hop.status for hop in hops for _ in range(2 if hop.status == 421 else 1)]
    status = [*answers, 404][actual - 1] if check.allowed else 0
    wire = []
    for step in expectation.steps:
        if step.preflight:
            wire.append(f"preflight {step.request.sent_method} {','.join(step.names)} from {step.request.origin}")
        else:
            wire.append(f"{step.request.sent_method} {joined(step.request.sent_headers)}")
    return Outcome(False, check.allowed, status, check.exposed, tuple(wire))


def joined(headers: Sequence[tuple[str, str]]) -> str:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    values.pop("range", None)  # a browser writes it in its own way
    return " ".join(f"{name}={', '.join(values[name]).strip()!r}" for name in sorted(values))


def observed(seen: PageFetch, arrived: Sequence[Arrived], headers: Headers) -> Outcome:
    """Of the headers on the wire those of the script are compared; a forbidden one must not have its value."""
    script: dict[str, list[str]] = {}
    for name, value in headers:
        script.setdefault(name.lower(), []).append(value)
    wire = []
    for request in arrived:
        if request.is_preflight:
            names = ("Access-Control-Request-Method", "Access-Control-Request-Headers", "Origin")
            method, listed, origin = (",".join(request.values(name)) for name in names)
            wire.append(f"preflight {method} {listed} from {origin}")
        else:
            own = [
                (name, value)
                for name, value in request.headers
                if name.lower() in script and (value in script[name.lower()] or not is_browsers_own(name))
            ]
            wire.append(f"{request.method} {joined(own)}")
    return Outcome(bool(seen.thrown), seen.allowed, seen.status, seen.exposed, tuple(wire))


def is_browsers_own(name: str) -> bool:
    """Whether a browser sets a header itself, in the place of the script."""
    return is_forbidden_header(name, "") or name.lower() == "user-agent"


@contextmanager
def cell_runner(browser: Browser) -> Iterator[CellRunner]:
    with RawServer() as pages, RawServer() as server:
        yield CellRunner(browser, pages, server)
