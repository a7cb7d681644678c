"""Shares of slow values, and the sign flips that bound their difference."""

from __future__ import annotations

import random
from itertools import product
from math import inf

import pytest
from camrig.measure.tail import exceedance_difference, exceedances, mean_difference, sign_flip_p
from hypothesis import given
from hypothesis import strategies as st

shares = st.integers(-20, 20).map(lambda steps: steps / 20)


@given(st.lists(shares, min_size=1, max_size=8), shares)
def test_all_sign_patterns_are_counted_as_if_they_were_listed(differences, shift):
    steps = [round(200 * value) - round(200 * shift) for value in differences]
    sums = [
        sum(sign * step for sign, step in zip(signs, steps, strict=True))
        for signs in product((1, -1), repeat=len(steps))
    ]
    expected = sum(total >= sum(steps) for total in sums) / len(sums)
    assert sign_flip_p(differences, shift) == expected


@given(st.lists(shares, min_size=1, max_size=30), st.floats(0.001, 0.2))
def test_swapped_sides_mirror_the_interval(differences, tail):
    estimate = mean_difference(differences, (tail, tail))
    mirrored = mean_difference([-value for value in differences], (tail, tail))
    assert (mirrored.low, mirrored.high) == (-estimate.high, -estimate.low)
    assert estimate.low <= estimate.value + 0.01
    assert estimate.high >= estimate.value - 0.01


@given(st.lists(shares, min_size=4, max_size=30), st.floats(0.001, 0.2))
def test_the_interval_excludes_zero_only_where_the_test_rejects_it(differences, tail):
    if mean_difference(differences, (tail, tail)).low > 0:
        assert sign_flip_p(differences) <= tail


def test_too_few_differences_have_no_bound():
    assert mean_difference([0.1] * 4, (0.05, 0.05)).low == -inf
    assert mean_difference([0.1] * 5, (0.05, 0.05)).low == pytest.approx(0.1)
    assert sign_flip_p([]) == 1.0
    with pytest.raises(ValueError, match="needs values"):
        mean_difference([])
    with pytest.raises(ValueError, match="needs values"):
        exceedances([], 1.0)


def test_a_value_is_slow_beyond_one_and_a_half_times_the_middle():
    assert exceedances([1, 1, 1.5, 1.6], 1) == 0.25
    assert exceedance_difference([1, 1, 1, 9], [1, 1, 1, 1]) == 0.25
    assert exceedance_difference([1, 1, 1, 1], [1, 1, 1, 9]) == -0.25


def batches(draw: random.Random, every_seventh: float) -> list[float]:
    def side(factor: float, start: int) -> list[float]:
        slow = (factor if (start + n) % 7 == 0 else 1.0 for n in range(10))
        return [5 * draw.lognormvariate(0, 0.1) * (3 if draw.random() < 0.04 else 1) * f for f in slow]

    return [exceedance_difference(side(every_seventh, 10 * n), side(1.0, 0)) for n in range(27)]


def test_identical_sides_are_rarely_significant_and_a_slow_seventh_always():
    draw = random.Random(5)
    identical = [sign_flip_p(batches(draw, 1.0)) for _ in range(100)]
    assert sum(p > 0.1 for p in identical) >= 85
    assert min(identical) > 0.001
    assert max(sign_flip_p(batches(draw, 3.0)) for _ in range(30)) < 0.01
