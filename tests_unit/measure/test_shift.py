"""Shifts, ratios and centres: compared with brute force, under transformations, and in how often they hold."""

from __future__ import annotations

import math
import random
import statistics

import pytest
from camrig.measure import pairs
from camrig.measure.pairs import kth_sum, median_sum
from camrig.measure.shift import centre, median_shift, ratio, shift
from hypothesis import given
from hypothesis import strategies as st

# Whole numbers: sums and differences are exact, so that invariances hold to the last bit.
samples = st.lists(st.integers(-1000, 1000), min_size=1, max_size=30)
positive = st.lists(st.integers(1, 1000), min_size=1, max_size=20)


@given(samples, samples, st.data())
def test_the_kth_sum_agrees_with_sorting(xs, zs, data):
    xs, zs = sorted(xs), sorted(zs)
    k = data.draw(st.integers(1, len(xs) * len(zs)))
    assert kth_sum(xs, zs, k) == sorted(x + z for x in xs for z in zs)[k - 1]


@given(samples, samples, st.data())
def test_the_search_agrees_with_sorting_in_small_samples_too(xs, zs, data):
    xs, zs = sorted(xs), sorted(zs)
    k = data.draw(st.integers(1, len(xs) * len(zs)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "_SMALL", 1)
        assert kth_sum(xs, zs, k) == sorted(x + z for x in xs for z in zs)[k - 1]


def test_the_search_handles_many_equal_sums_and_fractions():
    assert kth_sum([1.0] * 300, [2.0] * 300, 45_000) == 3.0
    draw = random.Random(3)
    xs, zs = (sorted(draw.choice((0.1, 0.2, draw.random())) for _ in range(120)) for _ in range(2))
    sums = sorted(x + z for x in xs for z in zs)
    assert [kth_sum(xs, zs, k) for k in (1, 77, 7_000, 14_400)] == [sums[k - 1] for k in (1, 77, 7_000, 14_400)]


@pytest.mark.parametrize("k", [0, 5])
def test_a_pair_number_out_of_range_is_refused(k):
    with pytest.raises(ValueError, match="no pair"):
        kth_sum([1, 2], [1, 2], k)


@given(samples, samples)
def test_the_shift_is_the_median_of_all_differences(xs, ys):
    assert shift(xs, ys).value == statistics.median([x - y for x in xs for y in ys])
    assert median_shift(xs, ys) == shift(xs, ys).value
    assert median_sum(sorted(xs), sorted(-y for y in ys)) == shift(xs, ys).value


@given(samples, samples, st.integers(-500, 500), st.randoms(use_true_random=False))
def test_a_shift_moves_with_its_sample_in_any_order(xs, ys, offset, order):
    estimate, moved = shift(xs, ys), shift([x + offset for x in xs], ys)
    assert (moved.value, moved.low, moved.high) == (
        estimate.value + offset,
        estimate.low + offset,
        estimate.high + offset,
    )
    mixed = list(xs)
    order.shuffle(mixed)
    assert shift(mixed, ys) == estimate


@given(samples, samples, st.floats(0.001, 0.2), st.floats(0.001, 0.2))
def test_swapping_the_samples_mirrors_the_shift(xs, ys, below, above):
    estimate, swapped = shift(xs, ys, (below, above)), shift(ys, xs, (above, below))
    assert (swapped.value, swapped.low, swapped.high) == (-estimate.value, -estimate.high, -estimate.low)
    assert estimate.low <= estimate.high


@given(samples, samples, st.sampled_from([2, 4, 0.5]))
def test_a_shift_scales_with_its_samples(xs, ys, factor):
    estimate, scaled = shift(xs, ys), shift([factor * x for x in xs], [factor * y for y in ys])
    assert (scaled.value, scaled.low, scaled.high) == (
        factor * estimate.value,
        factor * estimate.low,
        factor * estimate.high,
    )


@given(positive, positive, st.floats(0.01, 100))
def test_a_ratio_scales_with_a_factor_and_inverts_when_swapped(xs, ys, factor):
    estimate, scaled, swapped = ratio(xs, ys), ratio([factor * x for x in xs], ys), ratio(ys, xs)
    assert scaled.value == pytest.approx(factor * estimate.value)
    assert swapped.value == pytest.approx(1 / estimate.value)
    assert swapped.high == pytest.approx(1 / estimate.low if estimate.low else math.inf)


def test_constant_samples_give_an_exact_shift():
    estimate = shift([12_576.0] * 10, [12_512.0] * 10, (1e-4, 1e-4))
    assert (estimate.value, estimate.low, estimate.high) == (64, 64, 64)
    assert shift([1.0] * 3, [1.0] * 3, (1e-4, 1e-4)).low == -math.inf


@given(samples)
def test_the_centre_is_the_median_of_all_means(values):
    means = [(a + b) / 2 for index, a in enumerate(values) for b in values[index:]]
    assert centre(values).value == pytest.approx(statistics.median(means))


@given(samples, st.integers(-500, 500))
def test_the_centre_moves_and_mirrors_with_the_sample(values, offset):
    estimate, moved, mirrored = centre(values), centre([v + offset for v in values]), centre([-v for v in values])
    assert (moved.value, moved.low, moved.high) == (
        estimate.value + offset,
        estimate.low + offset,
        estimate.high + offset,
    )
    assert (mirrored.value, mirrored.low, mirrored.high) == (-estimate.value, -estimate.high, -estimate.low)


def test_a_textbook_example_of_a_shift():
    # Hollander, Wolfe and Chicken, example 4.1 (tritiated water across the chorioamnion): 0.305 is the shift of table
    # 4.1, and -0.76 to 0.15 its 96 % interval (examples 4.3 and 4.4, Y less X).
    at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    earlier = [1.15, 0.88, 0.90, 0.74, 1.21]
    estimate = shift(earlier, at_term, (0.02, 0.02))
    assert estimate.value == pytest.approx(-0.305)
    assert (estimate.low, estimate.high) == (pytest.approx(-0.76), pytest.approx(0.15))


def coverage(measure, truth: float, runs: int) -> float:
    return sum(estimate.low <= truth <= estimate.high for estimate in (measure() for _ in range(runs))) / runs


def test_intervals_of_heavy_tailed_samples_have_their_coverage():
    draw = random.Random(11)

    def heavy() -> float:
        return draw.lognormvariate(0, 0.3) * (10 if draw.random() < 0.05 else 1)

    assert coverage(lambda: ratio([1.2 * heavy() for _ in range(15)], [heavy() for _ in range(15)]), 1.2, 300) >= 0.93
    # Batches of very different spread, as under a bad radio: a third has thirty times the standard deviation.
    assert (
        coverage(lambda: centre([2 + (draw.gauss(0, 1) * draw.choice((1, 1, 30))) for _ in range(20)]), 2, 300)
        >= 0.93
    )


@pytest.mark.parametrize(("xs", "ys"), [([], [1]), ([1], [])])
def test_empty_samples_are_refused(xs, ys):
    with pytest.raises(ValueError, match="two samples"):
        shift(xs, ys)
    with pytest.raises(ValueError, match="two samples"):
        median_shift(xs, ys)
    with pytest.raises(ValueError, match="values"):
        centre([])


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_ratio_refuses_values_that_are_not_positive(bad):
    with pytest.raises(ValueError, match="above zero"):
        ratio([1.0, bad], [1.0])
