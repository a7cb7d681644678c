"""The samples of a metric, and what a run recorded as samples."""

from __future__ import annotations

import pytest
from camrig.gate.samples import MetricKind, Samples, recorded_samples
from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import Recorder


def counted(*values: float) -> Samples:
    return Samples("B", MetricKind.COUNTED, tuple(SampleBatch((value,)) for value in values))


def test_only_the_points_of_a_slope_have_an_x():
    for kind, batch in (
        (MetricKind.SLOPE, SampleBatch((1.0,))),
        (MetricKind.TIMED, SampleBatch((1.0,), at=(0.0,))),
    ):
        with pytest.raises(ValueError, match="slope"):
            Samples("B", kind, (batch,))


def test_samples_are_constant_from_two_equal_values():
    assert counted(5.0, 5.0).constant
    assert not counted(5.0).constant
    assert not counted(5.0, 6.0).constant


def test_batches_are_selected_by_their_flags():
    assert counted(1.0, 2.0, 3.0).select([True, False, True]).values == (1.0, 3.0)


def test_recorded_metrics_become_samples_of_their_kind():
    recorder = Recorder()
    recorder.record("time", [1.5, 2.5], "ms", control=[1.0])
    recorder.record("time", [3.5], "ms")
    recorder.record("bytes", 64, "B")
    recorder.record("leak", [1, 2], "B/request", at=[0, 20])
    recorder.record("not a limit's name", 1, "B")
    assert recorded_samples(recorder.metrics) == {
        "time": Samples("ms", MetricKind.TIMED, (SampleBatch((1.5, 2.5), (1.0,)), SampleBatch((3.5,)))),
        "bytes": Samples("B", MetricKind.COUNTED, (SampleBatch((64.0,)),)),
        "leak": Samples("B/request", MetricKind.SLOPE, (SampleBatch((1.0, 2.0), (), (0.0, 20.0)),)),
    }
