"""Descriptions of one sample. Pure functions over plain numbers; each names its method and source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from camrig.measure import ranks

Tails = tuple[float, float]  # the probability that `low` lies above the true value, and that `high` lies below it

TAILS_95: Tails = (0.025, 0.025)  # of a 95 % interval


@dataclass(frozen=True)
class Estimate:
    """A value and its confidence interval, which misses the true value with the probabilities of its ``Tails``.

    An end is infinite where the sample is too small to bound that side at that tail.
    """

    value: float
    low: float
    high: float


def quantile(values: Sequence[float], q: float) -> float:
    """The ``q`` quantile (0 to 1), linear between order statistics.

    Type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996).
    Raises ValueError for no values or a ``q`` out of range.
    """
    if not values or not 0 <= q <= 1:
        raise ValueError("a quantile needs values, and q between 0 and 1")
    ordered = sorted(values)
    position = (len(ordered) - 1) * q
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    # Equal neighbours first: rounding in the interpolation below could move the result away from them.
    if ordered[low] == ordered[high]:
        return ordered[low]
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def median(values: Sequence[float]) -> float:
    """The middle value, or the mean of the middle two. Raises ValueError for no values."""
    return quantile(values, 0.5)


def quantile_interval(values: Sequence[float], q: float, tails: Tails = TAILS_95) -> Estimate:
    """The ``q`` quantile with order statistics as bounds, for any distribution, ties included.

    Thompson, "On Confidence Ranges for the Median and Other Expectation Distributions for Populations of Unknown
    Distribution Form", Annals of Mathematical Statistics 7 (1936); for discrete data Scheffé and Tukey,
    "Non-Parametric Estimation", same journal 16 (1945). Raises ValueError for no values or a ``q`` out of range.
    """
    value = quantile(values, q)
    ordered = sorted(values)
    below = ranks.binomial_depth(len(ordered), q, tails[0])
    above = ranks.binomial_depth(len(ordered), 1 - q, tails[1])
    return bounded(value, ordered, below, above)


def bounded(value: float, ordered: Sequence[float], below: int, above: int) -> Estimate:
    """``value`` bounded by the ``below``-th smallest and the ``above``-th largest of ``ordered``; 0 is open-ended."""
    return Estimate(value, ordered[below - 1] if below else -inf, ordered[-above] if above else inf)


def mad(values: Sequence[float]) -> float:
    """The median absolute deviation (MAD), times 1.4826 so that it estimates a normal sample's standard deviation.

    Hampel, "The Influence Curve and Its Role in Robust Estimation", JASA 69 (1974).
    Raises ValueError for no values.
    """
    middle = median(values)
    return 1.4826 * median([abs(value - middle) for value in values])


@dataclass(frozen=True)
class Outliers:
    """How many of ``n`` values lie far below and far above the rest."""

    n: int
    low: int
    high: int


def outliers(values: Sequence[float], cut: float = 3.5) -> Outliers:
    """Count values whose distance from the median exceeds ``cut`` robust standard deviations.

    Iglewicz and Hoaglin, "How to Detect and Handle Outliers" (1993): the modified z-score, with the mean distance
    in place of a median distance of zero. Nothing is removed from the sample. Raises ValueError for no values.
    """
    middle = median(values)
    scale = mad(values)
    if not scale:
        scale = 1.253314 * sum(abs(value - middle) for value in values) / len(values)
    distance = cut * scale
    if not isfinite(distance):
        raise ValueError("outliers can be counted among finite values only")
    return Outliers(
        len(values),
        sum(value < middle - distance for value in values),
        sum(value > middle + distance for value in values),
    )


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
