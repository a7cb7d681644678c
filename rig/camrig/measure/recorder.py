"""Collects what tests measure: named samples with a unit, in the order they were first named."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from camrig.measure.slope import rise
from camrig.measure.statistics import Summary, summary


class Taken(NamedTuple):
    """What one call recorded: ``values``, the ``control`` samples taken between them, a slope's places ``at``."""

    values: tuple[float, ...]
    control: tuple[float, ...] = ()
    at: tuple[float, ...] = ()


@dataclass
class Metric:
    """All that was recorded under one name, in order. With places, it is a slope: ``unit`` is that of the rise."""

    name: str
    unit: str
    batches: list[Taken] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """Every value of every batch."""
        return [value for batch in self.batches for value in batch.values]

    @property
    def places(self) -> bool:
        """Whether the values are points along something, so that their rise is what counts."""
        return any(batch.at for batch in self.batches)

    @property
    def summary(self) -> Summary:
        """The sample in five figures; of a slope, the rise and its 95 % interval, as the gate has it."""
        if not self.places:
            return summary(self.values)
        found = rise([list(zip(batch.at, batch.values, strict=True)) for batch in self.batches])
        return Summary(len(self.values), found.value, found.value, found.value, found.low, found.high)


class Recorder:
    """The samples of one board in one run, and plain data to keep beside them."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self.notes: dict[str, Any] = {}

    @property
    def metrics(self) -> list[Metric]:
        return [metric for metric in self._metrics.values() if metric.values]

    def record(
        self,
        name: str,
        values: float | Iterable[float],
        unit: str,
        control: Iterable[float] = (),
        at: Iterable[float] = (),
    ) -> None:
        """Add one value or several under ``name``: a batch, with its ``control`` samples and places ``at``.

        Raises ValueError for a unit that differs from the one the name has, a value that is no finite number, or
        points without their places.
        """
        metric = self._metrics.setdefault(name, Metric(name, unit))
        if metric.unit != unit:
            raise ValueError(f"{name} is measured in {metric.unit}, not {unit}")
        batch = Taken(
            _numbers([values] if isinstance(values, (int, float)) else values), _numbers(control), _numbers(at)
        )
        if not all(math.isfinite(value) for one in batch for value in one):
            raise ValueError(f"{name} got a value that is no finite number")
        if batch.at and (len(set(batch.at)) < 2 or len(set(batch.at)) != len(batch.values)):
            raise ValueError(f"{name} wants two points or more, each with a place of its own")
        if batch.values and metric.values and bool(batch.at) != metric.places:
            raise ValueError(f"{name} got points along something, and values that are none")
        if batch.values:
            metric.batches.append(batch)


def _numbers(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
