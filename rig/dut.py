"""The device under test: a booted board, its serial line and its HTTP server in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from rig.board.console import Crashed, Event, Prompt, Restarted, Serving, Traceback, WifiFailed
from rig.board.identity import Identity
from rig.board.session import Console, Session
from rig.deadline import Deadline
from rig.errors import Blocked, BoardReset, BootError, CamrigError, DeployError, ServerSilent, WifiError
from rig.probe.agent import Agent, Heap
from rig.probe.client import NoExchange, Response, exchange, request_bytes

CONSOLE_LINES = 20  # of the console, shown beside an error
BOOTS = 3  # restarts before the application serves that make a boot loop
SECONDS_PER_EXCHANGE = 15.0
SECONDS_TO_ANSWER = 5.0  # at least, from the ready line to the first whole exchange

_WIFI_CAUSES: dict[str, tuple[str, str]] = {
    "no-such-network": (
        "does not find the Wi-Fi network {ssid!r}",
        "check its name, band (2.4 GHz) and range",
    ),
    "wrong-password": ("was refused by the Wi-Fi network {ssid!r}: wrong password", "check CAMRIG_WIFI_PASSWORD"),
    "timeout": ("got no address from the Wi-Fi network {ssid!r} in time", "check the range and the DHCP server"),
    "not-configured": (
        "has no Wi-Fi settings",
        "set CAMRIG_WIFI_SSID and CAMRIG_WIFI_PASSWORD, or write camrig.wifi.toml",
    ),
}


class Dut:
    """A board that serves at ``url``. Not the test's to close: the rig that booted it does that."""

    def __init__(self, session: Session, identity: Identity, url: str, token: str) -> None:
        self.session = session
        self.identity = identity
        self.url = url
        self.agent = Agent(self.request, token)
        self._quiet_since = len(session.console.events)

    @property
    def console(self) -> Console:
        return self.session.console

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or 80

    def policy(self, **changes: Any) -> dict[str, Any]:
        """Set attributes of the live CORS object, for instance ``allowed_origins=[...]``; returns the policy."""
        return self.agent.policy(**changes)

    def heap(self) -> Heap:
        """Both heaps after a collection, in bytes."""
        return self.agent.heap()

    def request(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Response:
        """One timed exchange on a connection of its own.

        Raises BoardReset when the board restarted meanwhile, ServerSilent when nothing whole came back.
        """
        host, port = self.address
        raw = request_bytes(method, target, f"{host}:{port}", headers, body)
        try:
            return exchange(host, port, raw, SECONDS_PER_EXCHANGE)
        except NoExchange as error:
            raise self._unanswered(f"{method} {target}", error) from None

    def _unanswered(self, request: str, error: NoExchange) -> Blocked:
        name, details = self.session.name, self.console.text(lines=CONSOLE_LINES)
        for event in self.console.events[self._quiet_since :]:
            if isinstance(event, (Restarted, Crashed)):
                cause = event.cause if isinstance(event, Restarted) else event.line
                return BoardReset(
                    f"the board restarted while the tests ran ({cause})",
                    board=name,
                    next="check its power supply, and the console below",
                    details=details,
                )
        return ServerSilent(
            f"{request} got no answer ({error})", board=name, next="see the console of the board", details=details
        )


def boot(
    session: Session,
    identity: Identity,
    *,
    token: str | None,
    ssid: str,
    url: str | None,
    seconds: float,
    expect_cors: str | None,
    step: Callable[[str], Any],
) -> Dut:
    """Restart the board, read its console until it says where it serves, and prove it by a full exchange.

    ``token`` is the agent's, None where there is none and any HTTP answer will do; ``url`` overrides the address
    that the board gives; ``expect_cors`` is the file that the library must have been imported from; ``step(name)``
    is a context manager around each part. Raises WifiError, BootError, ServerSilent, DeployError, or AgentError.
    """
    until = Deadline.after(seconds)
    mark, seen = session.console.mark(), len(session.console.events)
    try:
        with step("reset"):
            session.restart()
        with step("console") as note:
            told = _serving(session, seen, until, ssid)
            note(told)
        with step("ready") as note:
            dut = Dut(session, identity, url or told, token or "")
            about = _answering(dut, token is not None, Deadline.after(max(until.left, SECONDS_TO_ANSWER)))
            note(dut.url)
    except CamrigError as error:
        error.details = error.details or session.console.text(since=mark, lines=CONSOLE_LINES)
        raise error.on(session.name) from None
    imported = str(about.get("cors_file")).lstrip("/")
    if token is not None and expect_cors is not None and imported != expect_cors.lstrip("/"):
        raise DeployError(
            f"the board imported microdot.cors from {imported!r}, not from what was deployed",
            board=session.name,
            next="the firmware has a frozen copy, or another file hides it: remove that one",
        )
    return dut


def _serving(session: Session, seen: int, until: Deadline, ssid: str) -> str:
    """The URL that the application prints, or what kept it from printing one."""
    tracebacks: list[Traceback] = []
    restarts = 0

    def verdict(event: Event) -> str | None:
        nonlocal restarts
        if isinstance(event, Serving):
            return event.url
        if isinstance(event, WifiFailed):
            raise _wifi_error(event.reason, ssid)
        if isinstance(event, Crashed):
            raise BootError(f"the firmware crashed while booting: {event.line}", next="check power and firmware")
        if isinstance(event, Traceback):
            tracebacks.append(event)
        if isinstance(event, Restarted):
            restarts += 1
            if restarts > BOOTS:
                raise BootError(
                    f"the board restarts over and over ({event.cause})", next="check its power supply and boot.py"
                )
        if isinstance(event, Prompt):
            if tracebacks:
                raise BootError(
                    f"main.py raised at boot: {tracebacks[-1].error}", next="mend it; the traceback is below"
                )
            raise BootError(
                "main.py ended without serving",
                next="it has to print 'serving http://ADDRESS:PORT' and go on running",
            )
        return None

    found = session.console.wait(verdict, seen, until)
    if found is None:
        last = f"; the last exception was {tracebacks[-1].error}" if tracebacks else ""
        raise BootError(
            f"did not say within {until.seconds:g} s where it serves{last}",
            next="see the console below, or allow more time with --hil-boot-timeout",
        )
    return found


def _wifi_error(reason: str, ssid: str) -> WifiError:
    what, then = _WIFI_CAUSES.get(
        reason, ("was refused by the Wi-Fi network {ssid!r}: " + reason, "check the network")
    )
    return WifiError(what.format(ssid=ssid), next=then)


def _answering(dut: Dut, agent: bool, until: Deadline) -> dict[str, Any]:
    """The first answer, the agent's where there is one. A refused or cut exchange is tried again meanwhile."""
    patient = dut.session.console
    while True:
        try:
            if agent:
                return dut.agent.about()
            return {"status": dut.request("GET", "/api/status").status}
        except ServerSilent as error:
            if until.passed or patient.broken:
                raise ServerSilent(
                    f"the board says that it serves, but {dut.url} does not answer: {error.what}",
                    next="check that this host reaches that address, or give a forwarded one with --hil-url",
                ) from None
        # Give the server the time in which a refused connection costs the host nothing.
        patient.wait(lambda event: None, len(patient.events), until.sooner(0.2))
