"""The default limits in force are those whose metrics the baseline can have: an application may have no camera."""

from __future__ import annotations

from types import SimpleNamespace

from camrig.compare.stored import applicable
from camrig.gate.limits import STREAM_RELATIVE, default_limits
from camrig.gate.samples import MetricKind, Samples
from camrig.measure.batch import SampleBatch

LIMITS = default_limits(paired=False)
PICTURES = {"latency.picture.added", "heap.picture.allocated"}
STREAMS = {"latency.stream.added", "heap.stream.allocated"}


def baseline(**values):
    metrics = {name: Samples("x", MetricKind.COUNTED, (SampleBatch(tuple(v)),)) for name, v in values.items()}
    return SimpleNamespace(joined=lambda: metrics)


def test_baseline_without_a_camera_leaves_its_limits_out():
    assert set(LIMITS) - set(applicable(LIMITS, baseline())) == {STREAM_RELATIVE} | PICTURES | STREAMS


def test_baseline_with_a_camera_keeps_them():
    stored = dict.fromkeys([STREAM_RELATIVE, *PICTURES, *STREAMS], (1.0, 1.0))
    assert applicable(LIMITS, baseline(**stored)) == LIMITS
