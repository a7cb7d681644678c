"""What A/A runs say about a bench."""

from __future__ import annotations

import math
import random

import pytest
from camrig.errors import BaselineError
from camrig.gate.calibration import Noise, calibrate
from camrig.gate.limits import parse_limit
from camrig.gate.samples import Batch, Kind, Samples
from camrig.gate.sequential_plan import Plan

PLAN = Plan((12, 24, 48), most=60)


def timed(draw, batches=30, offset=0.0, noise=0.05, late=0):
    found = []
    for place in range(batches):
        values = tuple((5 + offset) * draw.lognormvariate(0, noise) for _ in range(8))
        watch = tuple((50 if place < late else 4) * draw.lognormvariate(0, 0.05) for _ in range(8))
        found.append(Batch(values, control=watch))
    return Samples("ms", Kind.TIMED, tuple(found))


def calibrated(*offsets, **how):
    draw = random.Random(4)
    runs = [({"m": timed(draw, **how)}, {"m": timed(draw, offset=offset, **how)}) for offset in offsets]
    return calibrate(runs, PLAN)["m"]


def test_noise_of_times():
    found = calibrated(0.0)
    assert (found.unit, found.batches, found.bad) == ("ms", 30, 0)
    assert 0 < found.share_floor < 0.04
    assert found.floor == pytest.approx(5 * found.share_floor, rel=0.2)
    # A batch's difference has a standard error of 0.05 sqrt(2/8); 48 batches, a tail of 0.0038 and a power of 95 %.
    assert found.share_reach == pytest.approx(0.025 * 4.3 / math.sqrt(48), rel=0.35)
    assert found.control.middle == pytest.approx(4, rel=0.05)


def test_a_second_run_that_starts_elsewhere_raises_the_floor_but_not_the_reach():
    one, both = calibrated(0.0), calibrated(0.0, 1.0)
    assert both.floor > 0.9 > one.floor
    assert both.batches == 60


def test_louder_noise_reaches_less_far():
    assert calibrated(0.0, noise=0.2).share_reach > 2 * calibrated(0.0).share_reach


def test_bad_batches_do_not_calibrate():
    found = calibrated(0.0, late=6)
    assert found.bad == 6
    assert found.control.middle == pytest.approx(4, rel=0.05)


def test_exact_bytes_have_no_noise():
    exact = Samples("B", Kind.COUNTED, (Batch((12_512.0,) * 4),) * 3)
    found = calibrate([({"m": exact}, {"m": exact})], PLAN)["m"]
    assert (found.floor, found.reach, found.share_floor, found.share_reach, found.control) == (0, 0, 0, 0, None)
    assert found.smallest(parse_limit("m", "+16 B")) == 16


def test_bytes_that_differ_from_boot_to_boot_raise_the_floor():
    low, high = (Samples("B", Kind.COUNTED, (Batch((float(size),) * 4),) * 3) for size in (512, 528))
    assert calibrate([({"m": low}, {"m": low}), ({"m": low}, {"m": high})], PLAN)["m"].floor == 16


def test_a_count_of_each_boot_calibrates_though_it_is_one_of_two():
    low, high = (Samples("B", Kind.COUNTED, (Batch((5_000.0,)), Batch((more,)))) for more in (5_000.0, 5_016.0))
    found = calibrate([({"m": low}, {"m": high}), ({"m": high}, {"m": high})], PLAN)["m"]
    assert (found.floor, found.reach) == (16, 32)
    assert found.share_floor == pytest.approx(16 / 5_000)
    assert found.smallest(parse_limit("m", "+0 B")) == 48


def test_slopes_have_no_share():
    draw = random.Random(5)
    sides = [
        Samples(
            "B/request",
            Kind.SLOPE,
            (Batch(tuple(draw.gauss(6e4, 50) for _ in range(26)), at=tuple(map(float, range(0, 520, 20)))),),
        )
        for _ in range(2)
    ]
    found = calibrate([({"m": sides[0]}, {"m": sides[1]})], PLAN)["m"]
    assert 0 < found.floor < 1
    assert 0 < found.reach < 2
    assert found.share_floor is found.share_reach is found.control is None


def test_the_smallest_change_for_a_limit():
    noise = Noise("ms", 30, 0, 0.5, 0.25, 0.02, 0.04, None)
    assert noise.smallest(parse_limit("m", "+10%")) == pytest.approx(1.1 * 1.04 - 1)
    assert noise.smallest(parse_limit("m", "+1%")) == pytest.approx(1.02 * 1.04 - 1)
    assert noise.smallest(parse_limit("m", "+0 ms")) == 0.75
    assert noise.smallest(parse_limit("m", "< 9 ms")) is None
    assert Noise("B", 3, 0, 0, 0, None, None, None).smallest(parse_limit("m", "+10%")) is None
    assert noise.floor_for(parse_limit("m", "< 9 ms")) is None


def test_what_cannot_calibrate_is_refused():
    draw = random.Random(1)
    some, few = timed(draw), timed(draw, batches=4)
    for runs, says in (
        ([], "at least one run"),
        ([({"m": some}, {})], "lacks m"),
        ([({"m": some}, {"m": few})], "lacks batches of m"),
        ([({"m": few}, {"m": few})], "too few batches"),
        ([({"m": timed(draw, batches=0)}, {"m": timed(draw, batches=0)})], "too few batches"),
    ):
        with pytest.raises(BaselineError, match=says):
            calibrate(runs, PLAN)
