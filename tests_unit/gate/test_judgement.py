"""What samples lead to: pass, regressed, inconclusive or blocked."""

from __future__ import annotations

import json
import random

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_INCONCLUSIVE, BaselineError, SettingsError
from camrig.gate.control_samples import ControlRange
from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import one_look
from camrig.gate.verdict import Outcome, as_data
from camrig.measure.batch import SampleBatch

from tests_unit.gate.samples_under_test import PLAN, counted, heap, judge_one, noise_of, sessions_of, timed


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("factor", "outcome"), [(1.0, "pass"), (0.8, "pass"), (1.3, "regressed"), (1.1, "inconclusive")]
)
def test_times_with_a_relative_limit(paired, factor, outcome):
    baseline = timed(2) if paired else sessions_of(timed(2), timed(3), timed(4))
    verdict = judge_one(timed(1, factor=factor), baseline, "+10%", paired=paired, plan=PLAN if paired else one_look())
    assert verdict.outcome.value == outcome
    assert verdict.effect.low < verdict.effect.value < verdict.effect.high
    assert verdict.effect.value == pytest.approx(factor - 1, abs=0.03)


def test_times_with_an_absolute_limit_and_with_a_limit_on_the_value():
    assert judge_one(timed(1, factor=1.5), timed(2), "+2 ms").outcome is Outcome.REGRESSED
    assert judge_one(timed(1, factor=1.3), timed(2), "+2 ms").outcome is Outcome.PASS
    assert judge_one(timed(1), None, "< 5.5 ms", paired=False).outcome is Outcome.PASS
    assert judge_one(timed(1), None, "< 4.5 ms", paired=False).outcome is Outcome.REGRESSED
    assert judge_one(timed(1), timed(2), "< 5 ms").outcome is Outcome.INCONCLUSIVE


def test_a_metric_keeps_the_answer_of_the_first_look_that_decides():
    early, whole = timed(1, 12, 1.4), timed(1, 48, 1.4)
    first, last = judge_one(early, timed(2, 12), "+10%"), judge_one(whole, timed(2, 48), "+10%")
    assert first.outcome is last.outcome is Outcome.REGRESSED
    assert (first.look, last.look) == (1, 1)
    assert first.effect == last.effect


def test_a_verdict_stays_open_until_the_maximum_of_batches():
    few = judge_one(timed(1, 5), timed(2, 5), "+10%", final=False)
    assert (few.outcome, few.open) == (Outcome.INCONCLUSIVE, True)
    assert "5 batches so far" in few.reason
    between = judge_one(timed(1, 30, 1.1), timed(2, 30), "+10%", final=False)
    assert (between.outcome, between.open, between.look) == (Outcome.INCONCLUSIVE, True, 2)
    end = judge_one(timed(1, 60, 1.1), timed(2, 60), "+10%", final=False)
    assert (end.outcome, end.open, end.look) == (Outcome.INCONCLUSIVE, False, 3)
    assert not judge_one(timed(1, 5), timed(2, 5), "+10%").open


def test_bad_batches_are_excluded_and_counted():
    bad = range(0, 24, 3)
    verdict = judge_one(timed(1, delay=40, bad=bad), timed(2, delay=40, bad=bad), "+10%")
    assert verdict.outcome is Outcome.PASS
    assert verdict.candidate.bad == verdict.baseline.bad
    kept = verdict.candidate.batches - verdict.candidate.bad
    assert 0 < verdict.candidate.bad < verdict.candidate.batches
    assert verdict.candidate.n == kept * 8


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_a_radio_that_is_bad_in_most_batches_decides_nothing(factor):
    # Compared with the stored baseline of a quiet day, two thirds of the batches are out of range.
    verdict = judge_one(
        timed(1, factor=factor, delay=40, bad=range(16)), timed(2), "+10%", paired=False, plan=one_look()
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "radio" in verdict.reason
    assert verdict.candidate.bad == 16


def test_times_without_control_samples_decide_nothing():
    verdict = judge_one(timed(1, factor=2, control=False), timed(2, control=False), "+10%")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "not watched by control samples" in verdict.reason


def test_a_radio_outside_the_calibrated_range_decides_nothing():
    quiet, noisy = ControlRange(4, 4.2, 0.4, 0.4), ControlRange(1, 1.1, 0.1, 0.1)
    pair = timed(1), timed(2)
    assert judge_one(*pair, "+10%", noise=noise_of(0, 0.0, quiet)).outcome is Outcome.PASS
    assert judge_one(*pair, "+10%", noise=noise_of(0, 0.0, noisy)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("session", "library"), [(0.36, 0.0), (-0.36, 0.5)])
def test_a_difference_between_sessions_is_not_one_between_libraries(session, library):
    # 9 % on every exchange, control samples included, is too little to mark a batch as bad. As an increase it looks
    # like a slower library; as a decrease it hides one.
    quiet = timed(1, 40, noise=0.02)

    def shifted(values, shift):
        return tuple(value + shift for value in values)

    batches = tuple(
        SampleBatch(shifted(batch.values, session + library), shifted(batch.control, session))
        for batch in quiet.batches
    )
    verdict = judge_one(
        Samples("ms", MetricKind.TIMED, batches),
        sessions_of(*(timed(seed, 40, noise=0.02) for seed in (2, 3, 4))),
        "+0.2 ms",
        paired=False,
        plan=one_look(),
    )
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.candidate.bad < 10


@pytest.mark.parametrize("paired", [True, False])
def test_a_downward_limit_mirrors_the_interval(paired):
    plan = PLAN if paired else one_look()
    up = judge_one(timed(1), timed(2), "+0 ms", paired=paired, plan=plan).effect
    down = judge_one(timed(2), timed(1), "-0 ms", paired=paired, plan=plan).effect
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))
    assert up.value - up.low != pytest.approx(up.high - up.value)  # red needs more certainty than green


