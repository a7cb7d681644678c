"""Lets the browser decide, and compares its decision with what the policy means and with the Fetch standard.

A browser that decides otherwise than the policy means is a failure of the library. One that agrees with the policy
and not with the standard, by the headers that it received, shows a fault of the rig or a deviation that is not
listed: that says nothing about the library, and blocks the test.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from browser_cells import Ask
from browser_meaning import ALLOWED, BLOCKED, THROWS, meaning
from browser_verdict import FAILED, Verdict, conclude, matters
from camrig.dut import Dut
from camrig.errors import BrowserError, CamrigError
from camrig.probe.browser import scripts
from camrig.probe.browser.network_log import WireExchange
from camrig.probe.browser.tabs import Answer, Tabs
from camrig.probe.browser_deviations import CHROMIUM, Deviation, expected, new_memory
from camrig.probe.fetch_cors import Headers, ResponseCheck, get, needs_preflight, preflight_of
from camrig.probe.fetch_redirect import Hop
from camrig.probe.fetch_request import PageRequest
from camrig.probe.response_parser import LostExchangeError

CANNOT_TELL = "cannot tell"
STREAM_BYTES = 400  # the head of a part, and some of its picture
EXCHANGES = 4  # of one cell at most: preflight and request, twice where it is redirected

Check = Callable[[Verdict], None]


class Judge:
    """Asks the board in the browser, cell by cell, and keeps a row for each, by the name of its policy."""

    def __init__(self, dut: Dut, tabs: Tabs) -> None:
        self._dut, self._tabs = dut, tabs
        self._cells: list[dict[str, Any]] = []
        self._number = 0
        self.sent = 0  # how often a browser was asked, repetitions included
        self._memory = new_memory()

    def as_data(self) -> dict[str, Any]:
        """For the file of results: every cell."""
        return {"version": self._tabs.version, "starts": self._tabs.starts, "cells": self._cells}

    def origin(self, page: str) -> str:
        return self._tabs.server.origin(page)

    def elsewhere(self, page: str, path: str) -> str:
        """The URL of a path on the server of the pages, which is another origin than the board's."""
        return self.origin(page) + path

    def target(self, path: str) -> str:
        """The board's URL for a path, which no request had before."""
        self._number += 1
        return f"{self._dut.url}{path}{'&' if '?' in path else '?'}cell={self._number}"

    def judge(self, name: str, policy: Mapping[str, Any], asks: Iterable[Ask], check: Check | None = None) -> None:
        """Ask everything, and fail or be blocked if some answers are not as they must be.

        ``check`` looks at what a page has seen, if it may see it.
        """
        __tracebackhide__ = True
        verdicts = []
        for ask in asks:
            verdicts.append(verdict := self.verdict(policy, ask))
            try:
                self.decide(verdict, check)
            except BrowserError as error:  # the next cell has another page, or another browser
                verdict.block(str(error))
            except CamrigError as error:  # the board: it is for the rig to bring it back, before the next test
                verdict.block(str(error))
                self.keep(name, verdicts)
                if any(verdict.outcome == FAILED for verdict in verdicts):  # what was found stays found
                    conclude(verdicts)
                raise
        self.keep(name, verdicts)
        conclude(verdicts)

    def verdict(self, policy: Mapping[str, Any], ask: Ask) -> Verdict:
        """A cell before the browser is asked."""
        request = self.request(ask)
        if isinstance(request, str):
            return Verdict(policy, ask, THROWS, standard=THROWS, section=request)
        if ask.kind == "image" and ask.mode is None:
            return Verdict(policy, ask, ALLOWED)
        sent = as_chromium_sends(request)
        expected = meaning(policy, sent) if sent is not None else BLOCKED
        if ask.leads_to and expected == ALLOWED:
            expected = ask.leads_to
        return Verdict(policy, ask, expected)

    def request(self, ask: Ask) -> PageRequest | str:
        """What a page asks as the standard knows it, or why a script cannot ask that."""
        credentials = ask.credentials
        if ask.kind == "image":
            credentials = "include" if ask.mode == "use-credentials" else "same-origin"
        try:
            return PageRequest(self.origin(ask.page), ask.method, ask.headers, credentials)
        except TypeError as error:
            return str(error)

    def ask(self, ask: Ask, url: str = "") -> Answer:
        """The browser's answer. A lost exchange is repeated, with another URL unless one is given."""
        script = _script(ask)

        def send(seconds: float) -> Answer:
            self.sent += 1
            answer = self._tabs.ask(ask.page, url or self.target(ask.path), script, seconds * EXCHANGES)
            if ask.kind == "fetch" and any(map(_is_full, (*answer.decision.preflights, *answer.decision.exchanges))):
                raise LostExchangeError("the server has no place for another client", "refused")
            return answer

        return self._dut.repeat_lost(f"{ask.name} of a browser", send)

    def decide(self, verdict: Verdict, check: Check | None = None, url: str = "") -> None:
        """Ask the browser, and compare. Raises BrowserError, or what the board is to blame for."""
        self._memory.now = time.monotonic()
        answer = verdict.answer = self.ask(verdict.ask, url)
        verdict.ms = answer.seconds * 1000
        verdict.preflights = len(answer.decision.preflights)
        verdict.reason = "" if answer.allowed else answer.decision.reason  # a stream is dropped in the end
        verdict.browser = THROWS if answer.throws else ALLOWED if answer.allowed else BLOCKED
        if verdict.browser == BLOCKED and verdict.expected == ALLOWED and not answer.decision.answered:
            verdict.block(
                f"the browser did not wait for an answer of the board: {verdict.reason or 'it says nothing'}"
            )
            return
        if fault := self._fault_of_rig(verdict.ask, answer):
            verdict.block(fault)
            return
        self._ask_standard(verdict, answer)
        if verdict.standard == CANNOT_TELL:
            verdict.block(f"the browser says {verdict.word}, and the Fetch standard cannot tell: {verdict.section}")
            return
        if verdict.browser == BLOCKED and {verdict.expected, verdict.standard} == {ALLOWED} and not verdict.reason:
            text = str(answer.seen.get("text", ""))
            verdict.block(f"the browser refuses nothing and shows nothing: {text or 'it says nothing'}")
        elif verdict.browser != verdict.expected:
            verdict.fail(f"the browser says {verdict.word} where the policy means {verdict.expected}")
        if verdict.standard != verdict.browser:
            verdict.block(f"the browser says {verdict.word} where the Fetch standard says {verdict.standard}")
        if verdict.browser == ALLOWED and check is not None:
            check(verdict)

    def _fault_of_rig(self, ask: Ask, answer: Answer) -> str:
        """Why an answer says nothing about the library; empty if it does.

        What a page is meant to see depends on whether its browser asks first, and for what. No server has a part in
        that before it has answered.
        """
        last = answer.decision.exchanges[-1:]
        if ask.kind != "fetch" and last and last[0].status == 503:
            return "the camera has no picture, or no place for another stream: status 503"
        request = self.request(ask)
        sent = as_chromium_sends(request) if isinstance(request, PageRequest) else None
        if sent is None or answer.throws:
            return ""
        preflight = next((first.sent for first in answer.decision.preflights if first.url == answer.url), None)
        if preflight is None:  # whether it remembers an answer is a question of its own
            return ""
        if not needs_preflight(sent):
            return f"the browser asks first ({_asked_for(preflight)}), by the standard it does not"
        usual = preflight_of(sent)
        if preflight and _asked_for(preflight) != _asked_for(usual):
            return f"the browser asks first for {_asked_for(preflight)}, by the standard for {_asked_for(usual)}"
        return ""

    def _ask_standard(self, verdict: Verdict, answer: Answer) -> None:
        """What the standard, with the browser's known deviations, makes of the headers that it received."""
        request, ask = self.request(verdict.ask), verdict.ask
        if isinstance(request, str):
            return
        if ask.kind == "image" and ask.mode is None:
            verdict.standard = ALLOWED  # without CORS, and without a look at its pixels
            return
        try:
            expectation = expected(request, answer.url, answer.decision.hops, memory=self._memory)
        except ValueError as error:
            verdict.standard, verdict.section = CANNOT_TELL, str(error)
            return
        verdict.deviation = deviation_in(request, answer)
        check = expectation.check
        verdict.standard, verdict.section = ALLOWED if check.allowed else BLOCKED, check.reason
        preflights = sum(step.preflight for step in expectation.steps)
        if preflights != verdict.preflights:
            verdict.block(f"the browser sent {verdict.preflights} preflight requests, by the standard {preflights}")
        if answer.allowed and check.allowed and "headers" in answer.seen:
            _compare_exposed(verdict, check)

    def keep(self, name: str, verdicts: Iterable[Verdict]) -> None:
        """Keep a row for each in the matrix."""
        self._cells += [verdict.as_data(name) for verdict in verdicts]


