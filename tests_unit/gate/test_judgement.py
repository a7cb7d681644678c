"""Red, green, or an honest third answer: what each kind of sample leads to."""

from __future__ import annotations

import json
import random

import pytest
from camrig.errors import EXIT_BLOCKED, EXIT_INCONCLUSIVE, BaselineError, SettingsError
from camrig.gate.calibration import Noise
from camrig.gate.control_samples import Usual
from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import Batch, Kind, Samples
from camrig.gate.sequential_plan import Plan, single
from camrig.gate.verdict import Outcome, as_data
from hypothesis import given, settings
from hypothesis import strategies as st

PLAN = Plan((12, 24, 48), most=60)


def counted(*batches, unit="B"):
    return Samples(unit, Kind.COUNTED, tuple(Batch(tuple(map(float, batch))) for batch in batches))


def heap(*values):
    return Samples(
        "B/request", Kind.SLOPE, (Batch(tuple(map(float, values)), at=tuple(20.0 * n for n in range(len(values)))),)
    )


def timed(seed, batches=24, factor=1.0, delay=0.0, bad=(), unit="ms", noise=0.05, control=True):
    draw = random.Random(seed)
    found = []
    for place in range(batches):
        late = delay if place in bad else 0.0
        values = tuple(5 * factor * draw.lognormvariate(0, noise) + late * draw.random() * 2 for _ in range(8))
        watch = tuple(4 * draw.lognormvariate(0, noise) + late * draw.random() * 2 for _ in range(8))
        found.append(Batch(values, control=watch if control else ()))
    return Samples(unit, Kind.TIMED, tuple(found))


def verdict(candidate, baseline, limit, *, plan=PLAN, paired=True, final=True, noise=None):
    theirs = {} if baseline is None else {"m": baseline}
    known = {"m": noise} if noise else None
    whole = judge(
        {"m": candidate}, theirs, parse_limits({"m": limit}), plan=plan, paired=paired, final=final, noise=known
    )
    return whole.metrics[0]


def floor(of, share=None, control=None, unit="ms"):
    return Noise(unit, 40, 0, of, 1.0, share, share, control)


@pytest.mark.parametrize("more", [0, 1, 16, 64])
@pytest.mark.parametrize("paired", [True, False])
def test_equal_bytes_are_exact_however_few(more, paired):
    found = verdict(counted([12_512 + more] * 2), counted([12_512] * 2), "+0 B", paired=paired, plan=single())
    assert found.outcome is (Outcome.REGRESSED if more else Outcome.PASS)
    assert (found.effect.value, found.effect.low, found.effect.high) == (more, more, more)
    assert "exactly" in found.reason


@pytest.mark.parametrize(("more", "outcome"), [(0, "pass"), (16, "regressed")])
@pytest.mark.parametrize("paired", [True, False])
def test_one_count_is_taken_at_its_word_but_not_called_exact(more, outcome, paired):
    found = verdict(counted([64 + more]), counted([64]), "+0 B", plan=single(), paired=paired)
    assert found.outcome.value == outcome
    assert "exactly" not in found.reason
    assert verdict(counted([64 + more]), None, "< 80 B", plan=single()).outcome.value == outcome


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
def test_limits_are_kept_to_the_last_byte(limit, change, outcome):
    assert verdict(counted([100 + change] * 3), counted([100] * 3), limit, plan=single()).outcome.value == outcome


@settings(max_examples=30)
@given(st.integers(1, 10_000), st.integers(-500, 500), st.integers(0, 400))
def test_a_limit_upwards_and_its_mirror_agree(level, change, size):
    up = verdict(counted([20_000 + change] * 2), counted([20_000] * 2), f"+{size} B").outcome
    down = verdict(counted([level - change] * 2), counted([level] * 2), f"-{size} B").outcome
    assert up is down


def test_jittering_bytes_are_sampled_and_still_found():
    draw = random.Random(3)
    sides = [[[12_512 + more + 16 * (draw.random() < 0.1) for _ in range(10)] for _ in range(14)] for more in (64, 0)]
    assert verdict(counted(*sides[0]), counted(*sides[1]), "+0 B").outcome is Outcome.REGRESSED
    same = verdict(counted(*sides[1]), counted(*sides[1][::-1]), "+0 B")
    assert same.outcome is Outcome.PASS


