"""The noise that A/A runs show on a bench."""

from __future__ import annotations

import math
import random

import pytest
from camrig.errors import BaselineError
from camrig.gate.calibration import Noise, calibrate
from camrig.gate.limits import parse_limit
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.measure.batch import SampleBatch

PLAN = SequentialPlan((12, 24, 48), max_batches=60)


def timed(draw, count=30, offset=0.0, spread=0.05, late=0):
    batches = []
    for number in range(count):
        values = tuple((5 + offset) * draw.lognormvariate(0, spread) for _ in range(8))
        control = tuple((50 if number < late else 4) * draw.lognormvariate(0, 0.05) for _ in range(8))
        batches.append(SampleBatch(values, control=control))
    return Samples("ms", MetricKind.TIMED, tuple(batches))


def calibrated(*offsets, **options):
    draw = random.Random(4)
    runs = [({"m": timed(draw, **options)}, {"m": timed(draw, offset=offset, **options)}) for offset in offsets]
    return calibrate(runs, PLAN)["m"]


def test_the_noise_of_times_agrees_with_theory():
    noise = calibrated(0.0)
    assert (noise.unit, noise.batches, noise.bad) == ("ms", 30, 0)
    assert 0 < noise.share_floor < 0.04
    assert noise.floor == pytest.approx(5 * noise.share_floor, rel=0.2)
    # A batch's difference has a standard error of 0.05 sqrt(2/8); 48 batches, a tail of 0.0038, a power of 95 %.
    assert noise.share_reach == pytest.approx(0.025 * 4.3 / math.sqrt(48), rel=0.35)
    assert noise.control.middle == pytest.approx(4, rel=0.05)


def test_a_run_with_an_offset_raises_the_floor():
    alone, both = calibrated(0.0), calibrated(0.0, 1.0)
    assert both.floor > 0.9 > alone.floor
    assert both.batches == 60


def test_more_noise_increases_the_reach():
    assert calibrated(0.0, spread=0.2).share_reach > 2 * calibrated(0.0).share_reach


def test_bad_batches_are_left_out_of_a_calibration():
    noise = calibrated(0.0, late=6)
    assert noise.bad == 6
    assert noise.control.middle == pytest.approx(4, rel=0.05)


def test_constant_bytes_have_no_noise():
    exact = Samples("B", MetricKind.COUNTED, (SampleBatch((12_512.0,) * 4),) * 3)
    noise = calibrate([({"m": exact}, {"m": exact})], PLAN)["m"]
    assert (noise.floor, noise.reach, noise.share_floor, noise.share_reach, noise.control) == (0, 0, 0, 0, None)
    assert noise.smallest(parse_limit("m", "+16 B")) == 16


def test_bytes_that_differ_between_boots_raise_the_floor():
    low, high = (Samples("B", MetricKind.COUNTED, (SampleBatch((float(size),) * 4),) * 3) for size in (512, 528))
    assert calibrate([({"m": low}, {"m": low}), ({"m": low}, {"m": high})], PLAN)["m"].floor == 16


def test_one_count_per_boot_is_enough_for_a_calibration():
    low, high = (
        Samples("B", MetricKind.COUNTED, (SampleBatch((5_000.0,)), SampleBatch((count,))))
        for count in (5_000.0, 5_016.0)
    )
    noise = calibrate([({"m": low}, {"m": high}), ({"m": high}, {"m": high})], PLAN)["m"]
    assert (noise.floor, noise.reach) == (16, 32)
    assert noise.share_floor == pytest.approx(16 / 5_000)
    assert noise.smallest(parse_limit("m", "+0 B")) == 48


def test_the_noise_of_a_slope_has_no_share():
    draw = random.Random(5)
    sides = [
        Samples(
            "B/request",
            MetricKind.SLOPE,
            (SampleBatch(tuple(draw.gauss(6e4, 50) for _ in range(26)), at=tuple(map(float, range(0, 520, 20)))),),
        )
        for _ in range(2)
    ]
    noise = calibrate([({"m": sides[0]}, {"m": sides[1]})], PLAN)["m"]
    assert 0 < noise.floor < 1
    assert 0 < noise.reach < 2
    assert noise.share_floor is noise.share_reach is noise.control is None


def test_the_smallest_change_that_a_limit_finds():
    noise = Noise("ms", 30, 0, 0.5, 0.25, 0.02, 0.04, None)
    assert noise.smallest(parse_limit("m", "+10%")) == pytest.approx(1.1 * 1.04 - 1)
    assert noise.smallest(parse_limit("m", "+1%")) == pytest.approx(1.02 * 1.04 - 1)
    assert noise.smallest(parse_limit("m", "+0 ms")) == 0.75
    assert noise.smallest(parse_limit("m", "< 9 ms")) is None
    assert Noise("B", 3, 0, 0, 0, None, None, None).smallest(parse_limit("m", "+10%")) is None
    assert noise.floor_for(parse_limit("m", "< 9 ms")) is None


def test_a_calibration_from_too_little_is_refused():
    draw = random.Random(1)
    enough, few = timed(draw), timed(draw, count=4)
    for runs, message in (
        ([], "at least one run"),
        ([({"m": enough}, {})], "lacks m"),
        ([({"m": enough}, {"m": few})], "lacks batches of m"),
        ([({"m": few}, {"m": few})], "too few good batches"),
        ([({"m": timed(draw, count=0)}, {"m": timed(draw, count=0)})], "too few good batches"),
    ):
        with pytest.raises(BaselineError, match=message):
            calibrate(runs, PLAN)
