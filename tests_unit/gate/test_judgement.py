"""What each kind of sample leads to: pass, regressed, inconclusive or blocked."""

from __future__ import annotations

import json
import random

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_INCONCLUSIVE, BaselineError, SettingsError
from camrig.gate.calibration import Noise
from camrig.gate.control_samples import ControlRange
from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan, one_look
from camrig.gate.verdict import Outcome, as_data
from camrig.measure.batch import SampleBatch
from hypothesis import given, settings
from hypothesis import strategies as st

PLAN = SequentialPlan((12, 24, 48), max_batches=60)


def counted(*batches, unit="B"):
    return Samples(unit, MetricKind.COUNTED, tuple(SampleBatch(tuple(map(float, batch))) for batch in batches))


def heap(*values):
    return Samples(
        "B/request",
        MetricKind.SLOPE,
        (SampleBatch(tuple(map(float, values)), at=tuple(20.0 * n for n in range(len(values)))),),
    )


def timed(seed, batches=24, factor=1.0, delay=0.0, bad=(), unit="ms", noise=0.05, control=True):
    draw = random.Random(seed)
    samples = []
    for number in range(batches):
        late = delay if number in bad else 0.0
        values = tuple(5 * factor * draw.lognormvariate(0, noise) + late * draw.random() * 2 for _ in range(8))
        control_values = tuple(4 * draw.lognormvariate(0, noise) + late * draw.random() * 2 for _ in range(8))
        samples.append(SampleBatch(values, control=control_values if control else ()))
    return Samples(unit, MetricKind.TIMED, tuple(samples))


def judge_one(candidate, baseline, limit, *, plan=PLAN, paired=True, final=True, noise=None):
    gate_verdict = judge(
        {"m": candidate},
        {} if baseline is None else {"m": baseline},
        parse_limits({"m": limit}),
        plan=plan,
        paired=paired,
        final=final,
        noise={"m": noise} if noise else None,
    )
    return gate_verdict.metrics[0]


def noise_of(floor, share=None, control=None, unit="ms"):
    return Noise(unit, 40, 0, floor, 1.0, share, share, control)


@pytest.mark.parametrize("extra", [0, 1, 16, 64])
@pytest.mark.parametrize("paired", [True, False])
def test_constant_bytes_are_exact_even_from_two_values(extra, paired):
    verdict = judge_one(counted([12_512 + extra] * 2), counted([12_512] * 2), "+0 B", paired=paired, plan=one_look())
    assert verdict.outcome is (Outcome.REGRESSED if extra else Outcome.PASS)
    assert (verdict.effect.value, verdict.effect.low, verdict.effect.high) == (extra, extra, extra)
    assert "exactly" in verdict.reason


@pytest.mark.parametrize(("extra", "outcome"), [(0, "pass"), (16, "regressed")])
@pytest.mark.parametrize("paired", [True, False])
def test_a_single_count_decides_but_is_not_called_exact(extra, outcome, paired):
    verdict = judge_one(counted([64 + extra]), counted([64]), "+0 B", plan=one_look(), paired=paired)
    assert verdict.outcome.value == outcome
    assert "exactly" not in verdict.reason
    assert judge_one(counted([64 + extra]), None, "< 80 B", plan=one_look()).outcome.value == outcome


@pytest.mark.parametrize(
    ("limit", "change", "outcome"),
    [
        ("+64 B", 64, "pass"), ("+63 B", 64, "regressed"), ("+10%", 10, "pass"), ("+9.9%", 10, "regressed"),
        ("-10%", -10, "pass"), ("-9%", -10, "regressed"), ("-10%", 50, "pass"), ("-0 B", -1, "regressed"),
        ("-0 B", 0, "pass"), ("+0%", 0, "pass"), ("+0%", -5, "pass"),
        ("< 110 B", 10, "regressed"), ("<= 110 B", 10, "pass"), ("< 111 B", 10, "pass"),
        ("> 110 B", 10, "regressed"), (">= 110 B", 10, "pass"), ("> 109 B", 10, "pass"),
        ("<= 109 B", 10, "regressed"),
    ],
)  # fmt: skip
def test_limits_on_counts_are_exact_to_the_byte(limit, change, outcome):
    assert judge_one(counted([100 + change] * 3), counted([100] * 3), limit, plan=one_look()).outcome.value == outcome


