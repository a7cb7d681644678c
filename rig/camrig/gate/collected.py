"""What a run recorded, as what the gate judges."""

from __future__ import annotations

from collections.abc import Iterable

from camrig.gate.samples import NAME, Batch, Kind, Samples
from camrig.measure.recorder import Metric


def samples(metrics: Iterable[Metric]) -> dict[str, Samples]:
    """Samples by metric. What came with places is a slope, with control samples a time, and a count without either.

    A name that no limit can have is left out.
    """
    return {metric.name: _samples(metric) for metric in metrics if NAME.fullmatch(metric.name)}


def _samples(metric: Metric) -> Samples:
    if metric.places:
        kind = Kind.SLOPE
    elif any(batch.control for batch in metric.batches):
        kind = Kind.TIMED
    else:
        kind = Kind.COUNTED
    return Samples(metric.unit, kind, tuple(Batch(*batch) for batch in metric.batches))
