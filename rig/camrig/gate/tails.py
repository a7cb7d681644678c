"""Tails of times: ``latency.KIND.tail`` is judged from the samples of ``latency.KIND.on_board``.

It limits the share of slow requests, in percentage points: ``+5 points``. The median of a library that is three times
slower in every seventh request does not move.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from camrig.gate.samples import MetricKind, Samples
from camrig.measure.statistics import median
from camrig.measure.tail import exceedances

UNIT = "points"
_PREFIX, _TAIL, _SOURCE = "latency.", ".tail", ".on_board"


def source_of(metric: str) -> str:
    """The metric whose samples ``metric`` is judged from: itself, unless it is a tail."""
    if metric.startswith(_PREFIX) and metric.endswith(_TAIL):
        return metric.removesuffix(_TAIL) + _SOURCE
    return metric


def judged_samples(table: Mapping[str, Samples], metric: str) -> Samples | None:
    """The samples of ``table`` that ``metric`` is judged from; None without any."""
    samples = table.get(source_of(metric))
    if samples is None or source_of(metric) == metric:
        return samples
    return replace(samples, unit=UNIT, kind=MetricKind.TAIL)


def points(values: tuple[float, ...]) -> float:
    """The share of slow values among these, by their own median, in percentage points."""
    return 100 * exceedances(values, median(values))
