"""A headless Chromium, driven by its DevTools protocol over two pipes.

Not for use by several threads at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from camrig.deadline import Deadline
from camrig.errors import BrowserError
from camrig.probe.browser.executable import HINT
from camrig.probe.browser.page import Page
from camrig.probe.browser.pipe import Message, NotAMessageError, PipeClosedError
from camrig.probe.browser.process import BrowserProcess, running

START_SECONDS = 60.0
_SECONDS = 30.0
_DOMAINS = ("Page", "Runtime", "Log", "Network", "Inspector")
_TOO_OLD = -32601  # JSON-RPC: there is no such method


class Browser:
    """A context: a browser with a new profile, which leaves neither a process nor a file behind.

    Its own faults raise BrowserError, those of a page PageError. After a PageError the browser opens further pages;
    after any other BrowserError it has ended, and ``ended`` says so.
    """

    def __init__(self, executable: Path, flags: Sequence[str] = (), seconds: float = START_SECONDS) -> None:
        self.executable, self._flags, self._seconds = executable, tuple(flags), seconds
        self.version = ""  # such as Chrome/156.0.8078.108
        self.ended = False
        self._process: BrowserProcess | None = None
        self._stack = ExitStack()
        self._pages: dict[str, Page] = {}
        self._number = 0
        self._answers: dict[int, Message] = {}
        self._awaited: set[int] = set()

    def __enter__(self) -> Browser:
        with ExitStack() as stack:
            self._process = stack.enter_context(running(self.executable, self._flags))
            answer = self.call("Browser.getVersion", {}, Deadline.after(self._seconds))
            self.version = str(answer.get("product", "")).removeprefix("Headless")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the browser, with all that it started. May be called twice."""
        self.ended = True
        self._stack.close()

    def page(self, url: str, deadline: Deadline) -> Page:
        """A new tab that shows ``url``. Raises PageError if the browser cannot open it."""
        target = self.call("Target.createTarget", {"url": "about:blank"}, deadline)["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True}, deadline)["sessionId"]
        page = self._pages[session] = Page(self, target, session)
        try:
            for domain in _DOMAINS:
                page.call(f"{domain}.enable", {}, deadline)
            if url != page.url:
                page.open(url, deadline)
        except BaseException:
            page.close()
            raise
        return page

    def set_permission(self, name: str, setting: str, origin: str) -> None:
        """Grant, deny or prompt for a permission, such as ``local-network``, to the pages of an origin."""
        self.call("Browser.setPermission", {"permission": {"name": name}, "setting": setting, "origin": origin})

    def call(self, method: str, parameters: Message | None = None, deadline: Deadline | None = None) -> Message:
        """A method of the DevTools protocol, for the browser as a whole."""
        deadline = deadline or Deadline.after(_SECONDS)
        try:
            number = self.send(method, parameters or {}, None, deadline)
            while (answer := self.answer(number)) is None:
                self.receive(deadline)
        except TimeoutError:
            raise self._broken(f"does not answer {method} within {deadline.seconds:.3g} s") from None
        return answer

    def send(self, method: str, parameters: Message, session: str | None, deadline: Deadline) -> int:
        """Send a request to a session, or to the browser; its number, by which ``answer`` knows it."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        process = self._demand_running()
        try:
            process.pipe.send(message, deadline)
        except PipeClosedError:
            raise self._broken() from None
        except TimeoutError:
            raise self._broken(f"does not read {method} within {deadline.seconds:.3g} s") from None
        self._awaited.add(self._number)
        return self._number

    def answer(self, number: int) -> Message | None:
        """What the browser answered to a request; None if it has not yet. Raises BrowserError for a refusal."""
        message = self._answers.pop(number, None)
        if message is None:
            return None
        self._awaited.discard(number)
        if error := message.get("error"):
            text = str(error.get("message", "")).strip()
            if error.get("code") == _TOO_OLD:
                raise self._broken(f"is too old: it answers {text!r}", "install a newer Chromium")
            raise BrowserError(f"{self.name} refuses a request: {text}")
        result = message.get("result", {})
        return result if isinstance(result, dict) else {}

    def receive(self, deadline: Deadline) -> None:
        """Take in one message. Raises TimeoutError at the deadline, and BrowserError if the browser has ended."""
        process = self._demand_running()
        try:
            message = process.pipe.receive(deadline)
        except PipeClosedError:
            raise self._broken() from None
        except NotAMessageError as error:
            raise self._broken(f"does not speak the DevTools protocol: it sends {str(error)!r}", HINT) from None
        if (number := message.get("id")) is not None:
            if number in self._awaited:
                self._answers[number] = message
            return
        page = self._pages.get(str(message.get("sessionId", message.get("params", {}).get("sessionId", ""))))
        if page is not None:
            page.handle(str(message.get("method", "")), message.get("params", {}))

    def forget(self, session: str) -> None:
        """Events of a page that is closed are for nobody."""
        self._pages.pop(session, None)

    @property
    def name(self) -> str:
        return f"the browser {self.executable}"

    def _demand_running(self) -> BrowserProcess:
        if self._process is None or self.ended:
            raise BrowserError(f"{self.name} is not running")
        return self._process

    def _broken(self, fault: str = "", hint: str = HINT) -> BrowserError:
        """End the browser; the error that says why."""
        self.ended = True
        summary = self._process.end(at_once=bool(fault)) if self._process else ""
        self._stack.close()
        return BrowserError(f"{self.name} {fault}" if fault else f"{self.name} is gone: {summary}", hint=hint)
