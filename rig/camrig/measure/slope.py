"""A robust slope through points, such as the bytes in use over the number of requests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, sqrt

from camrig.measure import ranks
from camrig.measure.statistics import TAILS_95, Estimate, Tails, bounded, median

Points = Sequence[tuple[float, float]]


def slope(series: Sequence[Points], tails: Tails = TAILS_95) -> Estimate:
    """Rise per step along x: the Theil–Sen estimator (the median slope over all pairs of points) and its interval.

    Theil, "A Rank-Invariant Method of Linear and Polynomial Regression Analysis" (1950); Sen, "Estimates of the
    Regression Coefficient Based on Kendall's Tau", JASA 63 (1968). Pairs are formed within a series only, so that
    each may have a level of its own (Hirsch, Slack and Smith 1982, see ``ranks.kendall_depth``). Autocorrelation
    widens the interval, though not by enough when it is strong. Up to 29 % of the points may be outliers. The time
    grows with the square of the number of points.

    Raises ValueError without a series of two points, or when an x repeats within a series.
    """
    usable = [sorted(points) for points in series if len(points) > 1]
    if not usable:
        raise ValueError("a slope needs at least two points")
    slopes: list[float] = []
    for points in usable:
        if any(left[0] == right[0] for left, right in pairwise(points)):
            raise ValueError("a slope needs points with different x")
        slopes += [
            (right[1] - left[1]) / (right[0] - left[0])
            for index, left in enumerate(points)
            for right in points[index + 1 :]
        ]
    slopes.sort()
    value = median(slopes)
    sizes = [len(points) for points in usable]
    inflation = max(_inflation(points, value) for points in usable)
    below = ranks.kendall_depth(sizes, tails[0], inflation)
    above = ranks.kendall_depth(sizes, tails[1], inflation)
    return bounded(value, slopes, below, above)


def rise(series: Sequence[Points], tails: Tails = TAILS_95) -> Estimate:
    """``slope``, with the interval widened to include the rise of the series from end to end.

    A growing list or table takes its memory in steps, and between two steps nothing rises: the median slope is then
    zero, with a narrow interval. But a step may be the last one or the first of many, which no number of level points
    can show, so that the interval has to include both. Raises ValueError as ``slope``.
    """
    estimate, whole = slope(series, tails), end_to_end_slope(series)
    return Estimate(estimate.value, min(estimate.low, whole), max(estimate.high, whole))


def end_to_end_slope(series: Sequence[Points]) -> float:
    """Rise per step from the first point to the last of each series, over all series.

    Raises ValueError without a series of two points.
    """
    usable = [sorted(points) for points in series if len(points) > 1]
    if not usable:
        raise ValueError("a rise needs at least two points")
    risen = sum(points[-1][1] - points[0][1] for points in usable)
    return risen / sum(points[-1][0] - points[0][0] for points in usable)


def _inflation(points: Points, rise: float) -> float:
    largest = max(abs(y) + abs(rise * x) for x, y in points)
    return variance_inflation([y - rise * x for x, y in points], 1e-9 * largest)


def variance_inflation(residuals: Sequence[float], rounding: float = 0.0) -> float:
    """By how much autocorrelation of the residuals inflates the variance of Kendall's statistic; at least 1.

    Hamed and Rao, "A Modified Mann-Kendall Trend Test for Autocorrelated Data", Journal of Hydrology 204 (1998):
    from those autocorrelations of the residuals' ranks that differ from zero at the 5 % level. Residuals within
    ``rounding`` of the next one count as equal.
    """
    n = len(residuals)
    if n < 4:
        return 1.0
    ranking = _ranks(residuals, rounding)
    mean = (n + 1) / 2
    total = sum((rank - mean) ** 2 for rank in ranking)
    if not total:
        return 1.0
    extra = 0.0
    for lag in range(1, n - 2):
        correlation = sum((a - mean) * (b - mean) for a, b in zip(ranking[:-lag], ranking[lag:], strict=True)) / total
        if abs(correlation) > 1.96 / sqrt(n):
            extra += (n - lag) * (n - lag - 1) * (n - lag - 2) * correlation
    return max(1.0, 1 + 2 * extra / (n * (n - 1) * (n - 2)))


def _ranks(values: Sequence[float], rounding: float) -> list[float]:
    """Ranks from 1; equal values share the mean of their ranks."""
    order = sorted(range(len(values)), key=lambda index: values[index])
    ranking = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and values[order[end]] - values[order[end - 1]] <= rounding:
            end += 1
        for index in order[start:end]:
            ranking[index] = (start + 1 + end) / 2
        start = end
    return ranking


def until_full(free: float, rise: Estimate) -> Estimate:
    """After how many steps ``free`` is used up, at ``rise`` per step; infinite where nothing rises."""

    def steps(per_step: float) -> float:
        return free / per_step if per_step > 0 else inf

    return Estimate(steps(rise.value), steps(rise.high), steps(rise.low))
