"""A browser with a tab on each origin, in which scripts ask a board; it is started again when it dies."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from camrig.deadline import Deadline
from camrig.errors import BrowserError, PageError
from camrig.probe.browser.browser import Browser
from camrig.probe.browser.network_log import Decision
from camrig.probe.browser.page import Page
from camrig.probe.browser.page_server import PAGES, PageServer
from camrig.probe.browser.scripts import TIMEOUT, Script
from camrig.probe.response_parser import LostExchangeError

MOST_STARTS = 4
SECONDS_TO_OPEN = 60.0  # a page, on a machine that is busy
SECONDS_BEYOND = 20.0  # for a browser whose script has ended in time
SECONDS_FOR_EVENTS = 10.0  # from a script's end until the browser has reported all of its request
NOT_SENT = "Failed to execute"  # how the text of a TypeError begins that comes before the network


T = TypeVar("T")


@dataclass(frozen=True)
class Answer:
    """What a page saw, and what the browser reports of its request."""

    url: str
    seen: dict[str, Any]
    decision: Decision
    seconds: float

    @property
    def throws(self) -> bool:
        """Whether the script was refused before anything was sent."""
        return str(self.seen.get("text", "")).startswith(NOT_SENT)

    @property
    def allowed(self) -> bool:
        return "error" not in self.seen


class Tabs:
    """A context. ``starts`` is how often a browser was started, ``version`` that of the last one."""

    def __init__(self, executable: Path) -> None:
        self.executable = executable
        self.starts = 0
        self.version = ""
        self.server = PageServer()
        self._browser: Browser | None = None
        self._pages: dict[str, Page] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Tabs:
        with ExitStack() as stack:
            stack.enter_context(self.server)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end_browser()
        finally:
            self._stack.close()

    def open(self) -> None:
        """Start the browser and open all tabs, if need be with a second browser. Raises BrowserError."""
        for page in PAGES:
            try:
                self._guarded(partial(self._page, page))
            except BrowserError:
                if self.starts > 1:
                    raise
                self._guarded(partial(self._page, page))

    def ask(self, page: str, url: str, script: Script, seconds: float) -> Answer:
        """Run a script in the tab ``page``.

        Raises LostExchangeError if the board does not answer in time or the connection breaks, PageError for a page
        that blocks, and BrowserError for a browser that ended: the next call starts another one, a few times.
        """
        return self._guarded(lambda: self._ask(page, url, script, seconds))

    def reload(self, page: str) -> None:
        """Load a page again. Raises BrowserError."""
        self._guarded(lambda: self._page(page).open(self.server.url(page), Deadline.after(SECONDS_TO_OPEN)))

    def _ask(self, name: str, url: str, script: Script, seconds: float) -> Answer:
        page = self._page(name)
        page.network.clear()
        start = time.monotonic()
        seen = page.evaluate(script(url, seconds), Deadline.after(seconds + SECONDS_BEYOND))
        took = time.monotonic() - start
        if not isinstance(seen, dict):
            raise PageError(f"a script in the page {name} resolved to {seen!r}"[:200])
        if seen.get("error") == TIMEOUT:
            raise LostExchangeError(f"no answer within {seconds:.1f} s", "timeout")
        answer = Answer(url, seen, Decision(), took)
        if answer.throws:
            return answer
        decision = page.decision(url, Deadline.after(SECONDS_FOR_EVENTS))
        if decision.failure:
            raise LostExchangeError(decision.failure, _cause(decision.failure))
        return replace(answer, decision=decision)

    def _page(self, name: str) -> Page:
        if self._browser is None:
            self._start()
        assert self._browser is not None
        if name not in self._pages:
            self._pages[name] = self._browser.page(self.server.url(name), Deadline.after(SECONDS_TO_OPEN))
        return self._pages[name]

    def _start(self) -> None:
        if self.starts >= MOST_STARTS:
            raise BrowserError(
                f"{self.executable} has ended {self.starts} times, and is not started again",
                hint="run it by hand to see why",
            )
        self.starts += 1
        browser = Browser(self.executable)
        browser.__enter__()
        self._browser, self.version = browser, browser.version

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do ``work``; a tab that failed is opened again by the next call, a browser that failed is started again."""
        try:
            return work()
        except PageError:
            self._close_pages()
            raise
        except BrowserError:
            self._end_browser()
            raise

    def _close_pages(self) -> None:
        while self._pages:
            self._pages.popitem()[1].close()

    def _end_browser(self) -> None:
        browser, self._browser = self._browser, None
        self._pages.clear()
        if browser is not None:
            browser.close()


def _cause(failure: str) -> str:
    """What a lost exchange is counted as."""
    for word, cause in (("REFUSED", "refused"), ("TIMED_OUT", "timeout"), ("UNREACHABLE", "unreachable")):
        if word in failure:
            return cause
    return "malformed" if "INVALID" in failure else "reset"
