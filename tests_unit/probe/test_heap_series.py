"""Readings of the heap, each settled, after known numbers of requests."""

from __future__ import annotations

import pytest
from camrig.deadline import Deadline
from camrig.probe.agent import Heap
from camrig.probe.heap_series import heap_series, heap_series_until_level, series_until_level, settled_heap


def readings(*values):
    left = list(values)
    return lambda: Heap(1000 - left[0], left.pop(0) if len(left) > 1 else left[0], None)


def test_heap_is_settled_when_two_readings_agree():
    assert settled_heap(readings(50, 40, 30, 30, 20)).alloc == 30


def test_unsettled_heap_gives_the_lowest_of_five_readings():
    values = [104, 103, 105, 106, 107, 90]
    assert settled_heap(readings(*values), pause=0.0).alloc == 103


def test_waits_until_other_connections_are_closed():
    left = [5, 3, 1, 1]
    counts = []

    def heap() -> Heap:
        counts.append(left.pop(0))
        return Heap(900, 100 * counts[-1], None, counts[-1])

    assert settled_heap(heap, pause=0.0).alloc == 100
    assert counts == [5, 3, 1, 1]


def test_no_series_beyond_the_least_after_the_time_limit():
    done = []
    heap = lambda: Heap(0, 100 * len(done), None)  # noqa: E731
    all_series = heap_series_until_level(lambda: done.append(1), heap, 5, 10, 2, 8, seconds=0.0)
    assert len(all_series) == 2


def test_series_has_pairs_of_requests_and_bytes():
    done = []
    series = heap_series(lambda: done.append(1), lambda: Heap(0, 100 + 16 * len(done), None), every=5, total=12)
    assert series == [(0, 100), (5, 180), (10, 260)]
    assert len(done) == 12


@pytest.mark.parametrize(("entries", "series"), [(0, 1), (30, 1), (200, 2), (500, 5), (10_000, 6)])
def test_series_are_added_until_a_cache_has_filled(entries, series):
    done = []

    def take():
        points = [(x, 1000 + 64 * min(entries, len(done) + x)) for x in range(0, 321, 10)]
        done.extend(points[-1][0] * [None])
        return points

    until = Deadline.after(60.0)
    assert len(series_until_level(take, 1, 6, until)) == series


@pytest.mark.parametrize(
    ("alive", "series"),
    [(lambda n: 100, 2), (lambda n: 100 + 20 * (n > 15), 3), (lambda n: 100 + 30 * (n > 2), 4), (lambda n: n, 8)],
    ids=["flat", "late step", "early step", "leak"],
)
def test_series_are_added_while_the_heap_rises(alive, series):
    done = []
    all_series = heap_series_until_level(
        lambda: done.append(1), lambda: Heap(0, alive(len(done)), None), every=5, each=10, least=2, most=8
    )
    assert len(all_series) == series
    assert len(done) == 10 * series
    assert [place for place, _ in all_series[-1]] == [0, 5, 10]
