"""What the noise of a series is like: correlation, tails, and how much they widen a limit."""

from __future__ import annotations

from math import sqrt
from random import Random
from statistics import fmean

import pytest
from camrig.measure.noise import Variogram, heavy_tails, pairs, raised
from hypothesis import given
from hypothesis import strategies as st


def noise(count: int, seed: int, alike: float = 0.0) -> list[float]:
    random = Random(seed)
    values = [random.gauss(0, 1)]
    while len(values) < count:
        values.append(alike * values[-1] + sqrt(1 - alike**2) * random.gauss(0, 1))
    return values


@pytest.mark.parametrize("alike", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("level", [20, 365])
def test_a_correlation_is_measured_also_in_short_levels(alike, level):
    ends = [*range(0, 365, level), 365]
    measured = fmean(Variogram(noise(365, seed, alike)).alike(ends) for seed in range(40))
    assert measured == pytest.approx(alike, abs=0.06)


def test_independent_and_alternating_nights_are_not_alike():
    assert fmean(Variogram(noise(365, seed)).alike([0, 365]) for seed in range(40)) < 0.04
    assert Variogram([0.0, 1.0] * 50).alike([0, 100]) == 0
    assert Variogram([3.0] * 50).alike([0, 50]) == 0


def test_a_known_step_is_not_a_correlation():
    values = [value + 8 * (night >= 100) for night, value in enumerate(noise(200, 1))]
    assert Variogram(values).alike([0, 100, 200]) < 0.15
    assert Variogram(values).alike([0, 200]) > 0.2


@given(st.integers(1, 40), st.floats(0, 0.9))
def test_pairs_are_the_variance_of_a_mean_of_nights_alike(count, alike):
    covariances = [alike ** abs(night - later) for night in range(count) for later in range(count)]
    assert pairs(count, alike) == pytest.approx(sum(covariances) / count)


def test_heavy_tails_are_those_that_normal_noise_has_not():
    random = Random(1)
    laplace = [random.choice((-1, 1)) * random.expovariate(1) for _ in range(365)]
    assert heavy_tails(laplace) > 0.5
    assert fmean(heavy_tails(noise(200, seed)) for seed in range(40)) < 0.15
    assert heavy_tails([0.0] * 10) == 0
    assert heavy_tails([-1.0, 1.0] * 10) == 0


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=30))
def test_any_values_have_a_finite_or_no_kurtosis(values):
    assert 0 <= heavy_tails(values) <= len(values)


def test_heavy_tails_raise_the_limit_of_a_few_nights_most():
    assert raised(5.0, 0.0, 1.0) == 5
    assert raised(5.0, 3.0, 1 / 60) < 5.3
    assert 7 < raised(5.0, 3.0, 1 / 4) < raised(5.0, 3.0, 1 / 2) < 12