RARE = [[512, 512, 4608, 512, 4608]] * 12  # 4 KB in two of five requests, and no median shows them
LEVELS = [[12_000, 12_608] * 3] * 12


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("limit", ["+0 B", "+10%"])
def test_extra_bytes_in_a_few_requests_are_found(paired, limit):
    found = verdict(counted(*RARE), counted(*[[512] * 5] * 12), limit, plan=single(), paired=paired)
    assert found.outcome is Outcome.REGRESSED
    assert "exactly" not in found.reason
    falls = counted(*[[9_000 - n for n in one] for one in RARE])
    turned = verdict(falls, counted(*[[8_488] * 5] * 12), "-0 B", plan=single(), paired=paired)
    assert turned.outcome is Outcome.REGRESSED


def test_extra_bytes_in_one_request_are_neither_red_nor_green():
    once = [*[[512] * 5] * 11, [512, 512, 4608, 512, 512]]
    found = verdict(counted(*once), counted(*[[512] * 5] * 12), "+0 B", plan=single())
    assert (found.outcome, found.effect.high) == (Outcome.INCONCLUSIVE, 4096)
    assert verdict(counted(*once), counted(*[[512] * 5] * 12), "+4096 B", plan=single()).outcome is Outcome.PASS


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("ours", "outcome"),
    [(LEVELS, "pass"), ([[12_000] * 6] * 12, "pass"), ([[12_608] * 6] * 12, "inconclusive"),
     ([[12_624] * 6] * 12, "regressed")],
)  # fmt: skip
def test_what_the_baseline_does_now_and_then_is_no_regression(ours, outcome, paired):
    found = verdict(counted(*ours), counted(*LEVELS), "+0 B", plan=single(), paired=paired)
    assert found.outcome.value == outcome
    assert "exactly" not in found.reason


def test_counts_that_differ_from_boot_to_boot_need_no_dozen_batches():
    boots = counted([5_000], [5_016])
    assert verdict(boots, counted([5_016], [5_000]), "+0 B").outcome is Outcome.PASS
    assert verdict(counted([5_040], [5_033]), boots, "+0 B").outcome is Outcome.REGRESSED
    # Two and two that vary by 16 bytes lie apart by chance in one case of six.
    assert verdict(counted([5_032], [5_020]), boots, "+0 B").outcome is Outcome.INCONCLUSIVE
    assert verdict(counted([1], unit="n"), counted([0], unit="n"), "+0 n", paired=False).outcome is Outcome.REGRESSED


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(
    ("factor", "outcome"), [(1.0, "pass"), (0.8, "pass"), (1.3, "regressed"), (1.1, "inconclusive")]
)
def test_times_against_a_share(paired, factor, outcome):
    found = verdict(timed(1, factor=factor), timed(2), "+10%", paired=paired, plan=PLAN if paired else single())
    assert found.outcome.value == outcome
    assert found.effect.low < found.effect.value < found.effect.high
    assert found.effect.value == pytest.approx(factor - 1, abs=0.03)


def test_times_against_a_difference_and_a_level():
    assert verdict(timed(1, factor=1.5), timed(2), "+2 ms").outcome is Outcome.REGRESSED
    assert verdict(timed(1, factor=1.3), timed(2), "+2 ms").outcome is Outcome.PASS
    assert verdict(timed(1), None, "< 5.5 ms", paired=False).outcome is Outcome.PASS
    assert verdict(timed(1), None, "< 4.5 ms", paired=False).outcome is Outcome.REGRESSED
    assert verdict(timed(1), timed(2), "< 5 ms").outcome is Outcome.INCONCLUSIVE


def test_a_metric_keeps_its_first_answer_and_later_batches_do_not_matter():
    early, whole = timed(1, 12, 1.4), timed(1, 48, 1.4)
    one, other = verdict(early, timed(2, 12), "+10%"), verdict(whole, timed(2, 48), "+10%")
    assert one.outcome is other.outcome is Outcome.REGRESSED
    assert (one.look, other.look) == (1, 1)
    assert one.effect == other.effect


