"""Descriptions of one sample: quantiles with their intervals, spread, outliers."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from camrig.measure.statistics import mad, median, outliers, quantile, quantile_interval, summary
from hypothesis import given
from hypothesis import strategies as st

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(numbers)
def test_median_agrees_with_the_standard_library(values):
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values), abs=1e-9)


@given(numbers, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_and_stay_within_the_sample(values, p, q):
    low, high = sorted((p, q))
    assert min(values) - 1e-9 <= quantile(values, low) <= quantile(values, high) + 1e-9 <= max(values) + 1e-6


def test_the_summary_of_a_known_sample():
    figures = summary(range(1, 102))
    assert (figures.n, figures.median, figures.p95, figures.p99, figures.low, figures.high) == (
        101,
        51,
        96,
        100,
        1,
        101,
    )


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1], -0.1), ([1], 1.1)])
def test_a_quantile_without_values_or_out_of_range_is_refused(values, q):
    with pytest.raises(ValueError):
        quantile(values, q)


@given(numbers, st.floats(0.01, 0.99), st.floats(0.001, 0.4))
def test_a_quantile_lies_in_its_interval_between_values(values, q, tail):
    estimate = quantile_interval(values, q, (tail, tail))
    assert estimate.value == quantile(values, q)
    assert estimate.low in (*values, -math.inf)
    assert estimate.high in (*values, math.inf)
    assert estimate.low <= estimate.high


@given(numbers)
def test_a_smaller_tail_never_narrows_an_interval(values):
    wide, narrow = quantile_interval(values, 0.5, (0.001, 0.001)), quantile_interval(values, 0.5, (0.1, 0.1))
    assert wide.low <= narrow.low
    assert wide.high >= narrow.high


@given(numbers, st.floats(0.01, 0.4))
def test_a_mirrored_sample_mirrors_the_bounds_of_its_median(values, tail):
    estimate = quantile_interval(values, 0.5, (tail, tail))
    mirrored = quantile_interval([-value for value in values], 0.5, (tail, tail))
    assert (mirrored.low, mirrored.high) == (-estimate.high, -estimate.low)


def test_a_textbook_interval_of_a_median():
    # n = 10: the 2nd and the 9th value enclose the median with 97.9 % (Conover, table A3).
    estimate = quantile_interval(range(1, 11), 0.5, (0.025, 0.025))
    assert (estimate.low, estimate.high) == (2, 9)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_interval_of_a_quantile_has_its_coverage(q):
    draw = random.Random(7)
    truth = math.exp(statistics.NormalDist().inv_cdf(q))
    covered = 0
    for _ in range(400):
        estimate = quantile_interval([draw.lognormvariate(0, 1) for _ in range(80)], q, (0.05, 0.05))
        covered += estimate.low <= truth <= estimate.high
    assert covered >= 0.88 * 400


def test_too_few_values_are_not_bounded():
    assert quantile_interval([1, 2, 3], 0.5, (0.01, 0.01)).low == -math.inf
    assert quantile_interval([1, 2, 3], 0.99, (0.01, 0.01)).high == math.inf


@given(numbers, st.floats(0.1, 100), st.floats(-1000, 1000))
def test_the_spread_scales_and_ignores_an_offset(values, factor, level):
    moved = [factor * value + level for value in values]
    assert mad(moved) == pytest.approx(factor * mad(values), abs=1e-3)


@given(numbers)
def test_outliers_are_at_most_half_in_any_order(values):
    counts = outliers(values)
    assert counts.n == len(values)
    assert counts.low + counts.high <= len(values) / 2
    assert outliers(values[::-1]) == counts


def test_outliers_are_counted_per_side():
    values = [10.0, 10.1, 9.9, 10.2, 9.8, 10.0, 50.0, 60.0, 1.0]
    assert (outliers(values).low, outliers(values).high) == (1, 2)
    assert (outliers([5.0] * 20 + [6.0]).high, outliers([5.0] * 20).high) == (1, 0)


def test_the_median_of_two_values_is_their_mean():
    assert median([1, 2]) == 1.5
