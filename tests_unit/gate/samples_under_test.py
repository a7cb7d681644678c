"""Samples of each kind, and their verdict, for the tests of the gate."""

from __future__ import annotations

import random

from camrig.gate.calibration import Noise
from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.measure.batch import SampleBatch

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


def sessions_of(*sessions):
    """A baseline's samples from these sessions."""
    batches = tuple(batch for session in sessions for batch in session.batches)
    return Samples(sessions[0].unit, sessions[0].kind, batches, tuple(len(session.batches) for session in sessions))


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