def _asked_for(headers: Headers) -> str:
    """What a preflight request asks for, in words."""
    names = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
    return " ".join(value.replace(" ", "") for name in names if (value := get(headers, name)))


def _is_full(exchange: WireExchange) -> bool:
    """Whether a server refused a client before the library had a part in it."""
    names = {name.lower() for name, _ in exchange.received}
    return exchange.status == 503 and "retry-after" in names and not any(map(matters, names))


def _compare_exposed(verdict: Verdict, result: ResponseCheck) -> None:
    assert verdict.answer is not None
    names = tuple(sorted({str(name).lower() for name, _ in verdict.answer.seen["headers"]}))
    if names != result.exposed:
        verdict.block(f"the page reads the headers {', '.join(names)}, by the standard {', '.join(result.exposed)}")


def as_chromium_sends(request: PageRequest) -> PageRequest | None:
    """A request in which the standard sees what Chromium sees; None for one that it does not send."""
    hop = Hop(0, ())
    for deviation in CHROMIUM:
        if deviation.refused(request):
            return None
        request = deviation.sent(request)
    for deviation in CHROMIUM:
        request, hop = deviation.view(request, hop)
    return request


def deviation_in(request: PageRequest, answer: Answer) -> str:
    """The known deviations from the standard that an exchange shows, those of the cache left out."""

    def outcome(deviations: Sequence[Deviation]) -> tuple[bool, int] | None:
        try:
            expectation = expected(request, answer.url, answer.decision.hops, deviations)
        except ValueError:  # a preflight request that was not sent
            return None
        return expectation.check.allowed, sum(step.preflight for step in expectation.steps)

    if (usual := outcome(CHROMIUM)) is None or usual == outcome(()):
        return ""
    names = (left.name for left in CHROMIUM if outcome([entry for entry in CHROMIUM if entry is not left]) != usual)
    return ", ".join(names)


def _script(ask: Ask) -> scripts.Script:
    if ask.kind == "image":
        return scripts.image(ask.mode)
    if ask.kind == "stream":
        return scripts.stream(STREAM_BYTES, ask.credentials)
    if ask.kind == "events":
        return scripts.events(ask.credentials == "include")
    return scripts.fetch(ask.method, ask.headers, ask.credentials, ask.body)
