"""Statistics over plain numbers. Pure functions; each names its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between order statistics.

    Type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996).
    Raises ValueError for no values or a ``q`` out of range.
    """
    if not values or not 0 <= q <= 1:
        raise ValueError("a quantile wants values, and q between 0 and 1")
    ordered = sorted(values)
    place = (len(ordered) - 1) * q
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@dataclass(frozen=True)
class Summary:
    """A sample in five figures."""

    n: int
    median: float
    p95: float
    p99: float
    low: float
    high: float


def summary(values: Sequence[float]) -> Summary:
    """Median, 95th and 99th percentile, extremes. Raises ValueError for no values."""
    return Summary(
        len(values), quantile(values, 0.5), quantile(values, 0.95), quantile(values, 0.99), min(values), max(values)
    )
