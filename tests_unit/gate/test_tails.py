"""The verdicts of tails: the share of slow requests, judged from the times on the board."""

from __future__ import annotations

import pytest
from camrig.errors import BaselineError, SettingsError
from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import Outcome
from camrig.measure.batch import SampleBatch

from tests_unit.gate.samples_under_test import timed

TAIL, ON_BOARD = "latency.preflight.tail", "latency.preflight.on_board"


def slow_seventh(samples):
    numbers = iter(range(100_000))
    return Samples(
        samples.unit,
        MetricKind.TIMED,
        tuple(
            SampleBatch(tuple(v * (3 if next(numbers) % 7 == 0 else 1) for v in batch.values), batch.control)
            for batch in samples.batches
        ),
    )


def verdict_of(candidate, baseline, limit="+5 points", **options):
    table = {ON_BOARD: candidate}, {ON_BOARD: baseline}
    options = {"plan": SequentialPlan(), "paired": True, "final": True, **options}
    return judge(*table, parse_limits({TAIL: limit, ON_BOARD: "+10%"}), **options).metrics


def test_three_times_slower_in_every_seventh_request_is_a_worse_tail():
    tail, median = verdict_of(slow_seventh(timed(1, 90)), timed(2, 90))
    assert (tail.outcome, median.outcome) == (Outcome.REGRESSED, Outcome.PASS)
    assert tail.effect.value == pytest.approx(14.3, abs=4)
    assert tail.candidate.median > 10 > tail.baseline.median
    assert "points" in tail.reason


def test_identical_libraries_have_the_same_tail():
    tail, _ = verdict_of(timed(1, 90), timed(2, 90))
    assert tail.outcome is Outcome.PASS
    assert verdict_of(timed(2, 90), slow_seventh(timed(1, 90)))[0].outcome is Outcome.PASS


def test_a_bad_radio_excludes_batches_of_a_tail_too():
    bad = range(0, 90, 3)
    tail, _ = verdict_of(timed(1, 90, delay=40, bad=bad), timed(2, 90, delay=40, bad=bad))
    assert tail.outcome is Outcome.PASS
    assert tail.candidate.bad > 0


@pytest.mark.parametrize("limit", ["+5%", "< 5 points", "+5 ms"])
def test_a_tail_is_limited_in_points(limit):
    with pytest.raises(SettingsError, match=TAIL):
        verdict_of(timed(1), timed(2), limit)


def test_a_tail_without_times_on_the_board_is_an_error():
    with pytest.raises(BaselineError, match=f"{TAIL} has a limit, but this run"):
        judge({}, {}, parse_limits({TAIL: "+5 points"}), plan=SequentialPlan(), paired=True)
    verdict = judge(
        {}, {}, parse_limits({TAIL: "+5 points"}), plan=SequentialPlan(), paired=True, blocked={TAIL: "not measured"}
    )
    assert verdict.outcome is Outcome.BLOCKED