def test_a_change_below_the_noise_floor_is_not_red():
    pair = counted([580] * 3), counted([512] * 3)
    assert judge_one(*pair, "+0 B", noise=noise_of(64, unit="B")).outcome is Outcome.REGRESSED
    verdict = judge_one(*pair, "+0 B", noise=noise_of(80, unit="B"))
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "noise floor of +80 B" in verdict.reason
    assert verdict.floor == 80
    assert judge_one(counted([512] * 3), pair[1], "+0 B", noise=noise_of(80, unit="B")).outcome is Outcome.PASS
    share = judge_one(timed(1, factor=1.3), timed(2), "+10%", noise=noise_of(0, 0.5))
    assert share.outcome is Outcome.INCONCLUSIVE
    assert "noise floor of +50.0%" in share.reason
    # The floor is about changes: it does not apply to a limit on the value itself.
    assert judge_one(pair[0], None, "< 512 B", noise=noise_of(80, unit="B")).outcome is Outcome.REGRESSED


def relative(seed, factor=1.0):
    draw = random.Random(seed)
    shares = [[2 * factor * draw.lognormvariate(0, 0.05) for _ in range(8)] for _ in range(16)]
    return counted(*shares, unit="x")


@pytest.mark.parametrize("kind", [relative, timed])
@pytest.mark.parametrize("limit", ["+0%", "+0 "])
def test_a_few_percent_between_uncalibrated_sessions_are_inconclusive(kind, limit):
    limit = limit if limit.endswith("%") else limit + kind(1).unit
    stored = {"paired": False, "plan": one_look()}
    baseline = sessions_of(kind(2), kind(3), kind(4))
    assert judge_one(kind(1, factor=1.07), baseline, limit, **stored).outcome is Outcome.INCONCLUSIVE
    assert judge_one(kind(1, factor=1.4), baseline, limit, **stored).outcome is Outcome.REGRESSED
    fewer = sessions_of(kind(2), kind(3))
    verdict = judge_one(kind(1, factor=1.4), fewer, limit, **stored)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "the baseline holds 2 sessions" in verdict.reason
    assert "camrig calibrate" in verdict.reason
    known = noise_of(0.001, 0.001, ControlRange(4, 4.2, 4, 4) if kind is timed else None, kind(1).unit)
    assert judge_one(kind(1, factor=1.07), kind(2), limit, noise=known, **stored).outcome is Outcome.REGRESSED
    assert judge_one(kind(1, factor=1.07), kind(2), limit, plan=PLAN).outcome is Outcome.REGRESSED


def test_error_rates_hold_only_where_the_noise_is_known():
    sides = {"m": timed(1)}, {"m": timed(2)}
    limits = parse_limits({"m": "+10%"})
    assert judge(*sides, limits, plan=PLAN, paired=True).holds
    assert not judge(*sides, limits, plan=one_look(), paired=False).holds
    three = {"m": sessions_of(timed(2), timed(3), timed(4))}
    assert judge(sides[0], three, limits, plan=one_look(), paired=False).holds
    assert judge(*sides, limits, plan=one_look(), paired=False, noise={"m": noise_of(0, 0.0)}).holds
    counts = {"m": counted([5])}
    assert judge(counts, counts, parse_limits({"m": "+0 B"}), plan=one_look(), paired=False).holds


def test_outliers_are_counted_and_stay_in_the_sample():
    plain = timed(1)
    samples = Samples(
        "ms",
        MetricKind.TIMED,
        (SampleBatch((*plain.batches[0].values, 900.0), plain.batches[0].control), *plain.batches[1:]),
    )
    verdict = judge_one(samples, timed(2), "+10%", plan=one_look())
    assert verdict.candidate.high_outliers >= 1
    assert verdict.candidate.n == 24 * 8 + 1