@settings(max_examples=30)
@given(st.integers(1, 10_000), st.integers(-500, 500), st.integers(0, 400))
def test_an_upward_limit_and_its_mirror_image_agree(level, change, size):
    up = judge_one(counted([20_000 + change] * 2), counted([20_000] * 2), f"+{size} B").outcome
    down = judge_one(counted([level - change] * 2), counted([level] * 2), f"-{size} B").outcome
    assert up is down


def test_extra_bytes_are_found_among_varying_counts():
    draw = random.Random(3)
    sides = [
        [[12_512 + extra + 16 * (draw.random() < 0.1) for _ in range(10)] for _ in range(14)] for extra in (64, 0)
    ]
    assert judge_one(counted(*sides[0]), counted(*sides[1]), "+0 B").outcome is Outcome.REGRESSED
    same = judge_one(counted(*sides[1]), counted(*sides[1][::-1]), "+0 B")
    assert same.outcome is Outcome.PASS


RARE = [[512, 512, 4608, 512, 4608]] * 12  # 4 KB in two of five requests, which no median shows
LEVELS = [[12_000, 12_608] * 3] * 12


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("limit", ["+0 B", "+10%"])
def test_extra_bytes_in_a_few_requests_are_found(paired, limit):
    verdict = judge_one(counted(*RARE), counted(*[[512] * 5] * 12), limit, plan=one_look(), paired=paired)
    assert verdict.outcome is Outcome.REGRESSED
    assert "exactly" not in verdict.reason
    falling = counted(*[[9_000 - count for count in batch] for batch in RARE])
    mirrored = judge_one(falling, counted(*[[8_488] * 5] * 12), "-0 B", plan=one_look(), paired=paired)
    assert mirrored.outcome is Outcome.REGRESSED


def test_extra_bytes_in_a_single_request_are_inconclusive():
    once = [*[[512] * 5] * 11, [512, 512, 4608, 512, 512]]
    verdict = judge_one(counted(*once), counted(*[[512] * 5] * 12), "+0 B", plan=one_look())
    assert (verdict.outcome, verdict.effect.high) == (Outcome.INCONCLUSIVE, 4096)
    assert judge_one(counted(*once), counted(*[[512] * 5] * 12), "+4096 B", plan=one_look()).outcome is Outcome.PASS


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [(LEVELS, "pass"), ([[12_000] * 6] * 12, "pass"), ([[12_608] * 6] * 12, "inconclusive"),
     ([[12_624] * 6] * 12, "regressed")],
)  # fmt: skip
def test_counts_that_the_baseline_reaches_too_are_not_a_regression(candidate, outcome, paired):
    verdict = judge_one(counted(*candidate), counted(*LEVELS), "+0 B", plan=one_look(), paired=paired)
    assert verdict.outcome.value == outcome
    assert "exactly" not in verdict.reason


def test_counts_that_differ_between_boots_are_judged_from_two_batches():
    boots = counted([5_000], [5_016])
    assert judge_one(boots, counted([5_016], [5_000]), "+0 B").outcome is Outcome.PASS
    assert judge_one(counted([5_040], [5_033]), boots, "+0 B").outcome is Outcome.REGRESSED
    # Two and two that vary by 16 bytes lie apart by chance in one case of six.
    assert judge_one(counted([5_032], [5_020]), boots, "+0 B").outcome is Outcome.INCONCLUSIVE
    assert (
        judge_one(counted([1], unit="n"), counted([0], unit="n"), "+0 n", paired=False).outcome is Outcome.REGRESSED
    )


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("factor", "outcome"), [(1.0, "pass"), (0.8, "pass"), (1.3, "regressed"), (1.1, "inconclusive")]
)
def test_times_with_a_relative_limit(paired, factor, outcome):
    verdict = judge_one(timed(1, factor=factor), timed(2), "+10%", paired=paired, plan=PLAN if paired else one_look())
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
        Samples("ms", MetricKind.TIMED, batches), timed(2, 40, noise=0.02), "+0.2 ms", paired=False, plan=one_look()
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


