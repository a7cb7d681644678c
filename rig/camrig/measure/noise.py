"""Noise of a nightly series: its width from night to night, its spikes, its tails, and how alike neighbours are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import sqrt

from camrig.measure.statistics import median

SPIKE = 1.5  # noise widths beyond its neighbours, to which a lone value is cut
LAGS = 4  # nights apart that are compared with one night apart
MOST_ALIKE = 0.9
UNSURE = 1.5  # standard errors, within which nights count as independent
TAILED = 1 / 24  # of the excess kurtosis
UNSURE_TAILS = 1.0  # standard error of the kurtosis that is taken off, for the sake of normal noise


def noise_width(values: Sequence[float]) -> float:
    """The standard deviation from one night to the next, which neither steps nor a drift raise.

    From the median distance of neighbours, or the mean one where most are equal: von Neumann, Kent, Bellinson and
    Hart, "The Mean Square Successive Difference", Annals of Mathematical Statistics 12 (1941), with Hampel's median.
    """
    distances = [abs(right - left) for left, right in pairwise(values)]
    if not distances:
        return 0.0
    width = 1.4826 * median(distances) / sqrt(2)
    return width or 0.8862 * sum(sorted(distances)[: int(len(distances) * 0.9)]) / len(distances)


def without_spikes(values: Sequence[float], noise: float) -> list[float]:
    """The values, each cut to the range of its two neighbours on either side and ``SPIKE`` noise widths more."""
    room = SPIKE * noise
    cut = list(values)
    for index, value in enumerate(values):
        if 0 < index < len(values) - 1 and (value < values[index - 1]) != (value < values[index + 1]):
            continue  # between its neighbours
        near = [*values[max(0, index - 2) : index], *values[index + 1 : index + 3]]
        cut[index] = min(max(value, min(near, default=value) - room), max(near, default=value) + room)
    return cut


class Variogram:
    """How much a night resembles the one before, from how much farther apart later ones are.

    Matheron, "Principles of Geostatistics", Economic Geology 58 (1963). It needs no mean, so that levels of a few
    nights do not bias it, as they do the usual estimate.
    """

    def __init__(self, values: Sequence[float]) -> None:
        self._count = len(values)
        self._sums = [[0.0, *accumulate(_squares(values, values[lag:]))] for lag in range(1, LAGS + 1)]

    def alike(self, ends: Sequence[int], rounding: float = 0.0) -> float:
        """The correlation of neighbouring nights within the levels between these ``ends``, 0 or more."""
        means = []
        for lag, sums in enumerate(self._sums, 1):
            within = [(start, end - lag) for start, end in pairwise(ends) if end - lag > start]
            count = sum(end - start for start, end in within)
            means.append(sum(sums[end] - sums[start] for start, end in within) / count if count else 0.0)
        near, far = means[0], sum(means[1:]) / (LAGS - 1)
        if near <= rounding**2 or far <= near:
            return 0.0
        low, high = 0.0, MOST_ALIKE
        for _ in range(20):
            middle = (low + high) / 2
            apart = 1 - sum(middle**lag for lag in range(2, LAGS + 1)) / (LAGS - 1)
            low, high = (middle, high) if apart / (1 - middle) < far / near else (low, middle)
        return low if low > UNSURE / sqrt(self._count) else 0.0


def _squares(values: Sequence[float], later: Sequence[float]) -> Iterator[float]:
    return ((new - old) * (new - old) for old, new in zip(values, later, strict=False))


def pairs(count: int, alike: float) -> float:
    """By how much nights that are alike widen the variance of the mean of ``count`` of them."""
    rest = alike * (1 - alike**count) / (1 - alike)
    return 1 + 2 * (alike - rest / count) / (1 - alike)


def heavy_tails(residuals: Sequence[float]) -> float:
    """The excess kurtosis of values about their level; 0 where the tails are not heavier than normal."""
    count, furthest = len(residuals), max(map(abs, residuals), default=0.0)
    if not furthest:
        return 0.0
    squares = [(value / furthest) * (value / furthest) for value in residuals]
    excess = count * sum(square * square for square in squares) / sum(squares) ** 2 - 3
    return max(0.0, excess - UNSURE_TAILS * sqrt(24 / count))


def raised(limit: float, tailed: float, share: float) -> float:
    """A limit of Student's t for noise with heavy tails, of whose excess kurtosis the mean has a ``share``.

    Cornish and Fisher, "Moments and Cumulants in the Specification of Distributions", Revue de l'Institut
    International de Statistique 5 (1938).
    """
    return limit * (1 + TAILED * tailed * share * (limit * limit - 3))
