"""The percentiles of a metric, where it has enough values for them."""

from __future__ import annotations

from camrig.measure.recorder import RecordedMetric

FEWEST_FOR_P95, FEWEST_FOR_P99 = 20, 100  # values: of fewer, a percentile only repeats the largest


def percentiles(metric: RecordedMetric) -> tuple[float | None, float | None]:
    """The 95th and 99th percentile; None where the values are too few, and for a slope, whose rise has none."""
    summary = metric.summary
    return (
        summary.p95 if summary.n >= FEWEST_FOR_P95 and not metric.is_slope else None,
        summary.p99 if summary.n >= FEWEST_FOR_P99 and not metric.is_slope else None,
    )
