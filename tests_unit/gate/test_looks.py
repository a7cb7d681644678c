"""Looks at one question share its error rates, and end with its answer."""

from __future__ import annotations

import pytest
from camrig.errors import BaselineError
from camrig.gate.looks import keep_look, load_looks, looks_path, plan_of_look
from camrig.gate.sequential_plan import one_look
from camrig.gate.verdict import Outcome


def test_all_looks_together_spend_the_rates_once():
    plans = [plan_of_look(one_look(), used) for used in range(1000)]
    assert sum(plan.false_alarm for plan in plans) == pytest.approx(0.01, rel=0.01)
    assert sum(plan.false_pass for plan in plans) == pytest.approx(0.05, rel=0.01)
    assert plans[0].false_alarm == 0.006
    assert sum(plan.false_alarm for plan in plans) < 0.01


def test_only_inconclusive_looks_count_and_an_answer_ends_them(tmp_path):
    path = looks_path(tmp_path, "good")
    assert load_looks(path) == {}
    for outcome in (Outcome.PASS, Outcome.BLOCKED):
        keep_look(path, "aa", outcome)
        assert not path.exists()
    for library in ("aa", "aa", "bb"):
        keep_look(path, library, Outcome.INCONCLUSIVE)
    assert load_looks(path) == {"aa": 2, "bb": 1}
    keep_look(path, "aa", Outcome.BLOCKED)
    assert load_looks(path) == {"aa": 2, "bb": 1}
    keep_look(path, "aa", Outcome.REGRESSED)
    assert load_looks(path) == {"bb": 1}


@pytest.mark.parametrize("text", ["", "{}", '{"kind": "looks", "schema": 1, "used": {"aa": 0}}'])
def test_a_damaged_file_of_looks_is_an_error(tmp_path, text):
    path = looks_path(tmp_path, "good")
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(BaselineError, match=r"good\.json"):
        load_looks(path)
