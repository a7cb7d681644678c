"""A robust slope through points in order, such as bytes in use after so many requests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf, sqrt

from camrig.measure import ranks
from camrig.measure.statistics import USUAL, Estimate, Tails, between, median

Points = Sequence[tuple[float, float]]


def slope(series: Sequence[Points], tails: Tails = USUAL) -> Estimate:
    """Rise per step along x: the median of the slopes of all pairs of points, with Sen's interval.

    Theil, "A Rank-Invariant Method of Linear and Polynomial Regression Analysis" (1950); Sen, "Estimates of the
    Regression Coefficient Based on Kendall's Tau", JASA 63 (1968). Pairs are formed within a series only, so that
    each may have a level of its own (Hirsch, Slack and Smith 1982). Neighbouring points that resemble each other
    widen the interval, though not by enough when they hardly differ. Up to 29 % of the points may be wild. The work
    grows with the square of the points.

    Raises ValueError without a series of two points, or when an x repeats within a series.
    """
    used = [sorted(points) for points in series if len(points) > 1]
    if not used:
        raise ValueError("a slope wants two points")
    slopes: list[float] = []
    for points in used:
        if any(left[0] == right[0] for left, right in pairwise(points)):
            raise ValueError("a slope wants points with different x")
        slopes += [
            (right[1] - left[1]) / (right[0] - left[0])
            for place, left in enumerate(points)
            for right in points[place + 1 :]
        ]
    slopes.sort()
    value = median(slopes)
    sizes = [len(points) for points in used]
    inflation = max(_inflation(points, value) for points in used)
    below = ranks.kendall_depth(sizes, tails[0], inflation)
    above = ranks.kendall_depth(sizes, tails[1], inflation)
    return between(value, slopes, below, above)


def rise(series: Sequence[Points], tails: Tails = USUAL) -> Estimate:
    """``slope``, its interval widened to hold what the series rise by from end to end.

    What a growing list or table keeps comes in steps, and between two of them nothing rises: the median of the pairs
    then says nought, and its interval says so with certainty. A step may be the last for ever or the first of many,
    which no number of level points tells, so that the interval has to hold either. Raises ValueError as ``slope``.
    """
    found, whole = slope(series, tails), overall(series)
    return Estimate(found.value, min(found.low, whole), max(found.high, whole))


def overall(series: Sequence[Points]) -> float:
    """Rise per step from the first point to the last of each series, all of them together.

    Raises ValueError without a series of two points.
    """
    used = [sorted(points) for points in series if len(points) > 1]
    if not used:
        raise ValueError("a rise wants two points")
    climbed = sum(points[-1][1] - points[0][1] for points in used)
    return climbed / sum(points[-1][0] - points[0][0] for points in used)


def _inflation(points: Points, rise: float) -> float:
    largest = max(abs(y) + abs(rise * x) for x, y in points)
    return dependence([y - rise * x for x, y in points], 1e-9 * largest)


def dependence(residuals: Sequence[float], grain: float = 0.0) -> float:
    """By how much dependence between neighbours inflates the variance of Kendall's statistic; at least 1.

    Hamed and Rao, "A Modified Mann-Kendall Trend Test for Autocorrelated Data", Journal of Hydrology 204 (1998):
    from those autocorrelations of the residuals' ranks that differ from nought at the 5 % level. Residuals within
    ``grain`` of the next are equal but for rounding.
    """
    n = len(residuals)
    if n < 4:
        return 1.0
    places = _ranks(residuals, grain)
    mean = (n + 1) / 2
    total = sum((place - mean) ** 2 for place in places)
    if not total:
        return 1.0
    extra = 0.0
    for lag in range(1, n - 2):
        alike = sum((a - mean) * (b - mean) for a, b in zip(places[:-lag], places[lag:], strict=True)) / total
        if abs(alike) > 1.96 / sqrt(n):
            extra += (n - lag) * (n - lag - 1) * (n - lag - 2) * alike
    return max(1.0, 1 + 2 * extra / (n * (n - 1) * (n - 2)))


def _ranks(values: Sequence[float], grain: float) -> list[float]:
    """Places in order from 1, the mean of their places to equal values."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    found = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start + 1
        while end < len(order) and values[order[end]] - values[order[end - 1]] <= grain:
            end += 1
        for place in order[start:end]:
            found[place] = (start + 1 + end) / 2
        start = end
    return found


def until_full(free: float, rise: Estimate) -> Estimate:
    """After how many steps ``free`` is used up at that ``rise`` per step; infinite where it does not rise."""

    def steps(per_step: float) -> float:
        return free / per_step if per_step > 0 else inf

    return Estimate(steps(rise.value), steps(rise.high), steps(rise.low))
