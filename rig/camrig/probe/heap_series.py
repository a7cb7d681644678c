"""The heap after growing numbers of requests: the points from which a leak's slope is computed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from camrig.deadline import Deadline
from camrig.measure.growth import lasting_rise
from camrig.probe.agent import Heap

READINGS = 5
PAUSE = 0.02  # seconds
MAX_PAUSE = 0.5
STILL_RISING = 0.75  # bytes per request, below any leak that is worth a limit
SECONDS_TO_CLOSE = 25.0  # a server's time-out for a client that vanished, and a slow network's

Series = list[tuple[int, int]]  # requests so far, bytes alive


def settled_heap(heap: Callable[[], Heap], pause: float = PAUSE) -> Heap:
    """The heap once the server has no other connection and two successive readings agree, or the lowest of a few.

    A forward or a slow network holds a connection for a while after its client has left, and a conservative collector
    may take a stale word on the stack for a pointer. Only a few readings, because each is a request too and adds to a
    leak.
    """
    until, wait = Deadline.after(SECONDS_TO_CLOSE), pause
    reading = heap()
    while (reading.connections or 0) > 1 and not until.passed:
        time.sleep(wait)
        wait = min(2 * wait, MAX_PAUSE)
        reading = heap()
    readings = [reading]
    while len(readings) < READINGS:
        readings.append(heap())
        if readings[-1].alloc == readings[-2].alloc:
            break
        time.sleep(pause)
    return min(readings, key=lambda reading: reading.alloc)


def heap_series(
    request: Callable[[], object], heap: Callable[[], Heap], every: int, total: int, pause: float = PAUSE
) -> Series:
    """Pairs (requests so far, bytes alive), at 0 and after every ``every`` requests up to ``total``."""
    points = [(0, settled_heap(heap, pause).alloc)]
    for done in range(1, total + 1):
        request()
        if done % every == 0:
            points.append((done, settled_heap(heap, pause).alloc))
    return points


def heap_series_until_level(
    request: Callable[[], object],
    heap: Callable[[], Heap],
    every: int,
    each: int,
    least: int,
    most: int,
    seconds: float = 300.0,
) -> list[Series]:
    """Consecutive series of ``each`` requests: ``least`` of them, and up to ``most`` while the heap rises.

    After ``seconds`` no series beyond the least is started: on a slow board a few must be enough.

    What is allocated once, such as a table that grows to its size, matters less with each further request; a leak
    does not.
    """
    take = partial(heap_series, request, heap, every, each)
    return series_until_level(take, least, most, Deadline.after(seconds))


def series_until_level(
    take: Callable[[], Series],
    least: int,
    most: int,
    until: Deadline,
    rises: Callable[[list[Series]], bool] | None = None,
) -> list[Series]:
    """Consecutive series, each taken by ``take``: ``least`` of them, and up to ``most`` while the heap ``rises``.

    By default the heap is level when all series together gained no more than ``STILL_RISING`` a request, or when
    they have points enough to show that it stopped rising (see ``lasting_rise``): a cache has filled.
    """
    all_series: list[Series] = []
    while len(all_series) < most:
        all_series.append(take())
        if len(all_series) >= least and (until.passed or not (rises or _rises)(all_series)):
            break
    return all_series


def _rises(all_series: Sequence[Series]) -> bool:
    gained = sum(series[-1][1] - series[0][1] for series in all_series)
    if gained <= STILL_RISING * sum(series[-1][0] - series[0][0] for series in all_series):
        return False
    return may_rise(all_series)


def may_rise(all_series: Sequence[Series]) -> bool:
    """Whether it is not certain that the heap does not rise: it does, or the readings vary, or there are few."""
    return lasting_rise(all_series).high > STILL_RISING