def test_a_downward_limit_on_a_slope_mirrors_the_interval():
    draw = random.Random(8)
    candidate, baseline = (heap(*(draw.gauss(60_000, 80) for _ in range(30))) for _ in range(2))
    up = judge_one(candidate, baseline, "+0 B/request").effect
    down = judge_one(baseline, candidate, "-0 B/request").effect
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))


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
    verdict = judge_one(kind(1, factor=1.07), kind(2), limit, **stored)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "camrig calibrate" in verdict.reason
    assert judge_one(kind(1, factor=1.4), kind(2), limit, **stored).outcome is Outcome.REGRESSED
    known = noise_of(0.001, 0.001, ControlRange(4, 4.2, 4, 4) if kind is timed else None, kind(1).unit)
    assert judge_one(kind(1, factor=1.07), kind(2), limit, noise=known, **stored).outcome is Outcome.REGRESSED
    assert judge_one(kind(1, factor=1.07), kind(2), limit, plan=PLAN).outcome is Outcome.REGRESSED


def test_error_rates_hold_only_where_the_noise_is_known():
    sides = {"m": timed(1)}, {"m": timed(2)}
    limits = parse_limits({"m": "+10%"})
    assert judge(*sides, limits, plan=PLAN, paired=True).holds
    assert not judge(*sides, limits, plan=one_look(), paired=False).holds
    assert judge(*sides, limits, plan=one_look(), paired=False, noise={"m": noise_of(0, 0.0)}).holds
    counts = {"m": counted([5])}
    assert judge(counts, counts, parse_limits({"m": "+0 B"}), plan=one_look(), paired=False).holds


@pytest.mark.parametrize(("rise", "outcome"), [(0, "pass"), (16, "regressed"), (1, "regressed"), (0.5, "pass")])
def test_a_constant_leak_is_judged_exactly(rise, outcome):
    assert (
        judge_one(heap(*(60_000 + rise * 20 * n for n in range(26))), None, "< 1 B/request").outcome.value == outcome
    )


def test_a_heap_that_rose_by_one_step_is_inconclusive():
    points = [60_000] * 20 + [64_096] * 6
    verdict = judge_one(heap(*points), None, "< 1 B/request")
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.effect.value == 0
    assert verdict.effect.high >= 4096 / 500
    assert "exactly" not in verdict.reason
    at = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    level = SampleBatch((64_096.0,) * 6, at=at)
    short = Samples(
        "B/request", MetricKind.SLOPE, (SampleBatch((60_000.0,) * 3 + (64_096.0,) * 3, at=at), level, level, level)
    )
    verdict = judge_one(short, None, "< 1 B/request")
    assert (verdict.outcome, verdict.effect.low, verdict.effect.high) == (Outcome.INCONCLUSIVE, 0, 4096 / 400)
    assert judge_one(heap(*points), None, "< 20 B/request").outcome is Outcome.PASS


def test_a_leak_is_compared_with_that_of_the_baseline():
    candidate, baseline = heap(*(60_000 + 60 * n for n in range(26))), heap(*(50_000 + 40 * n for n in range(26)))
    assert judge_one(candidate, baseline, "+0.5 B/request").outcome is Outcome.REGRESSED
    assert judge_one(candidate, baseline, "+1 B/request").outcome is Outcome.PASS
    verdict = judge_one(heap(60_000), baseline, "+1 B/request")
    assert verdict.outcome is Outcome.INCONCLUSIVE


def test_sides_may_differ_in_their_number_of_series():
    single, short = heap(*range(60_000, 60_026)), heap(*range(50_000, 50_026))
    longer = Samples(single.unit, MetricKind.SLOPE, single.batches * 3)
    assert judge_one(longer, short, "+1 B/request").outcome is Outcome.PASS
    assert judge_one(short, longer, "< 1 B/request").outcome is Outcome.PASS


def test_a_share_of_zero_is_blocked():
    verdict = judge_one(counted([5] * 3), counted([0] * 3), "+10%", plan=one_look())
    assert verdict.outcome is Outcome.BLOCKED
    assert "above zero" in verdict.reason


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
