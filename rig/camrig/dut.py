"""The device under test: a booted board, its serial line and its HTTP server in one place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any, TypeVar
from urllib.parse import urlsplit

from camrig.board.boot_listener import BootListener, crashed_while_booting
from camrig.board.console import Console
from camrig.board.crash import Crash, CrashMonitor
from camrig.board.crash_error import CONSOLE_LINES, crash_error, is_applications_own
from camrig.board.events import AgentOff, Crashed
from camrig.board.identity import Identity
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import (
    AgentError,
    AnswerLostError,
    CamrigError,
    ExpectationError,
    NotAvailableError,
    ServerSilentError,
)
from camrig.measure.losses import CONTROL, REQUEST, ExchangeCounts, is_open
from camrig.probe.agent import ECHO, Agent, Heap, exchange_kind, is_repeatable
from camrig.probe.attached_agent import agent_off, check_library
from camrig.probe.client import LostExchangeError, Response, exchange, request_bytes
from camrig.probe.connections import Connections
from camrig.probe.lost_exchanges import SECONDS_PER_EXCHANGE, ExchangeRetry
from camrig.redaction import shortened

SECONDS_FOR_LAST_WORDS = 0.5  # from the end of a connection until the console says why, if it does
SECONDS_FOR_PROOF = 3.0  # for a board that is said to have crashed to show that it has not
SECONDS_TO_ANSWER = 5.0  # at least, from the ready line to the first whole exchange

T = TypeVar("T")


@dataclass(frozen=True)
class Start:
    """How an application is started and known to be up.

    ``token`` is the agent's, None where there is none and any HTTP answer will do; ``url`` overrides the address
    that the board gives; ``expect_cors`` is the file that the library must have been imported from; ``step(name)``
    is a context manager around each part. ``ready`` is for an application that does not serve: see BootListener.
    """

    token: str | None
    ssid: str
    url: str | None
    seconds: float
    expect_cors: str | None
    step: Callable[[str], Any]
    ready: re.Pattern[str] | None = None


class Dut:
    """A board that serves at ``url``. Not the test's to close: the rig that booted it does that."""

    def __init__(self, session: Session, identity: Identity, start: Start) -> None:
        self.session = session
        self.identity = identity
        self.server_url = ""  # where the application serves; empty for one that does not
        self._agent = Agent(self.request, start.token or "")
        self.connections = Connections()
        self.crash_monitor = CrashMonitor(session.console, self.connections.cut, self._still_serves)
        self._boot_id: str | None = None
        self._boot_mark = 0  # in the console, where the last boot began
        self._served_at = ""  # as the board knows it
        self.exchanges = ExchangeCounts()
        self._retry = ExchangeRetry(self.exchanges, self._control)
        self._lost_requests: dict[bytes, tuple[str, Callable[[float], Response]]] = {}  # since the board booted
        self._kind = REQUEST
        self._serves = False
        self._broken: CamrigError | None = None
        self._last_words = Deadline.after(0)
        self._is_starting = True
        self._start = start

    @property
    def console(self) -> Console:
        return self.session.console

    @property
    def url(self) -> str:
        """Where the application serves. Raises NotAvailableError for one that does not."""
        if not self.server_url:
            raise NotAvailableError(
                "the application has no server that is known",
                board=self.session.name,
                hint="it has to print 'serving http://ADDRESS:PORT', or name its address with --hil-url",
            )
        return self.server_url

    @property
    def agent(self) -> Agent:
        """The rig's agent in the application. Raises NotAvailableError for an application that cannot have one."""
        if self._start.token is None:
            raise NotAvailableError(
                "the application does not import Microdot, so no agent tells its policy, heap and times on the board",
                board=self.session.name,
                hint="test it from outside: http, preflight, dut.request, dut.console",
            )
        return self._agent

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    @property
    def forwarded(self) -> bool:
        """Whether its server is reached elsewhere than where the board says: of its other ports nothing is known."""
        return self._start.url is not None

    def policy(self, *, in_place: bool = False, **changes: Any) -> dict[str, Any]:
        """Set attributes of the live CORS object, for instance ``allowed_origins=[...]``; returns the policy.

        ``in_place``: change the lists that it has.
        """
        return self.agent.policy(in_place=in_place, **changes)

    def heap(self) -> Heap:
        """Both heaps after a collection, in bytes."""
        return self.agent.heap()

    def request(
        self,
        method: str,
        target: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        repeat: bool | None = None,
        seconds: float = 0.0,
    ) -> Response:
        """One timed exchange on a connection of its own.

        A lost exchange is repeated beside requests without CORS if its method is safe, or with ``repeat=True``. With
        ``repeat=False`` the loss is expected: it counts for nothing, and raises ServerSilentError. It may take
        ``seconds`` if that is longer than usual.

        A board that goes down meanwhile ends it at once. Raises BoardCrashedError when what runs on the board did
        that, AnswerLostError when only this request gets no answer, PowerLostError or PortError for power and cable,
        ServerSilentError when no whole response came back for any other reason.
        """
        self._check_usable()
        host, port = self.address
        headers = list(headers)
        raw = request_bytes(method, target, f"{host}:{port}", headers, body)

        def send(usual: float) -> Response:
            return exchange(host, port, raw, max(usual, seconds), self.connections)

        name, kind = shortened(f"{method} {target}"), exchange_kind(target, headers) or self._kind
        repeatable = is_repeatable(method, target) if repeat is None else repeat
        if repeat is False or not self._serves or self.console.attended:
            return self._expect_loss(name, send)
        losses = self.exchanges.count([kind]).lost
        try:
            return self.repeat_lost(name, send, kind=kind, repeatable=repeatable, key=raw)
        finally:
            if repeatable and kind != CONTROL and self.exchanges.count([kind]).lost > losses:
                self._lost_requests[raw] = kind, send

    def repeat_lost(
        self, name: str, send: Callable[[float], T], *, kind: str = "", repeatable: bool = True, key: Any = None
    ) -> T:
        """The result of ``send(seconds)``, some exchange of a test's own, repeated while it raises LostExchangeError.

        ``name`` says what it is, for messages. Raises as ``request`` does.
        """
        self._check_usable()
        check_board = partial(self._check_board, self.console.seen)
        try:
            return self._retry(name, kind or self._kind, send, check_board, repeatable, key)
        except (AnswerLostError, ServerSilentError) as error:
            raise error.amended(
                board=self.session.name,
                details=error.details or self.console.excerpt(CONSOLE_LINES, since=self._boot_mark),
            ) from None

    def count_requests_as(self, kind: str) -> None:
        """Count requests from now on as ``kind``, such as the name of the library that is loaded."""
        self._kind = kind

    def examine_losses(self, seconds: float, kind: str = REQUEST, controls: Iterable[str] = (CONTROL,)) -> None:
        """Send lost requests again, in turns with controls, while their excess is plausible and not certain."""
        until, controls = Deadline.after(seconds), tuple(controls)
        for lost_kind, send in cycle(list(self._lost_requests.values())):
            counts = self.exchanges.count([kind]), self.exchanges.count(controls)
            if not is_open(*counts) or until.passed:
                return
            self._retry.once(lost_kind, send)
            if not self._retry.ask_control() and self.crash_monitor.crash is not None:
                return

    def _first_answer(self) -> dict[str, Any]:
        if self._start.token is not None:
            return self.agent.about()
        return {"status": self.request("GET", "/api/status").status}

    def _check_firmware(self, seen: int) -> None:
        """Raise BootError if the firmware crashed after event number ``seen``."""
        if crash := next((event for event in self.console.since(seen) if isinstance(event, Crashed)), None):
            raise crashed_while_booting(crash)

    def _why_down(self, seconds: float) -> CamrigError | None:
        """Why the application prints nothing any more, known within ``seconds``; None if it runs."""
        if self.session.transport.in_raw_repl and not self._is_starting:
            return ExpectationError(
                "the application was ended by board.exec or board.eval of this test",
                board=self.session.name,
                hint="use dut in a test of its own: the next test starts the application again",
            )
        crash = self.crash_monitor.wait(seconds)
        return self.down(crash) if crash is not None else None

    def _check_usable(self) -> None:
        if self._broken is not None:
            raise self._broken
        if (error := self._why_down(0)) is not None:
            raise error

    def _check_board(self, seen: int, name: str) -> None:
        """Raise what the console says, after event number ``seen``, of why the request ``name`` got no answer."""
        # Where the network stack dies first, the console is a moment behind.
        if (error := self._why_down(SECONDS_FOR_LAST_WORDS)) is not None:
            raise error
        for event in self.console.since(seen):
            if is_applications_own(event):
                where = event.where or "at an unknown place"
                raise AnswerLostError(
                    f"{name} got no answer: the application raised {event.error} ({where})",
                    hint="see the console of the board",
                )

    def _expect_loss(self, name: str, send: Callable[[float], Response]) -> Response:
        try:
            return send(SECONDS_PER_EXCHANGE)
        except LostExchangeError as error:
            # Where the network stack dies first, the console is a moment behind.
            if not self.console.attended and (down := self._why_down(SECONDS_FOR_LAST_WORDS)) is not None:
                raise down from None
            raise ServerSilentError(
                f"{name} got no answer ({error})",
                board=self.session.name,
                hint="see the console of the board",
                details=self.console.excerpt(CONSOLE_LINES, since=self._boot_mark),
            ) from None

    def _control(self, seconds: float) -> Response:
        """Any answer to a request that the agent answers without CORS; without an agent, to any other request."""
        host, port = self.address
        return exchange(host, port, request_bytes("GET", ECHO, f"{host}:{port}", []), seconds, self.connections)

    def give_up(self, error: CamrigError) -> None:
        """No recovery brought the board back: every request raises ``error`` from now on."""
        self._broken = error

    def answers(self, seconds: float = 3.0) -> bool:
        """Whether the server answers anything at all to a new connection."""
        try:
            self._control(seconds)
        except LostExchangeError:
            return False
        return True

    def _still_serves(self) -> bool:
        """Whether the boot that the agent reported last is still the one that answers."""

        def send(method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
            host, port = self.address
            raw = request_bytes(method, target, f"{host}:{port}", headers, body)
            return exchange(host, port, raw, SECONDS_FOR_PROOF)

        if self._boot_id is None:
            return False
        try:
            return Agent(send, self._start.token or "").about().get("boot_id") == self._boot_id
        except (LostExchangeError, AgentError):
            return False

    def down(self, crash: Crash) -> CamrigError:
        """The error that a crash is."""
        return crash_error(crash, self.console, self.session.name, since=self._boot_mark)

    @contextmanager
    def restart_expected(self) -> Iterator[None]:
        """A test that makes the application restart, or stop, does so within this context; it boots again at its end.

        Raises as ``boot`` does.
        """
        self.console.attend()
        self._is_starting = True
        try:
            yield
        finally:
            self.session.repl()
            self.boot()

    def boot(self) -> None:
        """Restart the board, which must be in the raw REPL, wait for its console to say where it serves, and prove
        it by a full exchange.

        Raises WifiError, BootError, ServerSilentError, DeployError, or AgentError.
        """
        console, start = self.console, self._start
        until = Deadline.after(start.seconds)
        mark, seen = console.mark(), console.seen
        self._boot_mark = mark
        self.connections.restore()
        self.crash_monitor.forget()
        self._serves, self._is_starting = False, True
        self._lost_requests.clear()
        listener = BootListener(self.session, start.ssid, start.ready, serves=start.token is not None)
        try:
            with start.step("reset"):
                seen = self.session.restart()
            with start.step("console") as note:
                url = self._served_at = listener.wait(seen, until)
                note(f"{start.ready.pattern} is printed" if start.ready and not url else url)
            self.server_url, about = start.url or url, {}
            if self.server_url:
                with start.step("ready") as note:
                    about = self._answering(Deadline.after(max(until.left, SECONDS_TO_ANSWER)), seen)
                    note(self.server_url)
        except CamrigError as error:
            if isinstance(error, AgentError):
                off = (agent_off(event.reason) for event in console.since(seen) if isinstance(event, AgentOff))
                error = next(off, error)
            raise error.amended(
                what=console.hide(error.what),  # it may quote the board
                details=error.details or console.excerpt(CONSOLE_LINES, since=mark),
                board=self.session.name,
            ) from None
        self._check_firmware(seen)
        self._boot_id = about.get("boot_id")
        if start.token is not None and start.expect_cors is not None:
            check_library(about, start.expect_cors, self.session.name)
        self.crash_monitor.start(self._served_at, seen)
        self._last_words = Deadline.after(SECONDS_FOR_LAST_WORDS)
        console.start_application(mark, self._why_down)
        self._serves, self._is_starting = bool(self.server_url), False

    def hear_out(self) -> None:
        """Wait for the last words of an application that ended right behind its ready line, and does not serve."""
        if not self.server_url and not self.console.attended:
            self.crash_monitor.wait(self._last_words.left)

    def _answering(self, until: Deadline, seen: int) -> dict[str, Any]:
        """The first answer, the agent's where there is one. A refused or cut exchange is tried again meanwhile.

        Raises BootError if the firmware crashes meanwhile, after event number ``seen``.
        """
        console = self.console
        while True:
            try:
                return self._first_answer()
            except ServerSilentError as error:
                self._check_firmware(seen)
                if until.passed or console.broken:
                    raise ServerSilentError(
                        f"the board says that it serves, but {self.server_url} does not answer: {error.what}",
                        hint="check that this host reaches that address, or give a forwarded one with --hil-url",
                    ) from None
            # Give the server the time in which a refused connection costs the host nothing.
            console.wait(lambda event: None, console.seen, until.sooner(0.2))
