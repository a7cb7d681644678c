"""Student's t, and the interval of one session against several."""

from __future__ import annotations

import random

import pytest
from camrig.measure.sessions import session_shift, student_quantile


@pytest.mark.parametrize(
    ("freedom", "tail", "quantile"),
    [
        (1, 0.025, 12.706),
        (2, 0.05, 2.920),
        (3, 0.01, 4.541),
        (4, 0.025, 2.776),
        (5, 0.005, 4.032),
        (30, 0.025, 2.042),
    ],
)
def test_the_quantiles_of_student_are_those_of_the_tables(freedom, tail, quantile):
    assert student_quantile(freedom, tail) == pytest.approx(quantile, abs=0.001)


@pytest.mark.parametrize("spread", [0.0, 0.01, 0.03])
def test_sessions_of_the_expected_spread_and_less_keep_the_error_rate(spread):
    draw, missed = random.Random(4), 0
    for _ in range(2000):
        levels = [draw.gauss(0, spread) for _ in range(4)]
        missed += session_shift(levels[:1], levels[1:], 0.03, (0.05, 0.05)).low > 0
    assert missed <= 0.06 * 2000


@pytest.mark.parametrize(("new", "stored"), [(1, 3), (2, 3), (4, 4), (6, 3)])
def test_several_new_sessions_keep_the_error_rate_and_narrow_the_interval(new, stored):
    draw, missed = random.Random(5), 0
    for _ in range(2000):
        levels = [draw.gauss(0, 0.05) for _ in range(new + stored)]
        missed += session_shift(levels[:new], levels[new:], 0.03, (0.05, 0.05)).low > 0
    assert 0.02 * 2000 < missed <= 0.09 * 2000
    equal = [0.0] * stored
    single, several = (session_shift([0.1] * number, equal, 0.03, (0.05, 0.05)) for number in (1, new + 1))
    assert single.low < several.low < 0.1 < several.high < single.high


def test_the_spread_of_new_sessions_widens_the_interval():
    narrow = session_shift([1.0, 1.0], [0.0, 0.0, 0.0], 0.03, (0.05, 0.05))
    wide = session_shift([0.8, 1.2], [0.0, 0.0, 0.0], 0.03, (0.05, 0.05))
    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_larger_spread_widens_the_interval():
    narrow = session_shift([1.0], [0.0, 0.0, 0.0], 0.03, (0.05, 0.05))
    wide = session_shift([1.0], [-0.2, 0.0, 0.2], 0.03, (0.05, 0.05))
    assert narrow.value == wide.value == 1.0
    assert wide.low < narrow.low < 1 < narrow.high < wide.high


def test_arguments_out_of_range_are_refused():
    with pytest.raises(ValueError, match="two sessions"):
        session_shift([1.0], [1.0], 0.03, (0.05, 0.05))
    with pytest.raises(ValueError, match="one to compare"):
        session_shift([], [1.0, 1.0], 0.03, (0.05, 0.05))
    with pytest.raises(ValueError, match="degree of freedom"):
        student_quantile(0, 0.05)
