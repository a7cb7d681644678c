"""Several clients at once: their latencies and errors."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from camrig.deadline import Deadline
from camrig.measure.losses import CONTROL, REQUEST, ExchangeCounts, LossCount, is_open
from camrig.probe.client import LostExchangeError, Response, exchange

SECONDS_PER_EXCHANGE = 10.0
ROUNDS = 6  # of requests and controls, while it is open whether more requests are lost


@dataclass(frozen=True)
class LoadResult:
    """What ``concurrency`` clients saw: milliseconds of each whole exchange, and the number of errors by cause.

    Causes are those of LostExchangeError, and ``status`` for a response with a status of 500 or more. ``wrong`` are
    the answers that a check did not accept, in its words; they are not errors.
    """

    concurrency: int
    latencies: tuple[float, ...]
    errors: dict[str, int] = field(default_factory=dict)
    unsent: int = 0  # requests for which there was no time left
    wrong: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


def run_load(
    address: tuple[str, int],
    requests: Sequence[bytes],
    concurrency: int,
    each: int,
    seconds: float = 60.0,
    timeout: float = SECONDS_PER_EXCHANGE,
    check: Callable[[bytes, Response], str] = lambda request, response: "",
    counts: ExchangeCounts | None = None,
    kind: str = REQUEST,
) -> LoadResult:
    """Run ``concurrency`` clients that each send ``each`` requests, one after the other, in turn from ``requests``.

    All start together; none starts another request after ``seconds``. Each exchange may take ``timeout`` seconds.
    ``check(request, response)`` says what is wrong with an answer; empty: nothing. ``counts`` counts the exchanges as
    ``kind``.
    """
    counts = counts or ExchangeCounts()
    until = Deadline.after(seconds)
    together = threading.Barrier(concurrency)
    lock = threading.Lock()
    latencies: list[float] = []
    errors: Counter[str] = Counter()
    wrong: list[str] = []

    def client(first: int) -> None:
        together.wait(seconds)
        for i in range(each):
            if until.passed:
                return
            request = requests[(first + i) % len(requests)]
            start = time.monotonic()
            response, cause = _exchange(address, request, timeout)
            if response is None:
                counts.lost(kind, cause, start, time.monotonic())
            else:
                counts.answered(kind)
            with lock:
                if response is None or cause:
                    errors[cause] += 1
                else:
                    latencies.append(response.phases.total)
                    wrong.extend(filter(None, [check(request, response)]))

    clients = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(concurrency)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(seconds + timeout)
    with lock:
        unsent = concurrency * each - len(latencies) - errors.total()
        return LoadResult(concurrency, tuple(latencies), dict(errors), unsent, tuple(wrong))


@dataclass(frozen=True)
class ComparedLoad:
    """The first load that was answered at all, and the losses of all rounds, of requests and of controls."""

    result: LoadResult
    requests: LossCount
    controls: LossCount


def run_beside_controls(
    load: Callable[[ExchangeCounts, str], LoadResult], control: Callable[[ExchangeCounts, str], LoadResult]
) -> ComparedLoad:
    """Run a load of requests and then one of controls: again while it is open whether more requests are lost.

    Both are called with where and as what to count their exchanges, as ``run_load`` takes them. A load without any
    answer is repeated too: the network may have been away.
    """
    counts = ExchangeCounts()
    answered: LoadResult | None = None
    for _ in range(ROUNDS):
        result = load(counts, REQUEST)
        answered = answered or (result if result.latencies else None)
        control(counts, CONTROL)
        losses = counts.count([REQUEST]), counts.count([CONTROL])
        if answered is not None and not is_open(*losses):
            break
    return ComparedLoad(answered or result, *losses)


def _exchange(address: tuple[str, int], request: bytes, seconds: float) -> tuple[Response | None, str]:
    try:
        response = exchange(*address, request, seconds)
    except LostExchangeError as error:
        return None, error.cause
    return response, "status" if response.status >= 500 else ""
