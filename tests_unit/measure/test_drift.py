"""Slow drifts over the nights: named early, dated, and never taken for steps."""

from __future__ import annotations

from random import Random

import pytest
from camrig.measure.drift import movement


def series(
    noise: float, flat: int, drifting: int, per_night: float = 0.1, seed: int = 1, after: int = 0
) -> list[float]:
    random = Random(seed)
    course = [0.0] * flat + [per_night * (night + 1) for night in range(drifting)]
    course += [per_night * drifting] * after
    return [100 + value + random.gauss(0, noise) for value in course]


@pytest.mark.parametrize("noise", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_drift_of_a_thousandth_a_night_is_named_before_five_hundredths(noise, seed):
    (drift,) = movement(series(noise, 60, 49, seed=seed)).drifts
    assert drift.lasts
    assert drift.per_night == pytest.approx(0.1, abs=0.04)
    assert abs(drift.start - 60) <= 15


@pytest.mark.parametrize("noise", [0.25, 0.5, 1.0])
@pytest.mark.parametrize("per_night", [0.1, -0.1])
def test_a_drift_is_not_a_row_of_steps(noise, per_night):
    known = movement(series(noise, 60, 100, per_night))
    assert known.steps == ()
    assert known.possible is None
    (drift,) = known.drifts
    assert drift.change == pytest.approx(100 * per_night, rel=0.2)
    assert drift.before == pytest.approx(100, abs=1)


def test_a_drift_that_has_ended_is_dated_at_both_ends():
    known = movement(series(0.5, 60, 80, after=60))
    assert known.steps == ()
    (drift,) = known.drifts
    assert not drift.lasts
    assert abs(drift.start - 60) <= 10
    assert abs(drift.end - 140) <= 10


def test_stairs_stay_steps():
    for seed in range(5):
        random = Random(seed)
        values = [100 + night // 70 * 3 + random.gauss(0, 1) for night in range(280)]
        known = movement(values)
        assert known.drifts == ()
        assert len(known.steps) == 3


def test_a_step_of_a_sudden_is_not_a_drift():
    for after in (2, 5, 9, 30):
        random = Random(after)
        values = [random.gauss(100, 1) for _ in range(60)] + [random.gauss(106, 1) for _ in range(after)]
        known = movement(values)
        assert known.drifts == ()
        assert [abs(step.index - 60) <= 1 for step in known.steps] == [True]


def test_noise_does_not_drift():
    for seed in range(20):
        random = Random(seed)
        assert movement([random.gauss(100, 1) for _ in range(200)]).drifts == ()


def test_few_nights_and_constant_figures_are_let_be():
    assert movement([1.0, 2, 3, 4, 5]).drifts == ()
    known = movement([2048.0] * 100)
    assert (known.steps, known.possible, known.drifts) == ((), None, ())
