"""Quantiles of samples whose number has no bound, in a space that has one."""

from __future__ import annotations

from random import Random

import pytest
from camrig.measure.histogram import Histogram, Reservoir
from hypothesis import given
from hypothesis import strategies as st

TIMES = st.lists(st.floats(0.011, 1e6), min_size=1, max_size=200)


def histogram(values):
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(TIMES, st.floats(0, 1))
def test_a_quantile_is_right_to_one_hundredth(values, q):
    exact = sorted(values)[int(q * (len(values) - 1))]
    assert histogram(values).quantile(q) == pytest.approx(exact, rel=0.0101)


def test_the_middle_of_three_is_the_second():
    assert histogram([1.0, 2.0, 4.0]).quantile(0.5) == pytest.approx(2, rel=0.0101)


@given(TIMES, TIMES, st.sampled_from([0, 0.5, 0.95, 1]))
def test_merged_parts_are_the_whole(first, second, q):
    merged = histogram(first)
    merged.merge(histogram(second))
    whole = histogram(first + second)
    assert (merged.n, merged.low, merged.high) == (whole.n, min(first + second), max(first + second))
    assert merged.quantile(q) == whole.quantile(q)


def test_an_empty_part_changes_nothing_and_has_no_quantile():
    merged = histogram([3.0])
    merged.merge(Histogram())
    assert (merged.n, merged.low, merged.high) == (1, 3.0, 3.0)
    with pytest.raises(ValueError, match="needs values"):
        Histogram().quantile(0.5)


def test_what_is_not_positive_or_far_too_long_is_counted_all_the_same():
    made = histogram([0.0, 1e12])
    assert (made.n, made.low, made.high) == (2, 0.0, 1e12)
    assert 0 <= made.quantile(0) <= 0.011


def test_a_million_values_take_few_buckets():
    random = Random(1)
    assert len(histogram(random.lognormvariate(1, 1) for _ in range(100_000))._buckets) < 600


def test_a_reservoir_keeps_all_of_a_few_and_a_fair_part_of_many():
    few = Reservoir(10, Random(1))
    for value in range(10):
        few.add(value)
    assert few.values == list(range(10))
    many = Reservoir(1000, Random(1))
    for value in range(50_000):
        many.add(value)
    assert many.n == 50_000
    assert len(many.values) == 1000
    assert many.values == sorted(many.values)
    assert 23_000 < sum(many.values) / 1000 < 27_000
