"""Statistics and the recorder."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rig.measure.recorder import Recorder
from rig.measure.stats import quantile, summary

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(numbers)
def test_median_agrees_with_the_standard_library(values):
    assert quantile(values, 0.5) == pytest.approx(statistics.median(values), abs=1e-9)


@given(numbers, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise_and_stay_inside(values, p, q):
    low, high = sorted((p, q))
    assert min(values) - 1e-9 <= quantile(values, low) <= quantile(values, high) + 1e-9 <= max(values) + 1e-6


def test_known_percentiles():
    found = summary(range(1, 102))
    assert (found.n, found.median, found.p95, found.p99, found.low, found.high) == (101, 51, 96, 100, 1, 101)


@pytest.mark.parametrize(("values", "q"), [([], 0.5), ([1], -0.1), ([1], 1.1)])
def test_no_quantile_of_nothing(values, q):
    with pytest.raises(ValueError):
        quantile(values, q)


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
