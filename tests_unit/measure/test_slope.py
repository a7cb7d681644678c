"""The robust slope, and resampling."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from camrig.measure.resample import reach
from camrig.measure.slope import dependence, overall, rise, slope, until_full
from camrig.measure.statistics import Estimate
from hypothesis import given, settings
from hypothesis import strategies as st

heights = st.lists(st.integers(-1000, 1000), min_size=2, max_size=25)


def along(values):
    return list(enumerate(values))


@given(heights)
def test_the_slope_is_the_median_over_pairs(values):
    pairs = itertools.combinations(along(values), 2)
    assert slope([along(values)]).value == pytest.approx(
        statistics.median([(d - b) / (c - a) for (a, b), (c, d) in pairs])
    )


@given(heights, st.integers(-100, 100), st.integers(-1000, 1000))
def test_a_tilt_adds_to_the_slope_and_a_level_does_not(values, tilt, level):
    found = slope([along(values)])
    tilted = slope([[(x, y + tilt * x + level) for x, y in along(values)]])
    for name in ("value", "low", "high"):
        assert getattr(tilted, name) == pytest.approx(getattr(found, name) + tilt, abs=1e-6)


@given(heights, st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(values, order):
    points = along(values)
    mixed = list(points)
    order.shuffle(mixed)
    assert slope([mixed]) == slope([points])


@given(heights)
def test_turning_the_points_over_mirrors_the_slope(values):
    found, mirrored = slope([along(values)]), slope([along([-value for value in values])])
    assert (mirrored.value, mirrored.low, mirrored.high) == (
        pytest.approx(-found.value),
        pytest.approx(-found.high),
        pytest.approx(-found.low),
    )


def test_exact_heaps_have_exact_slopes():
    assert slope([[(20 * n, 60_000 + 320 * n) for n in range(26)]], (1e-4, 1e-4)) == Estimate(16, 16, 16)
    assert slope([[(20 * n, 60_000) for n in range(26)]], (1e-4, 1e-4)) == Estimate(0, 0, 0)


def doubling(requests, per_entry=8, seen=50):
    """Bytes that a list of one entry per request takes: as many as the next power of two holds."""
    return 60_000 + per_entry * 2 ** math.ceil(math.log2(seen + requests + 1))


def test_what_rises_in_steps_is_not_certainly_level():
    series = [[(n, doubling(100 * run + n)) for n in range(0, 101, 20)] for run in range(4)]
    assert slope(series, (0.005, 0.05)).high == 0
    found = rise(series, (0.005, 0.05))
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx((doubling(400) - doubling(0)) / 400)
    assert found.high > 8


def test_level_and_steady_heaps_stay_exact():
    for leak in (0, 16):
        series = [[(20 * n, 60_000 + 1000 * run + leak * 20 * n) for n in range(6)] for run in range(4)]
        assert rise(series, (0.001, 0.001)) == Estimate(leak, leak, leak)


def test_the_rise_from_end_to_end_counts_within_series_only():
    assert overall([[(0, 5), (10, 25)], [(30, 1_000), (0, 1_000)]]) == 20 / 40
    with pytest.raises(ValueError, match="two points"):
        overall([[(1, 1)]])


def test_series_may_have_levels_of_their_own():
    found = slope([along([100 * run + 5 * n for n in range(10)]) for run in range(4)], (0.001, 0.001))
    assert (found.value, found.low, found.high) == (5, 5, 5)


def test_a_quarter_of_wild_points_does_not_move_the_slope():
    draw = random.Random(5)
    points = [(n, 3 * n + (draw.uniform(1e3, 1e5) if n % 4 == 1 else draw.gauss(0, 1))) for n in range(40)]
    assert slope([points]).value == pytest.approx(3, abs=0.7)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_the_interval_holds_also_when_neighbours_resemble_each_other(memory):
    draw = random.Random(13)
    held = 0
    for _ in range(300):
        level, values = draw.gauss(0, 1), []
        for _ in range(40):
            level = memory * level + math.sqrt(1 - memory**2) * draw.gauss(0, 1)
            values.append(level)
        found = slope([along(values)], (0.025, 0.025))
        held += found.low <= 0 <= found.high
    # Without the correction the interval holds in 72 % of the runs with that memory.
    assert held >= (0.93 if not memory else 0.77) * 300


@given(heights)
def test_dependence_is_never_below_one(values):
    assert dependence(values) >= 1


def test_waves_are_dependent_and_alternation_is_not():
    assert dependence([math.sin(n / 4) for n in range(40)]) > 2
    assert dependence([(-1) ** n for n in range(40)]) == 1


@pytest.mark.parametrize(
    ("series", "why"), [([], "two points"), ([[(1, 1)]], "two points"), ([[(1, 1), (1, 2)]], "different x")]
)
def test_no_slope_without_two_places(series, why):
    with pytest.raises(ValueError, match=why):
        slope(series)


def test_requests_until_the_heap_is_full():
    assert until_full(16_000, Estimate(16, 10, 20)) == Estimate(1000, 800, 1600)
    assert until_full(16_000, Estimate(0, -1, 4)) == Estimate(math.inf, 4000, math.inf)


@settings(max_examples=20)
@given(st.lists(st.integers(-50, 50), min_size=5, max_size=20), st.integers(2, 8), st.integers(-1000, 1000))
def test_reach_follows_the_scale_and_ignores_an_offset(values, factor, offset):
    found = reach(values, 20, 0.01, rounds=30)
    assert reach([factor * value + offset for value in values], 20, 0.01, rounds=30) == pytest.approx(factor * found)


def test_reach_is_what_a_gate_needs():
    draw = random.Random(9)
    far = reach([draw.gauss(0, 1) for _ in range(60)], 40, 0.01)
    # Theory for normal batches: (z of the tail + z of the power) standard errors.
    assert far == pytest.approx((2.33 + 1.64) / math.sqrt(40), rel=0.3)
    assert reach([0.0] * 20, 40, 0.01) == 0
    assert reach([0.0, 1.0], 4, 0.01) == math.inf


def test_nothing_to_draw_from():
    with pytest.raises(ValueError):
        reach([], 10, 0.1)
