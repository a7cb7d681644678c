"""How far one sample lies from another, or from nought: Hodges and Lehmann's estimates with rank intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log

from camrig.measure import ranks
from camrig.measure.pairs import kth_sum, median_sum
from camrig.measure.statistics import USUAL, Estimate, Tails, between, median


def shift(xs: Sequence[float], ys: Sequence[float], tails: Tails = USUAL) -> Estimate:
    """By how much ``xs`` lie above ``ys``: the median of all x - y, with Mann and Whitney's interval.

    Hodges and Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34 (1963);
    the interval as in ``ranks.rank_sum_depth``. Two constant samples give their difference exactly, with an interval
    of no width once they are large enough to have one. Raises ValueError for an empty sample.
    """
    if not xs or not ys:
        raise ValueError("a shift wants two samples")
    rising, falling = sorted(xs), sorted(-y for y in ys)
    pairs = len(xs) * len(ys)
    below = ranks.rank_sum_depth(len(xs), len(ys), tails[0])
    above = ranks.rank_sum_depth(len(xs), len(ys), tails[1])
    return Estimate(
        median_sum(rising, falling),
        kth_sum(rising, falling, below) if below else -inf,
        kth_sum(rising, falling, pairs + 1 - above) if above else inf,
    )


def middle_shift(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The value of ``shift`` alone. Raises ValueError for an empty sample."""
    if not xs or not ys:
        raise ValueError("a shift wants two samples")
    return median_sum(sorted(xs), sorted(-y for y in ys))


def ratio(xs: Sequence[float], ys: Sequence[float], tails: Tails = USUAL) -> Estimate:
    """By which factor ``xs`` exceed ``ys``: ``shift`` of the logarithms, taken back.

    Raises ValueError for an empty sample or a value that is not positive.
    """
    found = shift(logarithms(xs), logarithms(ys), tails)
    return Estimate(exp(found.value), exp(found.low), exp(found.high))


def logarithms(values: Sequence[float]) -> list[float]:
    """Natural logarithms. Raises ValueError for a value that is not positive."""
    if any(value <= 0 for value in values):
        raise ValueError("a ratio wants values above nought")
    return [log(value) for value in values]


def centre(values: Sequence[float], tails: Tails = USUAL) -> Estimate:
    """The centre of a symmetric sample: the median of all pairwise means, with Wilcoxon's signed-rank interval.

    Hodges and Lehmann (1963). For the differences of interleaved batches it asks only that, without an effect, the
    two sides of a batch could be swapped: batches may differ in level and in spread, so drift and bad minutes that
    hit both sides alike widen the interval instead of moving it. The work grows with the square of n.
    Raises ValueError for no values.
    """
    if not values:
        raise ValueError("a centre wants values")
    means = sorted(_mean(a, b) for place, a in enumerate(values) for b in values[place:])
    below = ranks.signed_rank_depth(len(values), tails[0])
    above = ranks.signed_rank_depth(len(values), tails[1])
    return between(median(means), means, below, above)


def _mean(a: float, b: float) -> float:
    return a if a == b else (a + b) / 2
