"""Growth that goes on is distinguished from a cache that fills and from a single step."""

from __future__ import annotations

import random
from math import ceil, log2

import pytest
from camrig.measure.growth import joined, lasting_rise
from camrig.measure.slope import rise
from hypothesis import given
from hypothesis import strategies as st

TAILS = (0.0017, 0.05)


def points(bytes_at, requests=1920, every=48, noise=0, seed=0):
    draw = random.Random(seed)
    return [(x, 60_000 + bytes_at(x) + noise * draw.random()) for x in range(0, requests + 1, every)]


@pytest.mark.parametrize("warm_up", [0, 50, 100])
def test_a_list_that_doubles_rises_for_certain(warm_up):
    series = points(lambda x: 8 * 2 ** ceil(log2(x + warm_up + 1)), noise=100)
    assert rise([series], TAILS).low < 1
    estimate = lasting_rise([series], TAILS)
    assert 1 < estimate.low <= estimate.value <= estimate.high
    assert estimate.value == pytest.approx(8, rel=0.5)


@pytest.mark.parametrize("full", [50, 200, 400, 700])
def test_a_cache_that_fills_and_stops_is_not_a_leak(full):
    estimate = lasting_rise([points(lambda x: 64 * min(x, full), noise=100)], TAILS)
    assert estimate.low <= 1
    if full < 500:
        assert estimate.high < 1


def test_a_leak_beside_a_cache_is_still_a_rise():
    series = points(lambda x: 64 * min(x, 200) + 8 * x)
    assert lasting_rise([series], TAILS).low == pytest.approx(8, rel=0.01)


@pytest.mark.parametrize("step", [100, 600, 1000, 1500, 1800])
def test_a_single_step_is_never_certain_growth(step):
    assert lasting_rise([points(lambda x: 4096 * (x > step), noise=100)], TAILS).low <= 0


@given(st.lists(st.integers(0, 5000), min_size=2, max_size=60), st.integers(1, 3))
def test_the_value_lies_within_its_interval(heights, runs):
    estimate = lasting_rise([[(20 * n, height) for n, height in enumerate(heights)]] * runs, TAILS)
    assert estimate.low <= estimate.value <= estimate.high


def test_a_short_run_has_the_ordinary_rise():
    series = [[(20 * n, 60_000 + 7 * n) for n in range(26)]]
    assert lasting_rise(series, TAILS) == rise(series, TAILS)


def test_series_that_continue_each_other_are_joined():
    def series(*heights):
        return [(5 * n, height) for n, height in enumerate(heights)]

    boots = [series(10, 12, 14, 16, 18), series(18, 20, 22, 24, 26), series(10, 12, 14, 16, 19)]
    assert joined(boots) == [series(10, 12, 14, 16, 18, 20, 22, 24, 26), series(10, 12, 14, 16, 19)]
    assert joined([]) == []
