"""When the gate looks, and how much of its error rates each look spends."""

from __future__ import annotations

import pytest
from camrig.gate.sequential_plan import SequentialPlan, one_look
from hypothesis import given
from hypothesis import strategies as st

plans = st.lists(st.integers(1, 500), min_size=1, max_size=8, unique=True).map(
    lambda looks: SequentialPlan(tuple(sorted(looks)), max_batches=500)
)


@given(plans, st.integers(1, 20))
def test_all_looks_together_spend_the_error_rates(plan, metrics):
    spent = [plan.errors(look, metrics, look - 1) for look in range(len(plan.looks))]
    assert all(alarm > 0 and miss > 0 for alarm, miss in spent)
    assert sum(alarm for alarm, _ in spent) * metrics == pytest.approx(plan.false_alarm)
    assert sum(miss for _, miss in spent) == pytest.approx(plan.false_pass)


@given(plans, st.integers(0, 600))
def test_a_look_is_due_as_soon_as_its_batches_are_good(plan, good):
    assert plan.look(good) == sum(look <= good for look in plan.looks)


@given(plans)
def test_a_look_spends_what_skipped_looks_left(plan):
    last = len(plan.looks) - 1
    assert plan.errors(last, 1, -1) == (pytest.approx(plan.false_alarm), pytest.approx(plan.false_pass))
    alarms = [plan.errors(look, 1, look - 1)[0] for look in range(1, last + 1)]
    assert plan.errors(last, 1, 0)[0] == pytest.approx(sum(alarms) if alarms else 0, abs=1e-12)


def test_a_single_look_spends_everything():
    assert one_look(0.01, 0.05).errors(0, 2, -1) == (pytest.approx(0.005), pytest.approx(0.05))


@pytest.mark.parametrize(
    "options", [{"looks": ()}, {"looks": (5, 5)}, {"looks": (9, 5)}, {"looks": (0, 5)}, {"max_batches": 10},
                {"false_alarm": 0}, {"false_alarm": 0.5}, {"false_pass": 1}]
)  # fmt: skip
def test_an_impossible_plan_is_refused(options):
    with pytest.raises(ValueError):
        SequentialPlan(**options)
