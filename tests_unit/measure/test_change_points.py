"""Steps over the nights: what is one, what is none, and on which night it is known."""

from __future__ import annotations

from math import sqrt
from random import Random

import pytest
from camrig.measure.change_points import Course, course, division
from camrig.measure.noise import noise_width, without_spikes
from hypothesis import given
from hypothesis import strategies as st


def noise(count: int, seed: int = 1, level: float = 100.0) -> list[float]:
    random = Random(seed)
    return [random.gauss(level, 1) for _ in range(count)]


def energy(values: list[float], point: int) -> float:
    """The statistic as Matteson and James write it, with an exponent of 1."""
    xs, ys = values[:point], values[point:]
    m, n = len(xs), len(ys)
    between = sum(abs(x - y) for x in xs for y in ys) * 2 / (m * n)
    left = sum(abs(a - b) for i, a in enumerate(xs) for b in xs[i + 1 :]) * 2 / (m * (m - 1))
    right = sum(abs(a - b) for i, a in enumerate(ys) for b in ys[i + 1 :]) * 2 / (n * (n - 1))
    return m * n / (m + n) * (between - left - right)


@pytest.mark.parametrize("count", [4, 5, 9, 30])
@pytest.mark.parametrize("seed", range(5))
def test_a_division_has_the_greatest_energy_distance(count, seed):
    random = Random(seed)
    values = [random.gauss(0, 1) + (index > count // 3) * 2 for index in range(count)]
    energies = {point: energy(values, point) for point in range(2, count - 1)}
    assert energies[division(values)] == pytest.approx(max(energies.values()))


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0, 3.0]])
def test_too_few_values_are_not_divided(values):
    assert division(values) == 0


def test_under_ten_nights_nothing_is_said():
    values = [1.0] * 5 + [9.0] * 5
    assert course(values[:9]) == Course()
    assert [step.index for step in course(values).steps] == [5]


@pytest.mark.parametrize("at", [0, 1, 30, 58, 59])
@pytest.mark.parametrize("widths", [6, 50, 1000])
def test_the_spike_of_a_night_is_not_a_step(at, widths):
    for seed in range(5):
        values = noise(60, seed)
        values[at] += widths
        assert course(values).steps == ()


def test_two_spikes_in_three_nights_are_not_a_step():
    for seed in range(10):
        values = noise(60, seed)
        values[30] += 20
        values[32] += 20
        assert course(values).steps == ()
        assert course(values[:33]).steps == ()


def test_a_step_is_possible_on_its_night_and_a_step_on_the_second():
    values = [*noise(60), 105.0]
    first = course(values)
    assert first.steps == ()
    assert first.possible is not None
    assert first.possible.index == 60
    (step,) = course([*values, 105.3]).steps
    assert step.index == 60
    assert 3.5 < step.widths < 6.5
    assert course([*values, 105.3]).possible is None
    assert course([*values, 100.0]).steps == ()  # the second night does not agree
    assert course([*values, 100.0]).possible is None


def test_bytes_that_never_vary_step_by_any_number():
    values = [2048.0] * 40 + [2064.0]
    assert course(values).steps == ()
    assert course(values).possible is not None
    (step,) = course([*values, 2064.0]).steps
    assert (step.index, step.before, step.after, step.change) == (40, 2048, 2064, 16)


def test_improvements_are_steps_too_and_levels_are_in_order():
    values = noise(60, 3) + noise(50, 4, 95.0) + noise(40, 5, 99.0)
    steps = course(values).steps
    assert [abs(step.index - place) <= 1 for step, place in zip(steps, (60, 110), strict=True)] == [True, True]
    assert steps[0].change < 0 < steps[1].change


def test_a_level_of_a_few_nights_within_a_year_is_seen():
    values = noise(200, 6) + noise(8, 7, 105.0) + noise(157, 8)
    assert [step.index for step in course(values).steps] == [200, 208]