def test_undecided_stays_open_until_no_more_may_come():
    few = verdict(timed(1, 5), timed(2, 5), "+10%", final=False)
    assert (few.outcome, few.open) == (Outcome.INCONCLUSIVE, True)
    assert "5 batches so far" in few.reason
    between = verdict(timed(1, 30, 1.1), timed(2, 30), "+10%", final=False)
    assert (between.outcome, between.open, between.look) == (Outcome.INCONCLUSIVE, True, 2)
    end = verdict(timed(1, 60, 1.1), timed(2, 60), "+10%", final=False)
    assert (end.outcome, end.open, end.look) == (Outcome.INCONCLUSIVE, False, 3)
    assert not verdict(timed(1, 5), timed(2, 5), "+10%").open


def test_bad_batches_are_left_out_but_counted():
    bad = range(0, 24, 3)
    found = verdict(timed(1, delay=40, bad=bad), timed(2, delay=40, bad=bad), "+10%")
    assert found.outcome is Outcome.PASS
    assert found.candidate.bad == found.baseline.bad
    kept = found.candidate.batches - found.candidate.bad
    assert 0 < found.candidate.bad < found.candidate.batches
    assert found.candidate.n == kept * 8


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_mostly_bad_radio_decides_nothing(factor):
    # Against the stored baseline of a quiet day two thirds are out of order: neither red nor green.
    found = verdict(timed(1, factor=factor, delay=40, bad=range(16)), timed(2), "+10%", paired=False, plan=single())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "radio" in found.reason
    assert found.candidate.bad == 16


def test_times_without_control_samples_decide_nothing():
    found = verdict(timed(1, factor=2, control=False), timed(2, control=False), "+10%")
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "unwatched" in found.reason


def test_radio_that_calibration_does_not_know_decides_nothing():
    quiet, wild = Usual(4, 4.2, 0.4, 0.4), Usual(1, 1.1, 0.1, 0.1)
    pair = timed(1), timed(2)
    assert verdict(*pair, "+10%", noise=floor(0, 0.0, quiet)).outcome is Outcome.PASS
    assert verdict(*pair, "+10%", noise=floor(0, 0.0, wild)).outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize(("session", "library"), [(0.36, 0.0), (-0.36, 0.5)])
def test_a_session_is_not_taken_for_a_library(session, library):
    # 9 % on every exchange, control samples included, is too little to mark a batch: more of it looks like a slower
    # library, less of it hides one.
    draw = timed(1, 40, noise=0.02)

    def moved(values, by):
        return tuple(value + by for value in values)

    batches = tuple(Batch(moved(one.values, session + library), moved(one.control, session)) for one in draw.batches)
    found = verdict(
        Samples("ms", Kind.TIMED, batches), timed(2, 40, noise=0.02), "+0.2 ms", paired=False, plan=single()
    )
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.candidate.bad < 10


@pytest.mark.parametrize("paired", [True, False])
def test_a_limit_downwards_mirrors_the_interval(paired):
    plan = PLAN if paired else single()
    up = verdict(timed(1), timed(2), "+0 ms", paired=paired, plan=plan).effect
    down = verdict(timed(2), timed(1), "-0 ms", paired=paired, plan=plan).effect
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))
    assert up.value - up.low != pytest.approx(up.high - up.value)  # red wants more certainty than green


def test_a_slope_limit_downwards_mirrors_the_interval():
    draw = random.Random(8)
    ours, theirs = (heap(*(draw.gauss(60_000, 80) for _ in range(30))) for _ in range(2))
    up = verdict(ours, theirs, "+0 B/request").effect
    down = verdict(theirs, ours, "-0 B/request").effect
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))


