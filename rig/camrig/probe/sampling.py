"""Batches of timed exchanges with the board: requests under test beside controls, on one network at one time.

One round has an exchange of each kind. A seeded generator draws the order within a round, so that no kind always
follows the same other one; the order is kept with the samples.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from camrig.deadline import Deadline
from camrig.errors import ServerSilentError
from camrig.probe.agent import ECHO, Radio, Send
from camrig.probe.client import TIMING_HEADER, LostExchangeError, Phases, connect, lost_exchange, wait_until
from camrig.probe.preflight import browser_preflight_headers, preflight_headers

PREFLIGHT, ACTUAL, TCP_ECHO, WITHOUT_CORS, SHORT_PREFLIGHT = KINDS = (
    "preflight",
    "actual",
    "control.echo",
    "control.without_cors",
    "preflight_short",
)
SHORT_ROUNDS = 3  # of a batch, its first: a short preflight only stands beside the other, and is not judged
ECHO_WORD = b"camrig tcp echo\n"


@dataclass(frozen=True)
class Sample:
    """One exchange. ``number`` counts all exchanges of a sampler from 0; ``status`` is 0 for the TCP echo."""

    kind: str
    number: int
    status: int
    phases: Phases


@dataclass(frozen=True)
class ExchangeBatch:
    """Consecutive rounds, and how well the board received its access point right after them."""

    number: int
    samples: tuple[Sample, ...]
    radio: Radio | None

    def phases(self, kind: str) -> list[Phases]:
        """The batch's samples of one kind, in the order taken."""
        return [sample.phases for sample in self.samples if sample.kind == kind]


@dataclass(frozen=True)
class RequestUnderTest:
    """The request to be measured, as a page at ``origin`` makes it."""

    origin: str
    path: str = "/api/status"
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: bytes = b""

    def message(self, kind: str) -> tuple[str, str, list[tuple[str, str]], bytes]:
        """Method, target, headers and body of the exchange of ``kind``. A preflight has the headers of a browser,
        ``SHORT_PREFLIGHT`` those of the Fetch standard alone."""
        if kind == ACTUAL:
            headers = [("Origin", self.origin), *((name, "1") for name in self.headers)]
            return self.method, self.path, headers, self.body
        headers_of = preflight_headers if kind == SHORT_PREFLIGHT else browser_preflight_headers
        headers = headers_of(self.origin, self.method, self.headers)
        return "OPTIONS", ECHO if kind == WITHOUT_CORS else self.path, headers, b""


class Sampler:
    """Takes batches through ``send(method, target, headers, body)``, and through ``echo()`` if given.

    ``radio()`` is called after each batch. What ``send`` and ``echo`` raise ends the batch: a board that does not
    answer gives no samples.
    """

    def __init__(
        self,
        send: Send,
        request: RequestUnderTest,
        *,
        echo: Callable[[], Phases] | None = None,
        radio: Callable[[], Radio] | None = None,
        seed: int = 0,
    ) -> None:
        self.kinds = tuple(kind for kind in KINDS if kind != TCP_ECHO or echo is not None)
        self.seed = seed
        self._send = send
        self._request = request
        self._echo = echo
        self._radio = radio
        self._order = random.Random(seed)
        self._taken = 0
        self._batches = 0

    def warm_up(self, rounds: int) -> None:
        """Rounds that are not recorded: first imports, caches, ARP."""
        for _ in range(rounds):
            for kind in self.kinds:
                self._take(kind)

    def batch(self, rounds: int) -> ExchangeBatch:
        """The next batch, with one exchange of each kind per round, but for the short preflight."""
        samples = []
        later = tuple(kind for kind in self.kinds if kind != SHORT_PREFLIGHT)
        for number in range(rounds):
            kinds = self.kinds if number < SHORT_ROUNDS else later
            for kind in self._order.sample(kinds, len(kinds)):
                status, phases = self._take(kind)
                samples.append(Sample(kind, self._taken, status, phases))
                self._taken += 1
        self._batches += 1
        return ExchangeBatch(self._batches - 1, tuple(samples), self._radio() if self._radio else None)

    def batches(self, count: int, rounds: int) -> Iterator[ExchangeBatch]:
        """Yield ``count`` batches, each taken when it is requested."""
        for _ in range(count):
            yield self.batch(rounds)

    def _take(self, kind: str) -> tuple[int, Phases]:
        if kind == TCP_ECHO:
            assert self._echo is not None
            return 0, self._echo()
        method, target, headers, body = self._request.message(kind)
        response = self._send(method, target, [*headers, TIMING_HEADER], body)
        return response.status, response.phases


def order(batches: Iterable[ExchangeBatch]) -> list[str]:
    """The kinds in the order in which they were taken."""
    return [sample.kind for batch in batches for sample in batch.samples]


def tcp_echo(host: str, port: int, seconds: float = 10.0) -> Phases:
    """One word to the board's TCP echo and back within ``seconds``, on a new connection, timed as an exchange is.

    Raises LostExchangeError.
    """
    until = Deadline.after(seconds)
    echoed = bytearray()
    first_byte = None
    try:
        connection, start = connect(host, port, until)
        with connection:
            connected = time.perf_counter_ns()
            connection.sendall(ECHO_WORD)
            while len(echoed) <= len(ECHO_WORD):
                wait_until(connection, until)
                if not (chunk := connection.recv(1024)):
                    break
                first_byte = first_byte or time.perf_counter_ns()
                echoed += chunk
    except OSError as error:
        raise lost_exchange(host, port, error, until) from None
    end = time.perf_counter_ns()
    if echoed != ECHO_WORD or first_byte is None:
        raise LostExchangeError(f"{host}:{port} does not send back what it receives", "malformed")
    return Phases((connected - start) / 1e6, (first_byte - start) / 1e6, (end - start) / 1e6)


def reachable_echo(host: str, port: int | None, seconds: float = 2.0) -> Callable[[], Phases] | None:
    """The TCP echo as a control; None if this host cannot reach it, as behind a forward of the HTTP port alone."""
    if port is None:
        return None
    try:
        tcp_echo(host, port, seconds)
    except LostExchangeError:
        return None

    def echo() -> Phases:
        try:
            return tcp_echo(host, port)
        except LostExchangeError as error:
            raise ServerSilentError(
                f"the board's TCP echo stopped answering ({error})", hint="check the network"
            ) from None

    return echo