def test_ten_steps_of_three_noise_widths_are_dated_within_a_night():
    dated = 0
    for seed in range(5):
        random = Random(seed)
        places = sorted(random.sample(range(20, 350, 15), 10))
        level, values = 100.0, []
        for night in range(365):
            level += random.choice((-3, 3)) if night in places else 0
            values.append(level + random.gauss(0, 1))
        steps = [step.index for step in course(values).steps]
        dated += sum(any(abs(step - place) <= 1 for step in steps) for place in places)
        assert len(steps) <= 11
    assert dated >= 46


def test_a_board_has_at_most_one_false_step_in_a_year():
    assert sum(len(course(noise(365, seed)).steps) for seed in range(40)) <= 1


def wandering(count: int, seed: int) -> list[float]:
    """Noise in which each night resembles the one before, with a correlation of 0.5."""
    random = Random(seed)
    values = [random.gauss(0, 1)]
    while len(values) < count:
        values.append(0.5 * values[-1] + sqrt(0.75) * random.gauss(0, 1))
    return values


def laplace(count: int, seed: int) -> list[float]:
    random = Random(seed)
    return [random.choice((-1, 1)) * random.expovariate(1) for _ in range(count)]


def spiky(count: int, seed: int) -> list[float]:
    random = Random(seed)
    return [random.gauss(0, 1) + random.choice((-10, 10)) * (random.random() < 0.03) for _ in range(count)]


@pytest.mark.parametrize("kind", [wandering, laplace, spiky])
def test_noise_that_is_not_normal_has_hardly_a_false_step(kind):
    steps = [course(kind(365, seed)[:night]).steps for seed in range(20) for night in range(25, 366, 20)]
    assert sum(map(bool, steps)) <= 3  # of 360 looks; without regard to the noise 20 and more where it wanders


@pytest.mark.parametrize("kind", [wandering, laplace, spiky])
def test_a_wide_step_is_found_in_noise_that_is_not_normal(kind):
    for seed in range(10):
        values = [value + 5 * (night >= 60) for night, value in enumerate(kind(100, seed))]
        assert [step.index for step in course(values).steps if abs(step.index - 60) <= 2], seed


def test_two_neighbouring_spikes_are_not_a_level_where_spikes_are_known():
    for seed in range(10):
        values = noise(100, seed)
        for night in (10, 60, 61):
            values[night] += 12
        assert course(values).steps == ()
        assert course(values[:62]).steps == ()


@given(
    st.lists(st.integers(-50, 50), min_size=10, max_size=40),
    st.sampled_from([1e-6, 0.1, 3.0, 1e6]),
    st.sampled_from([0.0, -1e3, 1e4]),
)
def test_steps_do_not_depend_on_unit_or_level(values, factor, offset):
    plain = [step.index for step in course([float(value) for value in values]).steps]
    moved = [step.index for step in course([(value + offset) * factor for value in values]).steps]
    assert plain == moved


@given(st.lists(st.floats(-1e12, 1e12), max_size=60))
def test_any_series_has_steps_in_order_within_it(values):
    indices = [step.index for step in course(values).steps]
    assert indices == sorted(set(indices))
    assert all(2 <= index <= len(values) - 2 for index in indices)


def test_neither_step_nor_drift_widens_the_noise():
    values = noise(200)
    width = noise_width(values)
    assert 0.8 < width < 1.2
    assert noise_width([value + (night > 100) * 50 for night, value in enumerate(values)]) == pytest.approx(
        width, 0.05
    )
    assert noise_width([value + night * 0.05 for night, value in enumerate(values)]) == pytest.approx(width, 0.05)


def test_only_a_lone_value_is_cut():
    assert without_spikes([0.0, 0, 0, 9, 0, 0, 0], 1.0) == [0, 0, 0, 1.5, 0, 0, 0]
    level = [0.0, 0, 0, 9, 9, 9]
    assert without_spikes(level, 1.0) == level
