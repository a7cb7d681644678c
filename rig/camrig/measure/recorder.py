"""Collects what tests measure: named samples with a unit, in the order in which the names first appeared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from camrig.measure.batch import SampleBatch
from camrig.measure.statistics import Summary, summary


@dataclass
class RecordedMetric:
    """All batches recorded under one name, in order. ``unit`` is that of the values; of a slope, that of the rise."""

    name: str
    unit: str
    batches: list[SampleBatch] = field(default_factory=list)

    @property
    def values(self) -> list[float]:
        """Every value of every batch."""
        return [value for batch in self.batches for value in batch.values]

    @property
    def is_slope(self) -> bool:
        """Whether the values are points along an x, so that their rise is what counts."""
        return any(batch.at for batch in self.batches)

    @property
    def summary(self) -> Summary:
        """The sample in five figures; of a slope, the rise and its 95 % interval, as the gate computes it."""
        if not self.is_slope:
            return summary(self.values)
        from camrig.measure.growth import lasting_rise

        estimate = lasting_rise([list(zip(batch.at, batch.values, strict=True)) for batch in self.batches])
        return Summary(len(self.values), estimate.value, estimate.value, estimate.value, estimate.low, estimate.high)


class Recorder:
    """The samples of one board in one run, and plain data (notes) to keep beside them."""

    def __init__(self) -> None:
        self._metrics: dict[str, RecordedMetric] = {}
        self.notes: dict[str, Any] = {}

    @property
    def metrics(self) -> list[RecordedMetric]:
        return [metric for metric in self._metrics.values() if metric.values]

    def note(self, name: str, value: Any) -> None:
        """Keep plain data beside the metrics."""
        self.notes[name] = value

    def record(
        self,
        name: str,
        values: float | Iterable[float],
        unit: str,
        control: Iterable[float] = (),
        at: Iterable[float] = (),
    ) -> None:
        """Add one value or several under ``name``: a batch, with its ``control`` samples and the x of its points.

        Raises ValueError for a unit that differs from the metric's, for a value that is not a finite number, and for
        points without an x of their own.
        """
        metric = self._metrics.setdefault(name, RecordedMetric(name, unit))
        if metric.unit != unit:
            raise ValueError(f"{name} is measured in {metric.unit}, not {unit}")
        try:
            batch = SampleBatch(
                _floats([values] if isinstance(values, (int, float)) else values), _floats(control), _floats(at)
            )
        except ValueError as error:
            raise ValueError(f"{name} cannot be recorded: {error}") from None
        if len(batch.at) == 1:
            raise ValueError(f"{name} cannot be recorded: a slope needs at least two points")
        if batch.values and metric.values and bool(batch.at) != metric.is_slope:
            raise ValueError(f"{name} cannot hold both points of a slope (at) and plain values")
        if batch.values:
            metric.batches.append(batch)


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
