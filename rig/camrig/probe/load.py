"""Several clients at once: latencies and errors of each level of concurrency."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from camrig.deadline import Deadline
from camrig.probe.client import LostExchangeError, exchange

SECONDS_PER_EXCHANGE = 10.0


@dataclass(frozen=True)
class Level:
    """What ``concurrency`` clients saw: milliseconds of each whole exchange, and the errors by kind.

    Kinds are those of LostExchangeError, and ``status`` for a response that says the server failed (500 and above).
    """

    concurrency: int
    latencies: tuple[float, ...]
    errors: dict[str, int] = field(default_factory=dict)
    unsent: int = 0  # requests for which no time was left

    @property
    def failed(self) -> int:
        return sum(self.errors.values())


def load(
    address: tuple[str, int],
    requests: Sequence[bytes],
    concurrency: int,
    each: int,
    seconds: float = 60.0,
    patience: float = SECONDS_PER_EXCHANGE,
) -> Level:
    """``concurrency`` clients that each send ``each`` requests one after the other, taken in turn from ``requests``.

    All start together; none starts another request once ``seconds`` have passed. Each is given ``patience`` seconds.
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
            kind, ms = _one(address, requests[(first + i) % len(requests)], patience)
            with lock:
                if kind:
                    errors[kind] += 1
                else:
                    latencies.append(ms)

    clients = [threading.Thread(target=client, args=(i,), daemon=True) for i in range(concurrency)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join(seconds + patience)
    with lock:
        unsent = concurrency * each - len(latencies) - errors.total()
        return Level(concurrency, tuple(latencies), dict(errors), unsent)


def _one(address: tuple[str, int], request: bytes, seconds: float) -> tuple[str, float]:
    try:
        response = exchange(*address, request, seconds)
    except LostExchangeError as error:
        return error.kind, 0.0
    return ("status" if response.status >= 500 else ""), response.phases.total
