"""Readings of the heap: settled ones, at known numbers of requests."""

from __future__ import annotations

import pytest
from camrig.probe.agent import Heap
from camrig.probe.heap_series import drained, heap_series, heap_series_until_level


def readings(*values):
    left = list(values)
    return lambda: Heap(1000 - left[0], left.pop(0) if len(left) > 1 else left[0], None)


def test_a_reading_counts_once_the_next_agrees():
    assert drained(readings(50, 40, 30, 30, 20)).alloc == 30


def test_a_heap_that_never_rests_gives_the_lowest_of_a_few():
    values = [104, 103, 105, 106, 107, 90]
    assert drained(readings(*values), pause=0.0).alloc == 103


def test_connections_that_linger_are_waited_for():
    others = [5, 3, 1, 1]
    seen = []

    def heap() -> Heap:
        seen.append(others.pop(0))
        return Heap(900, 100 * seen[-1], None, seen[-1])

    assert drained(heap, pause=0.0).alloc == 100
    assert seen == [5, 3, 1, 1]


def test_a_slow_board_takes_no_more_series_than_it_must():
    done = []
    heap = lambda: Heap(0, 100 * len(done), None)  # noqa: E731
    found = heap_series_until_level(lambda: done.append(1), heap, 5, 10, 2, 8, seconds=0.0)
    assert len(found) == 2


def test_pairs_of_requests_and_bytes():
    done = []
    series = heap_series(lambda: done.append(1), lambda: Heap(0, 100 + 16 * len(done), None), every=5, total=12)
    assert series == [(0, 100), (5, 180), (10, 260)]
    assert len(done) == 12


@pytest.mark.parametrize(
    ("alive", "series"),
    [(lambda n: 100, 2), (lambda n: 100 + 20 * (n > 15), 3), (lambda n: 100 + 30 * (n > 2), 4), (lambda n: n, 8)],
)
def test_more_series_are_taken_while_the_heap_rises(alive, series):
    done = []
    found = heap_series_until_level(
        lambda: done.append(1), lambda: Heap(0, alive(len(done)), None), every=5, each=10, least=2, most=8
    )
    assert len(found) == series
    assert len(done) == 10 * series
    assert [place for place, _ in found[-1]] == [0, 5, 10]
