"""What each look may spend, and which batches count."""

from __future__ import annotations

import random

import pytest
from camrig.gate.control_samples import in_order, mark, usual
from camrig.gate.samples import Batch, Kind, Samples
from camrig.gate.sequential_plan import Plan, single
from hypothesis import given
from hypothesis import strategies as st

plans = st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True).map(
    lambda looks: Plan(tuple(sorted(looks)), most=500)
)


@given(plans, st.integers(1, 20))
def test_all_looks_together_spend_no_more_than_promised(plan, metrics):
    spent = [plan.errors(look, metrics, look - 1) for look in range(len(plan.looks))]
    assert all(alarm > 0 and miss > 0 for alarm, miss in spent)
    assert sum(alarm for alarm, _ in spent) * metrics == pytest.approx(plan.false_alarm)
    assert sum(miss for _, miss in spent) == pytest.approx(plan.false_pass)


@given(plans, st.integers(0, 600))
def test_a_look_is_due_with_its_batches(plan, good):
    assert plan.look(good) == sum(look <= good for look in plan.looks)


@given(plans)
def test_a_look_spends_what_skipped_looks_left(plan):
    last = len(plan.looks) - 1
    assert plan.errors(last, 1, -1) == (pytest.approx(plan.false_alarm), pytest.approx(plan.false_pass))
    alarms = [plan.errors(look, 1, look - 1)[0] for look in range(1, last + 1)]
    assert plan.errors(last, 1, 0)[0] == pytest.approx(sum(alarms) if alarms else 0, abs=1e-12)


def test_one_look_spends_all():
    assert single(0.01, 0.05).errors(0, 2, -1) == (pytest.approx(0.005), pytest.approx(0.05))


@pytest.mark.parametrize(
    "how", [{"looks": ()}, {"looks": (5, 5)}, {"looks": (9, 5)}, {"looks": (0, 5)}, {"most": 10},
            {"false_alarm": 0}, {"false_alarm": 0.5}, {"false_pass": 1}]
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(how):
    with pytest.raises(ValueError):
        Plan(**how)


def radio(draw: random.Random, delay: float) -> tuple[float, ...]:
    return tuple(10 * draw.lognormvariate(0, 0.2) + (draw.expovariate(1 / delay) if delay else 0) for _ in range(10))


def test_batches_of_a_bad_minute_are_told_and_few_others():
    draw = random.Random(1)
    delays = [30 if place % 3 == 1 else 0 for place in range(300)]
    marks = [mark(radio(draw, delay)) for delay in delays]
    flags = in_order(marks, usual(marks))
    assert not any(flag for flag, delay in zip(flags, delays, strict=True) if delay)
    assert sum(flag for flag, delay in zip(flags, delays, strict=True) if not delay) >= 194


@given(st.lists(st.floats(1, 100), min_size=1, max_size=12), st.sampled_from([2.0, 4.0, 0.5]))
def test_the_scale_of_time_does_not_matter(levels, factor):
    marks, scaled = [mark([level]) for level in levels], [mark([factor * level]) for level in levels]
    assert in_order(marks, usual(marks)) == in_order(scaled, usual(scaled))


def test_without_control_samples_nothing_is_in_order():
    assert mark(()) is None
    assert in_order([None, None], usual([None, None])) == [False, False]
    some = [mark([1.0]), None, mark([1.0])]
    assert in_order(some, usual(some)) == [True, False, True]


def test_another_day_may_differ_more():
    like = usual([mark([10.0])] * 5)
    assert in_order([mark([13.0])], like) == [False]
    assert in_order([mark([13.0]), mark([16.0]), mark([4.0])], like.loosened()) == [True, False, False]


@pytest.mark.parametrize(
    "how",
    [
        {"values": (float("nan"),)},
        {"values": (1.0,), "control": (float("inf"),)},
        {"values": (1.0, 2.0), "at": (1.0,)},
        {"values": (1.0, 2.0), "at": (1.0, 1.0)},
    ],
)
def test_a_batch_of_nonsense_is_refused(how):
    with pytest.raises(ValueError, match="batch"):
        Batch(**how)


def test_only_slopes_have_places():
    for kind, batch in ((Kind.SLOPE, Batch((1.0,))), (Kind.TIMED, Batch((1.0,), at=(0.0,)))):
        with pytest.raises(ValueError, match="slope"):
            Samples("B", kind, (batch,))


def test_constant_takes_two():
    def counted(*values):
        return Samples("B", Kind.COUNTED, tuple(Batch((value,)) for value in values))

    assert counted(5.0, 5.0).constant
    assert not counted(5.0).constant
    assert not counted(5.0, 6.0).constant
    assert counted(1.0, 2.0, 3.0).take([True, False, True]).values == (1.0, 3.0)
