"""How the heap stands after more and more requests: the points through which a leak's slope is laid."""

from __future__ import annotations

import time
from collections.abc import Callable

from camrig.deadline import Deadline
from camrig.probe.agent import Heap

READINGS = 5
PAUSE = 0.02  # seconds
LONGEST_PAUSE = 0.5
GOES_ON = 0.75  # bytes per request, below any leak that is worth a limit
SECONDS_TO_CLOSE = 25.0  # a server's patience with a client that went without a word, and a slow network's


def drained(heap: Callable[[], Heap], pause: float = PAUSE) -> Heap:
    """The heap once the server has no other connection and two readings in a row agree, or the lowest of a few.

    A forward or a slow network holds a connection for a while after its client has left, and a conservative
    collector may take a stale word on the stack for a pointer once. Only a few, because each reading is a request
    too and costs where requests leak.
    """
    until, wait = Deadline.after(SECONDS_TO_CLOSE), pause
    found = heap()
    while (found.connections or 0) > 1 and not until.passed:
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_PAUSE)
        found = heap()
    seen = [found]
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


def heap_series_until_level(
    request: Callable[[], object],
    heap: Callable[[], Heap],
    every: int,
    each: int,
    least: int,
    most: int,
    seconds: float = 300.0,
) -> list[list[tuple[int, int]]]:
    """Series of ``each`` requests, one after the other: ``least`` of them, and up to ``most`` while the heap rises.

    None beyond the least is begun after so many ``seconds``: on a slow board a few must do.

    What is taken once, as by a table that grows to its size, fades among further requests, and what is taken again
    and again does not. It rises while all series together gained more than ``GOES_ON``.
    """
    found: list[list[tuple[int, int]]] = []
    until = Deadline.after(seconds)
    while len(found) < most:
        found.append(heap_series(request, heap, every, each))
        gained = sum(series[-1][1] - series[0][1] for series in found)
        if len(found) >= least and (until.passed or gained <= GOES_ON * each * len(found)):
            break
    return found
