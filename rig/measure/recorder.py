"""Collects what tests measure: named samples with a unit, in the order they were first named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from rig.measure.stats import Summary, summary


@dataclass
class Metric:
    """All values of one name, in the order they were recorded."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)

    @property
    def summary(self) -> Summary:
        return summary(self.values)


class Recorder:
    """The samples of one board in one run."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self.notes: dict[str, Any] = {}  # what belongs beside the figures: orders, radio facts; plain data

    @property
    def metrics(self) -> list[Metric]:
        return [metric for metric in self._metrics.values() if metric.values]

    def record(self, name: str, values: float | Iterable[float], unit: str) -> None:
        """Add one value or several under ``name``.

        Raises ValueError for a unit that differs from the one the name has, or a value that is no finite number.
        """
        metric = self._metrics.setdefault(name, Metric(name, unit))
        if metric.unit != unit:
            raise ValueError(f"{name} is measured in {metric.unit}, not {unit}")
        added = [float(value) for value in ([values] if isinstance(values, (int, float)) else values)]
        if not all(math.isfinite(value) for value in added):
            raise ValueError(f"{name} got a value that is no finite number")
        metric.values += added
