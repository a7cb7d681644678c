"""The robust slope, its interval, and the detectable shift by resampling."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest
from camrig.measure.resample import detectable_shift
from camrig.measure.slope import end_to_end_slope, rise, slope, until_full, variance_inflation
from camrig.measure.statistics import Estimate
from hypothesis import given, settings
from hypothesis import strategies as st

heights = st.lists(st.integers(-1000, 1000), min_size=2, max_size=25)


def points_of(values):
    return list(enumerate(values))


@given(heights)
def test_the_slope_is_the_median_over_all_pairs(values):
    pairs = itertools.combinations(points_of(values), 2)
    assert slope([points_of(values)]).value == pytest.approx(
        statistics.median([(d - b) / (c - a) for (a, b), (c, d) in pairs])
    )


@given(heights, st.integers(-100, 100), st.integers(-1000, 1000))
def test_a_tilt_adds_to_the_slope_and_an_offset_does_not(values, tilt, level):
    estimate = slope([points_of(values)])
    tilted = slope([[(x, y + tilt * x + level) for x, y in points_of(values)]])
    for name in ("value", "low", "high"):
        assert getattr(tilted, name) == pytest.approx(getattr(estimate, name) + tilt, abs=1e-6)


@given(heights, st.randoms(use_true_random=False))
def test_the_order_of_points_does_not_matter(values, order):
    points = points_of(values)
    mixed = list(points)
    order.shuffle(mixed)
    assert slope([mixed]) == slope([points])


@given(heights)
def test_mirrored_points_mirror_the_slope(values):
    estimate, mirrored = slope([points_of(values)]), slope([points_of([-value for value in values])])
    assert (mirrored.value, mirrored.low, mirrored.high) == (
        pytest.approx(-estimate.value),
        pytest.approx(-estimate.high),
        pytest.approx(-estimate.low),
    )


def test_points_on_a_line_have_an_exact_slope():
    assert slope([[(20 * n, 60_000 + 320 * n) for n in range(26)]], (1e-4, 1e-4)) == Estimate(16, 16, 16)
    assert slope([[(20 * n, 60_000) for n in range(26)]], (1e-4, 1e-4)) == Estimate(0, 0, 0)


def list_bytes(requests, per_entry=8, earlier=50):
    """Bytes of a list with one entry per request, whose capacity is a power of two."""
    return 60_000 + per_entry * 2 ** math.ceil(math.log2(earlier + requests + 1))


def test_the_interval_of_a_rise_in_steps_includes_the_steps():
    series = [[(n, list_bytes(100 * run + n)) for n in range(0, 101, 20)] for run in range(4)]
    assert slope(series, (0.005, 0.05)).high == 0
    estimate = rise(series, (0.005, 0.05))
    assert (estimate.value, estimate.low) == (0, 0)
    assert estimate.high == pytest.approx((list_bytes(400) - list_bytes(0)) / 400)
    assert estimate.high > 8


def test_the_rise_of_points_on_a_line_is_exact():
    for leak in (0, 16):
        series = [[(20 * n, 60_000 + 1000 * run + leak * 20 * n) for n in range(6)] for run in range(4)]
        assert rise(series, (0.001, 0.001)) == Estimate(leak, leak, leak)


def test_the_end_to_end_slope_counts_within_series_only():
    assert end_to_end_slope([[(0, 5), (10, 25)], [(30, 1_000), (0, 1_000)]]) == 20 / 40
    with pytest.raises(ValueError, match="two points"):
        end_to_end_slope([[(1, 1)]])


def test_each_series_may_have_a_level_of_its_own():
    estimate = slope([points_of([100 * run + 5 * n for n in range(10)]) for run in range(4)], (0.001, 0.001))
    assert (estimate.value, estimate.low, estimate.high) == (5, 5, 5)


def test_outliers_in_a_quarter_of_the_points_do_not_move_the_slope():
    draw = random.Random(5)
    points = [(n, 3 * n + (draw.uniform(1e3, 1e5) if n % 4 == 1 else draw.gauss(0, 1))) for n in range(40)]
    assert slope([points]).value == pytest.approx(3, abs=0.7)


@pytest.mark.parametrize("memory", [0.0, 0.6])
def test_the_interval_has_its_coverage_under_autocorrelation(memory):
    draw = random.Random(13)
    covered = 0
    for _ in range(300):
        level, values = draw.gauss(0, 1), []
        for _ in range(40):
            level = memory * level + math.sqrt(1 - memory**2) * draw.gauss(0, 1)
            values.append(level)
        estimate = slope([points_of(values)], (0.025, 0.025))
        covered += estimate.low <= 0 <= estimate.high
    # Without the correction the interval covers the slope in 72 % of the runs with that memory.
    assert covered >= (0.93 if not memory else 0.77) * 300


@given(heights)
def test_the_variance_inflation_is_at_least_one(values):
    assert variance_inflation(values) >= 1


def test_waves_inflate_the_variance_and_alternation_does_not():
    assert variance_inflation([math.sin(n / 4) for n in range(40)]) > 2
    assert variance_inflation([(-1) ** n for n in range(40)]) == 1


@pytest.mark.parametrize(
    ("series", "message"), [([], "two points"), ([[(1, 1)]], "two points"), ([[(1, 1), (1, 2)]], "different x")]
)
def test_series_without_two_points_are_refused(series, message):
    with pytest.raises(ValueError, match=message):
        slope(series)


def test_requests_until_the_heap_is_full():
    assert until_full(16_000, Estimate(16, 10, 20)) == Estimate(1000, 800, 1600)
    assert until_full(16_000, Estimate(0, -1, 4)) == Estimate(math.inf, 4000, math.inf)


@settings(max_examples=20)
@given(st.lists(st.integers(-50, 50), min_size=5, max_size=20), st.integers(2, 8), st.integers(-1000, 1000))
def test_the_detectable_shift_scales_and_ignores_an_offset(values, factor, offset):
    estimate = detectable_shift(values, 20, 0.01, rounds=30)
    assert detectable_shift([factor * value + offset for value in values], 20, 0.01, rounds=30) == pytest.approx(
        factor * estimate
    )


def test_the_detectable_shift_agrees_with_normal_theory():
    draw = random.Random(9)
    smallest = detectable_shift([draw.gauss(0, 1) for _ in range(60)], 40, 0.01)
    # Theory for normal batches: (z of the tail + z of the power) standard errors.
    assert smallest == pytest.approx((2.33 + 1.64) / math.sqrt(40), rel=0.3)
    assert detectable_shift([0.0] * 20, 40, 0.01) == 0
    assert detectable_shift([0.0, 1.0], 4, 0.01) == math.inf


def test_resampling_nothing_is_refused():
    with pytest.raises(ValueError):
        detectable_shift([], 10, 0.1)
