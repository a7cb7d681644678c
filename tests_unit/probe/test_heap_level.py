"""A heap is watched until it is level; a leak never is, whatever its steps."""

from __future__ import annotations

import pytest
from camrig.measure.growth import lasting_rise
from camrig.probe.agent import Heap
from camrig.probe.heap_level import PATIENCE, HeapWatch, heap_until_level
from hypothesis import given, settings
from hypothesis import strategies as st

WARM_UP, EVERY, EACH, LEAST, MOST = 12, 3, 15, 6, 24


def watch_of(alive, **options) -> HeapWatch:
    """The watch of a heap of ``alive(requests)`` bytes; some were sent before."""
    done = [0] * WARM_UP
    heap = lambda: Heap(0, alive(len(done)), None)  # noqa: E731
    return heap_until_level(lambda: done.append(0), heap, EVERY, EACH, LEAST, MOST, **options)


def doubling(items: int, size: int, least: int = 4) -> int:
    """Bytes of a list of that many items."""
    while least < items:
        least *= 2
    return least * size


def slope_of(watch: HeapWatch):
    return lasting_rise([watch.judged])


@pytest.mark.parametrize(
    "alive",
    [
        lambda n: 100_000,
        lambda n: 100_000 + 64 * (n % 3),
        lambda n: 100_000 + 4096 * (n > 20),
        lambda n: 100_000 + 4096 * (n == 75),
        lambda n: 100_000 - 10 * n,
    ],
    ids=["flat", "alternating", "taken once", "one stray reading", "falling"],
)
def test_a_level_heap_needs_the_fewest_series(alive):
    watch = watch_of(alive)
    assert watch.level
    assert len(watch.series) == LEAST
    assert slope_of(watch).high < 1


@pytest.mark.parametrize("entries", [64, 128, 200])
@pytest.mark.parametrize("per_round", [2, 3])
def test_a_cache_that_fills_is_level_afterwards(entries, per_round):
    watch = watch_of(lambda n: 100_000 + 96 * min(per_round * n, entries))
    assert watch.level
    assert slope_of(watch).high < 1


@pytest.mark.parametrize("entries", [64, 128, 200])
@pytest.mark.parametrize("per_round", [2, 3])
def test_a_cache_that_is_emptied_when_full_is_not_taken_for_a_leak(entries, per_round):
    watch = watch_of(lambda n: 100_000 + 96 * (per_round * n % entries))
    assert watch.rise < 6
    assert slope_of(watch).low <= 0


@given(st.integers(8, 512), st.integers(0, 64))
def test_a_steady_leak_is_never_level(size, noise):
    watch = watch_of(lambda n: 100_000 + size * n + noise * (n % 2))
    assert not watch.level
    assert len(watch.series) == MOST
    assert watch.rise == pytest.approx(size, rel=0.1, abs=1)
    assert slope_of(watch).low > 1


@settings(max_examples=20)  # each is watched for four times as long
@given(st.integers(1, 12), st.integers(0, 8), st.sampled_from([4, 8, 16]))
def test_a_list_that_grows_is_never_level(items, before, size):
    watch = watch_of(lambda n: 100_000 + doubling(items * n + before, size))
    assert not watch.level
    assert watch.rise > size * items / 4
    assert slope_of(watch).low >= 0
    assert slope_of(watch).high > 1


@pytest.mark.parametrize("last", [140, 200, 300])
def test_rare_steps_that_come_to_an_end_are_waited_for(last):
    alive = lambda n: 100_000 + 512 * sum(n - WARM_UP > at for at in (10, last // 4, last // 2, last))  # noqa: E731
    watch = watch_of(alive, clear=6)
    assert watch.level
    assert slope_of(watch).high < 1


@pytest.mark.parametrize("clear", [0, 6])
@pytest.mark.parametrize("size", [1920, 8192])
@pytest.mark.parametrize("last", [86, 200, 340])
def test_a_large_step_late_is_waited_for(last, size, clear):
    watch = watch_of(lambda n: 100_000 + size * (n - WARM_UP > last), clear=clear)
    assert watch.level
    assert watch.rise < 6
    assert slope_of(watch).high < 1


@pytest.mark.parametrize("size", [8, 16, 64])
def test_a_clear_leak_is_not_watched_for_longer(size):
    assert len(watch_of(lambda n: 100_000 + size * n, clear=6).series) == MOST


def test_a_small_leak_is_never_level():
    watch = watch_of(lambda n: 100_000 + 16 * (n // 4), clear=6)
    assert len(watch.series) == PATIENCE * MOST
    assert slope_of(watch).low > 1


def test_weight_counts_a_step_several_times():
    once, weighted = watch_of(lambda n: 16 * n), watch_of(lambda n: 16 * n, weight=4)
    assert weighted.rise == once.rise / 4
    assert [at for at, _ in weighted.series[0]] == [0, 12, 24, 36, 48, 60]


def test_a_slow_board_starts_no_more_than_three_series():
    watch = watch_of(lambda n: 16 * n, seconds=0.0)
    assert len(watch.series) == 3
    assert not watch.level
