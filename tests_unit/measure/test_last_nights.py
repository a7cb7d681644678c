"""A step on its second night: how sure it has to be, and what is none."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt
from random import Random

import pytest
from camrig.measure.change_points import course
from camrig.measure.last_nights import FAR, changed_nights
from hypothesis import given
from hypothesis import strategies as st


def noise(count: int, seed: int = 1, alike: float = 0.0) -> list[float]:
    random = Random(seed)
    values = [random.gauss(0, 1)]
    while len(values) < count:
        values.append(alike * values[-1] + sqrt(1 - alike**2) * random.gauss(0, 1))
    return values


def confirmed(before: int, shift: float, nights: int, series: int = 150) -> float:
    """The share of series whose step is known on a night after it."""
    random = Random(7)
    return (
        sum(
            changed_nights([*noise(before, seed), *(random.gauss(shift, 1) for _ in range(nights))], 0) > 0
            for seed in range(series)
        )
        / series
    )


def test_half_of_steps_of_three_noise_widths_are_known_on_the_second_night():
    assert 0.4 <= confirmed(200, 3.0, 2, 300) <= 0.65
    assert confirmed(200, 3.0, 3) >= 0.6
    assert confirmed(200, 5.0, 2) >= 0.92
    assert confirmed(200, 3.0, 1) == 0


@pytest.mark.parametrize("alike", [0.0, 0.5])
def test_chance_makes_a_step_at_most_once_in_a_board_and_year(alike):
    steps = 0
    for seed in range(10):
        values = noise(365, seed, alike)
        nights = [changed_nights(values[:night], 0) for night in range(10, 366)]
        steps += sum(now > 0 and not before for before, now in pairwise(nights))
    assert steps <= 1  # of a quarter expected


def test_two_nights_alike_are_a_step_and_one_of_them_is_not():
    values = noise(60)
    assert changed_nights([*values, 4.5, 4.4], 0) == 2
    assert changed_nights([*values, -4.5, -4.4], 0) == 2
    assert changed_nights([*values, 4.5, -4.4], 0) == 0
    assert changed_nights([*values, 4.4], 0) == 0
    assert course([*values, 4.5, 4.4]).steps[-1].index == 60


@pytest.mark.parametrize("height", [10, 1000, 1e9])
@pytest.mark.parametrize("next_night", [0.0, 0.5, 1.0, 1.5])
def test_a_spike_and_an_ordinary_night_are_not_a_step(height, next_night):
    assert changed_nights([*noise(60), height, next_night], 0) == 0
    assert changed_nights([*noise(60), next_night, height], 0) == 0
    assert changed_nights([*noise(60), height, next_night, height], 0) == 0


def test_where_nights_are_far_away_two_must_be_farther():
    values = noise(60)
    values[30] = FAR * 2
    assert changed_nights([*values, 4.5, 4.4], 0) == 0
    assert changed_nights([*values, 7.5, 7.4], 0) == 0  # as far as the one before
    assert changed_nights([*values, 7.5, 7.4, 7.5], 0) == 3
    assert changed_nights([*values, 14.5, 14.4], 0) == 2
    assert changed_nights([*values[20:45], 14.5, 14.4], 0) == 0  # of so few nights one is a third


def test_a_night_far_away_is_remembered_as_long_as_its_level():
    values = noise(300)
    values[10] = 9.0
    assert changed_nights([*values, 7.5, 7.4], 0) == 0
    assert changed_nights([*values, 7.5, 7.4], 11) == 2


def test_a_level_of_few_nights_decides_nothing():
    assert changed_nights([*noise(7), 90.0, 90.0], 0) == 0
    assert changed_nights([*noise(60), 90.0, 90.0], 55) == 0
    assert changed_nights([], 0) == 0


@given(st.lists(st.integers(-9, 9), min_size=12, max_size=40), st.sampled_from([1e-6, 3.0, 1e6]))
def test_steps_do_not_depend_on_the_unit(values, factor):
    whole = [float(value) for value in values]
    assert changed_nights([value * factor for value in whole], 0) == changed_nights(whole, 0)


@given(st.lists(st.floats(-1e12, 1e12), max_size=40))
def test_any_series_has_a_number_of_nights(values):
    assert changed_nights(values, 0) in (0, 2, 3, 4)
