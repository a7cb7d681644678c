"""Which batches count, by their control samples."""

from __future__ import annotations

import random

import pytest
from camrig.gate.control_samples import control_range, count_good, in_range, summarize_control
from hypothesis import given
from hypothesis import strategies as st


def radio_times(draw: random.Random, delay: float) -> tuple[float, ...]:
    return tuple(10 * draw.lognormvariate(0, 0.2) + (draw.expovariate(1 / delay) if delay else 0) for _ in range(10))


def test_batches_with_a_bad_radio_are_recognized_and_few_others():
    draw = random.Random(1)
    delays = [30 if number % 3 == 1 else 0 for number in range(300)]
    controls = [summarize_control(radio_times(draw, delay)) for delay in delays]
    flags = in_range(controls, control_range(controls))
    assert not any(flag for flag, delay in zip(flags, delays, strict=True) if delay)
    assert sum(flag for flag, delay in zip(flags, delays, strict=True) if not delay) >= 194


@given(st.lists(st.floats(1, 100), min_size=1, max_size=12), st.sampled_from([2.0, 4.0, 0.5]))
def test_the_scale_of_time_does_not_matter(levels, factor):
    controls = [summarize_control([level]) for level in levels]
    scaled = [summarize_control([factor * level]) for level in levels]
    assert in_range(controls, control_range(controls)) == in_range(scaled, control_range(scaled))


def test_a_batch_without_control_samples_is_never_in_range():
    assert summarize_control(()) is None
    assert in_range([None, None], control_range([None, None])) == [False, False]
    controls = [summarize_control([1.0]), None, summarize_control([1.0])]
    assert in_range(controls, control_range(controls)) == [True, False, True]


def test_good_batches_are_counted():
    assert count_good([]) == 0
    assert count_good([[10.0]] * 5 + [[90.0], []]) == 5


@pytest.mark.parametrize(("level", "expected"), [(13.0, True), (16.0, False), (4.0, False)])
def test_another_day_may_differ_by_more_than_another_batch(level, expected):
    usual = control_range([summarize_control([10.0])] * 5)
    assert in_range([summarize_control([level])], usual) == [False]
    assert in_range([summarize_control([level])], usual.widened()) == [expected]