def test_nothing_below_the_noise_floor_is_red():
    pair = counted([580] * 3), counted([512] * 3)
    assert verdict(*pair, "+0 B", noise=floor(64, unit="B")).outcome is Outcome.REGRESSED
    found = verdict(*pair, "+0 B", noise=floor(80, unit="B"))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "noise floor of +80 B" in found.reason
    assert found.floor == 80
    assert verdict(counted([512] * 3), pair[1], "+0 B", noise=floor(80, unit="B")).outcome is Outcome.PASS
    share = verdict(timed(1, factor=1.3), timed(2), "+10%", noise=floor(0, 0.5))
    assert share.outcome is Outcome.INCONCLUSIVE
    assert "noise floor of +50.0%" in share.reason
    # A level is no change: what moves between two equal things does not excuse it.
    assert verdict(pair[0], None, "< 512 B", noise=floor(80, unit="B")).outcome is Outcome.REGRESSED


def relative(seed, factor=1.0):
    draw = random.Random(seed)
    shares = [[2 * factor * draw.lognormvariate(0, 0.05) for _ in range(8)] for _ in range(16)]
    return counted(*shares, unit="x")


@pytest.mark.parametrize("kind", [relative, timed])
@pytest.mark.parametrize("limit", ["+0%", "+0 "])
def test_another_session_on_an_unknown_bench_is_no_regression_by_a_few_percent(kind, limit):
    more = limit if limit.endswith("%") else limit + kind(1).unit
    stored = {"paired": False, "plan": single()}
    found = verdict(kind(1, factor=1.07), kind(2), more, **stored)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "camrig calibrate" in found.reason
    assert verdict(kind(1, factor=1.4), kind(2), more, **stored).outcome is Outcome.REGRESSED
    known = floor(0.001, 0.001, Usual(4, 4.2, 4, 4) if kind is timed else None, kind(1).unit)
    assert verdict(kind(1, factor=1.07), kind(2), more, noise=known, **stored).outcome is Outcome.REGRESSED
    assert verdict(kind(1, factor=1.07), kind(2), more, plan=PLAN).outcome is Outcome.REGRESSED


def test_rates_are_told_only_where_they_hold():
    sides = {"m": timed(1)}, {"m": timed(2)}
    limits = parse_limits({"m": "+10%"})
    assert judge(*sides, limits, plan=PLAN, paired=True).holds
    assert not judge(*sides, limits, plan=single(), paired=False).holds
    assert judge(*sides, limits, plan=single(), paired=False, noise={"m": floor(0, 0.0)}).holds
    bytes_ = {"m": counted([5])}
    assert judge(bytes_, bytes_, parse_limits({"m": "+0 B"}), plan=single(), paired=False).holds


@pytest.mark.parametrize(("rise", "outcome"), [(0, "pass"), (16, "regressed"), (1, "regressed"), (0.5, "pass")])
def test_exact_leaks(rise, outcome):
    assert verdict(heap(*(60_000 + rise * 20 * n for n in range(26))), None, "< 1 B/request").outcome.value == outcome