def tables():
    candidate = {"slow": timed(1, factor=1.5), "same": timed(3), "edge": timed(5, factor=1.1)}
    return candidate, {"slow": timed(2), "same": timed(4), "edge": timed(6)}


@pytest.mark.parametrize(
    ("metrics", "blocked", "outcome", "code"),
    [
        (["same"], {}, Outcome.PASS, 0),
        (["same", "edge"], {}, Outcome.INCONCLUSIVE, EXIT_INCONCLUSIVE),
        (["same", "edge", "gone"], {"gone": "the board reset"}, Outcome.BLOCKED, EXIT_BLOCKED),
        (["same", "edge", "gone", "slow"], {"gone": "the board reset"}, Outcome.REGRESSED, 1),
    ],
)
def test_the_gate_is_as_bad_as_its_worst_metric(metrics, blocked, outcome, code):
    limits = parse_limits(dict.fromkeys(metrics, "+10%"))
    verdict = judge(*tables(), limits, plan=PLAN, paired=True, final=True, blocked=blocked)
    assert (verdict.outcome, verdict.exit_code) == (outcome, code)
    assert [metric.metric for metric in verdict.metrics] == metrics
    data = json.loads(json.dumps(as_data(verdict), allow_nan=False))
    assert (data["outcome"], data["exit_code"]) == (outcome.value, code)
    again = judge(*tables(), limits, plan=PLAN, paired=True, final=True, blocked=blocked)
    assert json.dumps(as_data(again)) == json.dumps(as_data(verdict))


def test_metrics_share_the_false_alarm_rate():
    alone = judge(*tables(), parse_limits({"same": "+10%"}), plan=PLAN, paired=True).metrics[0]
    three = judge(*tables(), parse_limits(dict.fromkeys(tables()[0], "+10%")), plan=PLAN, paired=True).metrics
    assert three[1].false_alarm == pytest.approx(alone.false_alarm / 3)
    assert three[1].false_pass == alone.false_pass


def test_a_count_that_never_varies_leaves_the_rate_to_the_others():
    candidate, baseline = tables()
    bytes_counted = Samples("B", MetricKind.COUNTED, (SampleBatch((64.0, 64.0)),))
    candidate, baseline = {**candidate, "bytes": bytes_counted}, {**baseline, "bytes": bytes_counted}
    limits = parse_limits({"same": "+10%", "bytes": "+0 B"})
    times, counts = judge(candidate, baseline, limits, plan=PLAN, paired=True).metrics
    assert counts.outcome is Outcome.PASS
    assert (
        times.false_alarm
        == judge(*tables(), parse_limits({"same": "+10%"}), plan=PLAN, paired=True).metrics[0].false_alarm
    )


def test_a_metric_without_samples_is_an_error():
    candidate, baseline = tables()
    limits = parse_limits({"same": "+10%"})
    with pytest.raises(BaselineError, match="same has a limit, but the baseline"):
        judge(candidate, {}, limits, plan=PLAN, paired=True)
    with pytest.raises(BaselineError, match="same has a limit, but this run"):
        judge({}, baseline, limits, plan=PLAN, paired=True)
    with pytest.raises(BaselineError, match="holds no samples"):
        judge({"same": Samples("ms", MetricKind.TIMED, ())}, baseline, limits, plan=PLAN, paired=False)
    with pytest.raises(SettingsError, match="no limits"):
        judge(candidate, baseline, {}, plan=PLAN, paired=True)


def test_a_limit_or_baseline_that_does_not_fit_is_refused():
    with pytest.raises(SettingsError, match="measured in ms"):
        judge_one(timed(1), timed(2), "+10 B")
    with pytest.raises(SettingsError, match="no share"):
        judge_one(heap(1, 2), heap(1, 2), "+10%")
    with pytest.raises(BaselineError, match="in the baseline timed in s"):
        judge_one(timed(1), timed(2, unit="s"), "+10%")
    with pytest.raises(ValueError, match="same number of batches"):
        judge_one(timed(1), timed(2, 23), "+10%")


def test_a_batch_without_values_on_one_side_is_bad():
    candidate, baseline = timed(1), timed(2)
    batches = tuple(
        SampleBatch((), batch.control) if number < 4 else batch for number, batch in enumerate(candidate.batches)
    )
    verdict = judge_one(Samples("ms", MetricKind.TIMED, batches), baseline, "+10%", plan=one_look())
    assert (verdict.outcome, verdict.candidate.bad, verdict.candidate.batches) == (Outcome.PASS, 4, 24)
