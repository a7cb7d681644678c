"""The coefficient of a control: none of it on a quiet bench, all of it on a loaded one."""

from __future__ import annotations

import random
from statistics import median, stdev

from camrig.measure.control import control_coefficient
from hypothesis import given
from hypothesis import strategies as st


def session(draw, common, batches=40):
    shared = [draw.gauss(0, common) for _ in range(batches)]
    return [(value + draw.gauss(0, 0.02), value + draw.gauss(0, 0.015)) for value in shared]


def spreads(common):
    """Of the levels as measured, less all of the control, and less the fitted part of it; medians of 40 sessions."""
    draw, rows = random.Random(3), []
    for _ in range(40):
        pairs = session(draw, common)
        fitted = control_coefficient([pairs])
        rows.append([stdev(level - share * control for control, level in pairs) for share in (0.0, 1.0, fitted)])
    return [median(column) for column in zip(*rows, strict=True)]


def test_a_quiet_bench_keeps_its_spread():
    raw, divided, fitted = spreads(0.0)
    assert fitted <= 1.02 * raw < divided


def test_a_loaded_bench_loses_the_spread_that_its_control_shares():
    raw, divided, fitted = spreads(0.12)
    assert fitted <= 1.05 * divided < 0.3 * raw


@given(st.lists(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), max_size=8), max_size=3))
def test_a_coefficient_lies_between_none_and_all(sessions):
    assert 0 <= control_coefficient(sessions) <= 1


def test_a_session_with_another_level_does_not_change_the_fit():
    draw = random.Random(7)
    first, second = session(draw, 0.12), session(draw, 0.12)
    moved = [(control + 5, level - 3) for control, level in second]
    assert abs(control_coefficient([first, moved]) - control_coefficient([first, second])) < 1e-9
