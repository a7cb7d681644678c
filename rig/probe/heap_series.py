"""How the heap stands after more and more requests: the points through which a leak's slope is laid."""

from __future__ import annotations

import time
from collections.abc import Callable

from rig.probe.agent import Heap

READINGS = 5
PAUSE = 0.02  # seconds


def drained(heap: Callable[[], Heap], pause: float = PAUSE) -> Heap:
    """The heap once two readings in a row agree, or the lowest of a few.

    A server may still be closing its last connections, and a conservative collector may take a stale word on the
    stack for a pointer once. Only a few, because each reading is a request too and costs where requests leak.
    """
    seen = [heap()]
    while len(seen) < READINGS:
        seen.append(heap())
        if seen[-1].alloc == seen[-2].alloc:
            break
        time.sleep(pause)
    return min(seen, key=lambda found: found.alloc)


def heap_series(
    request: Callable[[], object], heap: Callable[[], Heap], every: int, total: int
) -> list[tuple[int, int]]:
    """Pairs (requests so far, bytes alive) at 0 and after each ``every`` requests up to ``total``, collector on."""
    points = [(0, drained(heap).alloc)]
    for done in range(1, total + 1):
        request()
        if done % every == 0:
            points.append((done, drained(heap).alloc))
    return points
