"""Several clients at once: their latencies and errors."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from camrig.deadline import Deadline
from camrig.probe.client import LostExchangeError, exchange

SECONDS_PER_EXCHANGE = 10.0


@dataclass(frozen=True)
class LoadResult:
    """What ``concurrency`` clients saw: milliseconds of each whole exchange, and the number of errors by cause.

    Causes are those of LostExchangeError, and ``status`` for a response with a status of 500 or more.
    """

    concurrency: int
    latencies: tuple[float, ...]
    errors: dict[str, int] = field(default_factory=dict)
    unsent: int = 0  # requests for which there was no time left

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
) -> LoadResult:
    """Run ``concurrency`` clients that each send ``each`` requests, one after the other, in turn from ``requests``.

    All start together; none starts another request after ``seconds``. Each exchange may take ``timeout`` seconds.
    """
    until = Deadline.after(seconds)
    together = threading.Barrier(concurrency)
    lock = threading.Lock()
    latencies: list[float] = []
    errors: Counter[str] = Counter()

    def client(first: int) -> None:
        together.wait(seconds)
        for i in range(each):
            if until.passed:
                return
            cause, ms = _exchange(address, requests[(first + i) % len(requests)], timeout)
            with lock:
                if cause:
                    errors[cause] += 1
                else:
                    latencies.append(ms)

    clients = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(concurrency)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(seconds + timeout)
    with lock:
        unsent = concurrency * each - len(latencies) - errors.total()
        return LoadResult(concurrency, tuple(latencies), dict(errors), unsent)


def _exchange(address: tuple[str, int], request: bytes, seconds: float) -> tuple[str, float]:
    try:
        response = exchange(*address, request, seconds)
    except LostExchangeError as error:
        return error.cause, 0.0
    return ("status" if response.status >= 500 else ""), response.phases.total
