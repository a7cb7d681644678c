"""The recorder keeps what tests measure."""

from __future__ import annotations

import pytest
from camrig.measure.recorder import Recorder


def test_recorder_keeps_order_and_values():
    recorder = Recorder()
    recorder.record("b", [1, 2], "ms")
    recorder.record("a", 3, "B")
    recorder.record("b", 4.5, "ms")
    assert [(metric.name, metric.unit, metric.values) for metric in recorder.metrics] == [
        ("b", "ms", [1.0, 2.0, 4.5]),
        ("a", "B", [3.0]),
    ]


def test_recorder_refuses_mixed_units_and_infinities():
    recorder = Recorder()
    recorder.record("a", 1, "ms")
    with pytest.raises(ValueError, match="measured in ms"):
        recorder.record("a", 1, "s")
    with pytest.raises(ValueError, match="finite"):
        recorder.record("a", float("nan"), "ms")
    recorder.record("empty", [], "ms")
    assert [metric.name for metric in recorder.metrics] == ["a"]
