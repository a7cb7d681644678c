"""The recorder keeps what tests measure, batch by batch."""

from __future__ import annotations

import pytest
from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import Recorder


def test_a_recorder_keeps_the_order_of_names_and_values():
    recorder = Recorder()
    recorder.record("b", [1, 2], "ms")
    recorder.record("a", 3, "B")
    recorder.record("b", 4.5, "ms")
    assert [(metric.name, metric.unit, metric.values) for metric in recorder.metrics] == [
        ("b", "ms", [1.0, 2.0, 4.5]),
        ("a", "B", [3.0]),
    ]


def test_a_recorder_refuses_another_unit_and_numbers_that_are_not_finite():
    recorder = Recorder()
    recorder.record("a", 1, "ms")
    with pytest.raises(ValueError, match="measured in ms"):
        recorder.record("a", 1, "s")
    with pytest.raises(ValueError, match=r"a cannot be recorded.*finite"):
        recorder.record("a", float("nan"), "ms")
    recorder.record("empty", [], "ms")
    assert [metric.name for metric in recorder.metrics] == ["a"]


@pytest.mark.parametrize("at", [[0], [0, 0], [0, 1, 2]])
def test_a_recorder_refuses_points_without_an_x_of_their_own(at):
    with pytest.raises(ValueError, match="leak cannot be recorded"):
        Recorder().record("leak", [1, 2][: len(at)], "B/request", at=at)


def test_a_recorder_keeps_slopes_and_plain_values_apart():
    recorder = Recorder()
    recorder.record("leak", [1, 2], "B/request", at=[0, 20])
    with pytest.raises(ValueError, match="leak cannot hold both"):
        recorder.record("leak", 1, "B/request")


@pytest.mark.parametrize(
    "numbers",
    [
        {"values": (float("nan"),)},
        {"values": (1.0,), "control": (float("inf"),)},
        {"values": (1.0, 2.0), "at": (1.0,)},
        {"values": (1.0, 2.0), "at": (1.0, 1.0)},
    ],
)
def test_a_batch_refuses_numbers_that_cannot_be_samples(numbers):
    with pytest.raises(ValueError, match=r"batch|x of its own"):
        SampleBatch(**numbers)
