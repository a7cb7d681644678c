"""Axes: every value lies inside, in order, and ticks are few, round and inside."""

from __future__ import annotations

import pytest
from camrig.report.html.scale import round_numbers, scale_of
from hypothesis import given
from hypothesis import strategies as st

VALUES = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False).map(lambda value: round(value, 6))
POSITIVE = st.floats(min_value=1e-4, max_value=1e9)


@given(st.lists(VALUES, min_size=1, max_size=30), st.booleans())
def test_every_value_lies_between_the_ends_in_order(values, zero):
    scale = scale_of(values, 10, 700, zero=zero)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(9.9 <= place <= 700.1 for place in places)


@given(st.lists(POSITIVE, min_size=2, max_size=30))
def test_a_wide_range_is_logarithmic_and_keeps_the_order(values):
    scale = scale_of(values, 10, 700, log=True)
    assert scale.logarithmic == (max(values) / min(values) > 20)
    places = [scale(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(9.9 <= place <= 700.1 for place in places)


@given(st.lists(VALUES, min_size=1, max_size=5), st.integers(2, 8))
def test_ticks_are_inside_and_few(values, number):
    scale = scale_of(values, 0, 100)
    ticks = scale.ticks(number)
    assert 1 <= len(ticks) <= number + 2
    assert all(scale.low - 1e-6 <= tick <= scale.high + 1e-6 for tick in ticks)


@given(st.lists(POSITIVE, min_size=2, max_size=5))
def test_a_place_leads_back_to_its_value(values):
    scale = scale_of(values, 0, 1, log=True)
    for value in values:
        assert scale.value(scale(value)) == pytest.approx(value, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("low", "high", "number", "ticks"),
    [
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (0, 1, 4, [0, 0.25, 0.5, 0.75, 1]),
        (-3, 7, 5, [-2, 0, 2, 4, 6]),
        (118000, 121500, 4, [118000, 119000, 120000, 121000]),
    ],
)
def test_ticks_are_round(low, high, number, ticks):
    assert round_numbers(low, high, number) == ticks


def test_from_zero_on_starts_at_zero():
    assert scale_of([3.0, 8.0], 0, 100, zero=True)(0) == 0
    assert scale_of([3.0], 0, 100, zero=True)(0) == 0
