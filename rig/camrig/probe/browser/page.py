"""A tab of a browser."""

from __future__ import annotations

import base64
import json
from collections import deque
from typing import TYPE_CHECKING, Any

from camrig.deadline import Deadline
from camrig.errors import BrowserError, PageError
from camrig.probe.browser.network_log import Decision, NetworkLog
from camrig.probe.browser.pipe import Message

if TYPE_CHECKING:
    from camrig.probe.browser.browser import Browser

_MOST_MESSAGES = 200  # of a page's console
_CLOSE_SECONDS = 5.0
_SECONDS = 30.0  # for what needs no answer of a page's script


class Page:
    """One tab, which a browser opens. A page that blocks, opens a dialog or crashes raises PageError, and is closed.

    ``console`` has the latest messages and exceptions of its scripts; ``network`` what it asked for.
    """

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session
        self._frame_events: set[str] = set()
        self._fault = ""
        self.url = "about:blank"
        self.network = NetworkLog()
        self.console: deque[str] = deque(maxlen=_MOST_MESSAGES)

    def open(self, url: str, deadline: Deadline) -> None:
        """Load a document; its images and frames may go on loading. Raises PageError if there is none."""
        self.url = url
        self._frame_events.clear()
        answer = self._call_page("Page.navigate", {"url": url}, deadline)
        if reason := answer.get("errorText"):
            raise PageError(f"the browser cannot open {url}: {reason}", hint=_OPEN_HINT)
        while "DOMContentLoaded" not in self._frame_events:
            self._receive(deadline)

    def evaluate(self, expression: str, deadline: Deadline) -> Any:
        """The value of a JavaScript expression, or of the promise that it returns. Raises PageError if it throws."""
        parameters = {
            "expression": expression,
            "awaitPromise": True,
            "returnByValue": True,
            "userGesture": True,
        }
        answer = self._call_page("Runtime.evaluate", parameters, deadline)
        if details := answer.get("exceptionDetails"):
            raise PageError(f"a script on {self.url} threw: {_exception(details)}")
        return answer.get("result", {}).get("value")

    def evaluate_function(self, function: str, *arguments: object, deadline: Deadline) -> Any:
        """Call a JavaScript function with values that JSON can hold; as ``evaluate``."""
        return self.evaluate(f"({function})(...{json.dumps(arguments)})", deadline)

    def decision(self, url: str, deadline: Deadline) -> Decision:
        """What became of the requests for ``url`` since the log was cleared, once the browser has reported all.

        Raises PageError if it has not by the deadline: the page asked for no such URL, or got no end of it.
        """
        while not self.network.is_known(url):
            try:
                self._browser.receive(deadline)
            except TimeoutError:
                raise PageError(
                    f"the browser has not reported all of a request for {url} after {deadline.seconds:.3g} s"
                ) from None
            self._demand_sound()
        return self.network.decision(url)

    def screenshot(self, deadline: Deadline) -> bytes:
        """The page as it looks, a PNG."""
        answer = self._call_page("Page.captureScreenshot", {"format": "png"}, deadline)
        return base64.b64decode(answer.get("data", ""))

    def resize(self, width: int, height: int) -> None:
        """Give the page a window of this size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)

    def prefer(self, **features: str) -> None:
        """Set media features, such as ``prefers_color_scheme="dark"``."""
        media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", {"features": media})

    def call(self, method: str, parameters: Message | None = None, deadline: Deadline | None = None) -> Message:
        """A method of the DevTools protocol, for this page."""
        return self._call_page(method, parameters or {}, deadline or Deadline.after(_SECONDS))

    def close(self) -> None:
        """Close the tab, whatever state it is in. A browser that has ended has no tabs."""
        self._browser.forget(self._session)
        try:
            self._browser.call("Target.closeTarget", {"targetId": self._target}, Deadline.after(_CLOSE_SECONDS))
        except BrowserError:
            return

    def handle(self, event: str, params: Message) -> None:
        """Take in an event of the browser about this page."""
        self.network.feed(event, params)
        if event == "Page.domContentEventFired":
            self._frame_events.add("DOMContentLoaded")
        elif event == "Page.javascriptDialogOpening":
            self._fault = f"opened a dialog, {str(params.get('message', ''))[:200]!r}"
        elif event in ("Inspector.targetCrashed", "Target.detachedFromTarget", "Inspector.detached"):
            self._fault = self._fault or "crashed"
        elif event == "Runtime.consoleAPICalled":
            values = [str(value.get("value", value.get("description", ""))) for value in params.get("args", ())]
            self.console.append(f"{params.get('type', 'log')}: {' '.join(values)}")
        elif event == "Runtime.exceptionThrown":
            self.console.append(f"exception: {_exception(params.get('exceptionDetails', {}))}")
        elif event == "Log.entryAdded":
            entry = params.get("entry", {})
            self.console.append(f"{entry.get('level', 'log')}: {entry.get('text', '')}")

    def _call_page(self, method: str, parameters: Message, deadline: Deadline) -> Message:
        self._demand_sound()
        number = self._browser.send(method, parameters, self._session, deadline)
        while (answer := self._browser.answer(number)) is None:
            self._receive(deadline)
        return answer

    def _receive(self, deadline: Deadline) -> None:
        """Wait for a message of the browser; a page that blocks or has crashed is closed."""
        try:
            self._browser.receive(deadline)
        except TimeoutError:
            self._fault = f"does not answer within {deadline.seconds:.3g} s"
        self._demand_sound()

    def _demand_sound(self) -> None:
        if self._fault:
            self.close()
            raise PageError(f"the page {self.url} {self._fault}", hint=_PAGE_HINT)


_OPEN_HINT = "is its server running, and can this computer reach it?"
_PAGE_HINT = "open it in a browser and look at its scripts"


def _exception(details: Message) -> str:
    exception = details.get("exception", {})
    text = exception.get("description") or exception.get("value") or details.get("text", "an exception")
    return str(text).splitlines()[0][:300] if str(text) else "an exception"
