"""Null distributions, compared with counting every order and with printed tables."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest
from camrig.measure import ranks
from hypothesis import given
from hypothesis import strategies as st

tails = st.floats(1e-6, 0.49)


def depth_by_counting(counts: Counter[int], tail: float) -> int:
    total = sum(counts.values())
    below = 0
    for value in range(max(counts) + 1):
        below += counts[value]
        if below / total > tail * (1 + 1e-9):
            return value
    raise AssertionError("no distribution")


@given(st.integers(1, 9), tails)
def test_the_signed_rank_depth_agrees_with_counting_signs(n, tail):
    counts = Counter(sum(rank for rank, up in enumerate(ups, 1) if up) for ups in itertools.product((0, 1), repeat=n))
    assert ranks.signed_rank_depth(n, tail) == depth_by_counting(counts, tail)


@given(st.integers(1, 5), st.integers(1, 5), tails)
def test_the_rank_sum_depth_agrees_with_counting_orders(m, n, tail):
    counts: Counter[int] = Counter()
    for ranking in itertools.combinations(range(m + n), m):
        counts[sum(rank - lowest for lowest, rank in enumerate(ranking))] += 1
    assert ranks.rank_sum_depth(m, n, tail) == depth_by_counting(counts, tail)


@given(st.integers(2, 6), tails)
def test_the_kendall_depth_agrees_with_counting_permutations(n, tail):
    counts: Counter[int] = Counter()
    for order in itertools.permutations(range(n)):
        counts[sum(a > b for a, b in itertools.combinations(order, 2))] += 1
    assert ranks.kendall_depth([n], tail) == depth_by_counting(counts, tail)


@given(st.integers(1, 60), st.floats(0.02, 0.98), tails)
def test_the_binomial_depth_agrees_with_the_formula(n, q, tail):
    depth = ranks.binomial_depth(n, q, tail)

    def up_to(count: int) -> float:
        return sum(math.comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(count + 1))

    assert up_to(depth - 1) <= tail * (1 + 1e-6)
    assert up_to(depth) >= tail * (1 - 1e-6)


def test_depths_agree_with_printed_tables():
    # Hollander, Wolfe and Chicken, tables A.4 and A.6; depth is the tabled critical value plus one.
    assert ranks.signed_rank_depth(10, 0.025) == 9
    assert ranks.signed_rank_depth(20, 0.025) == 53
    assert ranks.rank_sum_depth(10, 10, 0.025) == 24
    assert ranks.rank_sum_depth(5, 8, 0.025) == 7


@pytest.mark.parametrize("tail", [0.1, 0.025, 0.001])
def test_the_normal_approximation_continues_the_exact_depths(tail):
    n = ranks.EXACT_SIGNED_RANK
    steps = [ranks.signed_rank_depth(size, tail) for size in range(n - 3, n + 4)]
    assert all(20 < after - before < 70 for before, after in itertools.pairwise(steps))
    m = 73  # the last square that is counted exactly
    assert m**3 <= ranks.EXACT_WORK < (m + 1) ** 3
    steps = [ranks.rank_sum_depth(size, size, tail) for size in range(m - 2, m + 4)]
    assert all(50 < after - before < 160 for before, after in itertools.pairwise(steps))
    k = ranks.EXACT_KENDALL
    steps = [ranks.kendall_depth([size], tail) for size in range(k - 2, k + 4)]
    assert all(5 < after - before < 60 for before, after in itertools.pairwise(steps))


def test_short_series_have_no_bound_where_order_is_likely_by_chance():
    # Two series of 3 points are in perfect order by chance in 1 of 36 cases.
    assert ranks.kendall_depth([3, 3], 0.02) == 0
    assert ranks.kendall_depth([10, 10], 0.02) > 0


@pytest.mark.parametrize("sizes", [[171], [400], [300, 300]])
def test_the_depth_of_long_series_is_known(sizes):
    pairs = sum(n * (n - 1) // 2 for n in sizes)
    assert 0.4 * pairs < ranks.kendall_depth(sizes, 0.02) < 0.5 * pairs


def test_inflation_reduces_the_depth():
    plain = ranks.kendall_depth([30], 0.01)
    assert ranks.kendall_depth([30], 0.01, inflation=1.0001) <= plain
    assert ranks.kendall_depth([30], 0.01, inflation=4) < plain


@pytest.mark.parametrize("tail", [0, 0.5, -1, 1, math.nan])
def test_a_tail_must_be_a_probability_below_one_half(tail):
    with pytest.raises(ValueError, match="tail"):
        ranks.signed_rank_depth(10, tail)
    with pytest.raises(ValueError, match="tail"):
        ranks.binomial_depth(10, 0.5, tail)
    with pytest.raises(ValueError, match="tail"):
        ranks.rank_sum_depth(5, 5, tail)
    with pytest.raises(ValueError, match="tail"):
        ranks.kendall_depth([5], tail)


def test_an_inflation_below_one_is_refused():
    with pytest.raises(ValueError, match="must be at least 1"):
        ranks.kendall_depth([5], 0.1, 0.5)
