"""The verdicts of slopes: bytes in use over the number of requests."""

from __future__ import annotations

import random

import pytest
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.verdict import Outcome
from camrig.measure.batch import SampleBatch

from tests_unit.gate.samples_under_test import heap, judge_one


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


def test_a_leak_of_eight_bytes_a_request_in_a_list_is_regressed():
    def boot():
        ends = [8 * 2 ** (x + 100).bit_length() for x in range(0, 1921, 48)]
        return [ends[n : n + 11] for n in range(0, 40, 10)]

    series = tuple(
        SampleBatch(tuple(map(float, part)), at=tuple(48.0 * n for n in range(len(part)))) for part in boot() + boot()
    )
    samples = Samples("B/request", MetricKind.SLOPE, series)
    assert judge_one(samples, None, "< 1 B/request").outcome is Outcome.REGRESSED


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


def test_a_downward_limit_on_a_slope_mirrors_the_interval():
    draw = random.Random(8)
    candidate, baseline = (heap(*(draw.gauss(60_000, 80) for _ in range(30))) for _ in range(2))
    up = judge_one(candidate, baseline, "+0 B/request").effect
    down = judge_one(baseline, candidate, "-0 B/request").effect
    assert (down.low, down.high) == (pytest.approx(-up.high), pytest.approx(-up.low))
