"""What the gate judges: the values of one metric on one side, batch by batch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate

from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import RecordedMetric

NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


class MetricKind(str, Enum):
    """How a metric varies, which decides how it is judged."""

    TIMED = "timed"  # varies with the radio and the machine: a batch counts only if its control samples are in range
    COUNTED = "counted"  # does not depend on the radio; whole numbers are exact, not a sample of something
    TAIL = "tail"  # a time of which the share of slow values is judged; varies like one
    SLOPE = "slope"  # points along `at`; judged by their rise per step


@dataclass(frozen=True)
class Samples:
    """All batches of one metric on one side. ``unit`` is the unit of what is judged (a slope's: B/request).

    ``sessions`` are the numbers of batches of each session, in order; empty where all are of one. Raises ValueError
    for a slope whose points have no x, for other values that have one, and for sessions that do not add up.
    """

    unit: str
    kind: MetricKind
    batches: tuple[SampleBatch, ...]
    sessions: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if any(bool(batch.at) != (self.kind is MetricKind.SLOPE) for batch in self.batches if batch.values):
            raise ValueError("the points of a slope must have an x (at), and other values must not")
        if self.sessions and sum(self.sessions) != len(self.batches):
            raise ValueError("the batches of all sessions must add up to those of the metric")

    @property
    def values(self) -> tuple[float, ...]:
        """Every value of every batch, in order."""
        return tuple(value for batch in self.batches for value in batch.values)

    @property
    def over_radio(self) -> bool:
        """Whether the radio affects the values, so that a batch counts only if its control samples are in range."""
        return self.kind in (MetricKind.TIMED, MetricKind.TAIL)

    @property
    def constant(self) -> bool:
        """Whether there are at least two values, all of them equal."""
        values = self.values
        return len(values) > 1 and min(values) == max(values)

    @property
    def are_counts(self) -> bool:
        """Whether all values are whole numbers, such as bytes, that do not depend on the radio."""
        return self.kind is MetricKind.COUNTED and all(value % 1 == 0 for value in self.values)

    def by_session(self) -> list[tuple[SampleBatch, ...]]:
        """The batches of each session that has any."""
        ends = list(accumulate(self.sessions or (len(self.batches),)))
        sessions = [self.batches[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return [session for session in sessions if session]

    def select(self, flags: list[bool]) -> Samples:
        """These samples with only the batches whose flag is set."""
        ends = list(accumulate(self.sessions))
        sessions = tuple(sum(flags[start:end]) for start, end in zip([0, *ends], ends, strict=False))
        batches = tuple(batch for batch, flag in zip(self.batches, flags, strict=True) if flag)
        return Samples(self.unit, self.kind, batches, sessions)


def recorded_samples(metrics: Iterable[RecordedMetric]) -> dict[str, Samples]:
    """What a run recorded, by metric, as the gate judges it.

    Values with an x are a slope, values with control samples a time, all others a count. A metric whose name no limit
    can have is left out.
    """
    return {
        metric.name: Samples(metric.unit, _kind(metric), tuple(metric.batches))
        for metric in metrics
        if NAME.fullmatch(metric.name)
    }


def _kind(metric: RecordedMetric) -> MetricKind:
    if metric.is_slope:
        return MetricKind.SLOPE
    if any(batch.control for batch in metric.batches):
        return MetricKind.TIMED
    return MetricKind.COUNTED