def test_a_heap_that_rose_by_a_step_has_not_passed():
    points = [60_000] * 20 + [64_096] * 6
    found = verdict(heap(*points), None, "< 1 B/request")
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.effect.value == 0
    assert found.effect.high >= 4096 / 500
    assert "exactly" not in found.reason
    at = (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    high = Batch((64_096.0,) * 6, at=at)
    short = Samples("B/request", Kind.SLOPE, (Batch((60_000.0,) * 3 + (64_096.0,) * 3, at=at), high, high, high))
    blind = verdict(short, None, "< 1 B/request")
    assert (blind.outcome, blind.effect.low, blind.effect.high) == (Outcome.INCONCLUSIVE, 0, 4096 / 400)
    assert verdict(heap(*points), None, "< 20 B/request").outcome is Outcome.PASS


def test_a_leak_against_the_baseline():
    ours, theirs = heap(*(60_000 + 60 * n for n in range(26))), heap(*(50_000 + 40 * n for n in range(26)))
    assert verdict(ours, theirs, "+0.5 B/request").outcome is Outcome.REGRESSED
    assert verdict(ours, theirs, "+1 B/request").outcome is Outcome.PASS
    found = verdict(heap(60_000), theirs, "+1 B/request")
    assert found.outcome is Outcome.INCONCLUSIVE


def test_sides_may_have_different_numbers_of_series():
    one, two = heap(*range(60_000, 60_026)), heap(*range(50_000, 50_026))
    longer = Samples(one.unit, Kind.SLOPE, one.batches * 3)
    assert verdict(longer, two, "+1 B/request").outcome is Outcome.PASS
    assert verdict(two, longer, "< 1 B/request").outcome is Outcome.PASS


def test_shares_of_nought_are_blocked_not_passed():
    found = verdict(counted([5] * 3), counted([0] * 3), "+10%", plan=single())
    assert found.outcome is Outcome.BLOCKED
    assert "above nought" in found.reason


def test_outliers_are_counted_and_kept():
    odd = timed(1)
    wild = Samples(
        "ms", Kind.TIMED, (Batch((*odd.batches[0].values, 900.0), odd.batches[0].control), *odd.batches[1:])
    )
    found = verdict(wild, timed(2), "+10%", plan=single())
    assert found.candidate.high_outliers >= 1
    assert found.candidate.n == 24 * 8 + 1


def tables():
    ours = {"slow": timed(1, factor=1.5), "same": timed(3), "edge": timed(5, factor=1.1)}
    return ours, {"slow": timed(2), "same": timed(4), "edge": timed(6)}


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
    found = judge(*tables(), limits, plan=PLAN, paired=True, final=True, blocked=blocked)
    assert (found.outcome, found.exit_code) == (outcome, code)
    assert [one.metric for one in found.metrics] == metrics
    data = json.loads(json.dumps(as_data(found), allow_nan=False))
    assert (data["outcome"], data["exit_code"]) == (outcome.value, code)
    again = judge(*tables(), limits, plan=PLAN, paired=True, final=True, blocked=blocked)
    assert json.dumps(as_data(again)) == json.dumps(as_data(found))


def test_more_metrics_share_one_false_alarm_rate():
    one = judge(*tables(), parse_limits({"same": "+10%"}), plan=PLAN, paired=True).metrics[0]
    three = judge(*tables(), parse_limits(dict.fromkeys(tables()[0], "+10%")), plan=PLAN, paired=True).metrics
    assert three[1].false_alarm == pytest.approx(one.false_alarm / 3)
    assert three[1].false_pass == one.false_pass


def test_what_is_missing_is_an_error_never_green():
    ours, theirs = tables()
    limits = parse_limits({"same": "+10%"})
    with pytest.raises(BaselineError, match="same has a limit, but the baseline"):
        judge(ours, {}, limits, plan=PLAN, paired=True)
    with pytest.raises(BaselineError, match="same has a limit, but this run"):
        judge({}, theirs, limits, plan=PLAN, paired=True)
    with pytest.raises(BaselineError, match="holds no samples"):
        judge({"same": Samples("ms", Kind.TIMED, ())}, theirs, limits, plan=PLAN, paired=False)
    with pytest.raises(SettingsError, match="no limits"):
        judge(ours, theirs, {}, plan=PLAN, paired=True)


def test_what_does_not_suit_is_refused():
    with pytest.raises(SettingsError, match="measured in ms"):
        verdict(timed(1), timed(2), "+10 B")
    with pytest.raises(SettingsError, match="no share"):
        verdict(heap(1, 2), heap(1, 2), "+10%")
    with pytest.raises(BaselineError, match="in the baseline timed in s"):
        verdict(timed(1), timed(2, unit="s"), "+10%")
    with pytest.raises(ValueError, match="without a partner"):
        verdict(timed(1), timed(2, 23), "+10%")


def test_a_batch_that_one_side_missed_does_not_count():
    ours, theirs = timed(1), timed(2)
    holes = tuple(Batch((), one.control) if place < 4 else one for place, one in enumerate(ours.batches))
    found = verdict(Samples("ms", Kind.TIMED, holes), theirs, "+10%", plan=single())
    assert (found.outcome, found.candidate.bad, found.candidate.batches) == (Outcome.PASS, 4, 24)
