"""Samples in a bounded space, however many there are: their quantiles, and a few of them drawn at random."""

from __future__ import annotations

from collections import Counter
from math import ceil, exp, log
from random import Random

RESOLUTION = 1.02  # from one bucket to the next: a quantile is right to 1 %
_SMALLEST, _LARGEST = 0.01, 1e7
_LOG = log(RESOLUTION)


class Histogram:
    """Positive values, counted in buckets whose width grows with the value, so that merging loses nothing.

    The smallest and the largest value are exact. The buckets are those of DDSketch: Masson, Rim and Lee, "DDSketch: A
    Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees", PVLDB 12 (2019).
    """

    def __init__(self) -> None:
        self.n = 0
        self.low = self.high = 0.0
        self._buckets: Counter[int] = Counter()

    def add(self, value: float) -> None:
        """Count a value."""
        self.low = min(self.low, value) if self.n else value
        self.high = max(self.high, value) if self.n else value
        self.n += 1
        self._buckets[ceil(log(min(max(value, _SMALLEST), _LARGEST)) / _LOG)] += 1

    def merge(self, histogram: Histogram) -> None:
        """Count its values, too."""
        if not histogram.n:
            return
        self.low = min(self.low, histogram.low) if self.n else histogram.low
        self.high = max(self.high, histogram.high) if self.n else histogram.high
        self.n += histogram.n
        self._buckets.update(histogram._buckets)

    def quantile(self, q: float) -> float:
        """The ``q`` quantile, to 1 %. Raises ValueError without values."""
        if not self.n:
            raise ValueError("a quantile needs values")
        rank, counted = q * (self.n - 1), 0
        for bucket in sorted(self._buckets):
            counted += self._buckets[bucket]
            if counted > rank:
                middle = 2 * exp(bucket * _LOG) / (1 + RESOLUTION)
                return min(max(middle, self.low), self.high)
        return self.high


class Reservoir:
    """At most ``size`` of all values, each with the same chance to be among them, in the order in which they came.

    Algorithm R of Vitter, "Random Sampling with a Reservoir", ACM Transactions on Mathematical Software 11 (1985).
    """

    def __init__(self, size: int, random: Random) -> None:
        self._size, self._random = size, random
        self.n = 0
        self._kept: list[tuple[int, float]] = []

    def add(self, value: float) -> None:
        """Take in a value."""
        self.n += 1
        if len(self._kept) < self._size:
            self._kept.append((self.n, value))
        elif (place := self._random.randrange(self.n)) < self._size:
            self._kept[place] = (self.n, value)

    @property
    def values(self) -> list[float]:
        """The values that were kept."""
        return [value for _, value in sorted(self._kept)]
