"""How far one sample lies from another, or from zero: the Hodges–Lehmann estimates with rank intervals."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, inf, log

from camrig.measure import ranks
from camrig.measure.pairs import kth_sum, median_sum
from camrig.measure.statistics import TAILS_95, Estimate, Tails, bounded, median


def shift(xs: Sequence[float], ys: Sequence[float], tails: Tails = TAILS_95) -> Estimate:
    """By how much ``xs`` lie above ``ys``: the median of all x - y, with the interval of the rank-sum test.

    Hodges and Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34 (1963); the
    interval of Moses (1953), see ``ranks.rank_sum_depth``. Two constant samples give their difference exactly, with
    an interval of zero width once they are large enough to have one. Raises ValueError for an empty sample.
    """
    if not xs or not ys:
        raise ValueError("a shift needs two samples")
    rising, falling = sorted(xs), sorted(-y for y in ys)
    pairs = len(xs) * len(ys)
    below = ranks.rank_sum_depth(len(xs), len(ys), tails[0])
    above = ranks.rank_sum_depth(len(xs), len(ys), tails[1])
    return Estimate(
        median_sum(rising, falling),
        kth_sum(rising, falling, below) if below else -inf,
        kth_sum(rising, falling, pairs + 1 - above) if above else inf,
    )


def median_shift(xs: Sequence[float], ys: Sequence[float]) -> float:
    """The value of ``shift``, without its interval. Raises ValueError for an empty sample."""
    if not xs or not ys:
        raise ValueError("a shift needs two samples")
    return median_sum(sorted(xs), sorted(-y for y in ys))


def ratio(xs: Sequence[float], ys: Sequence[float], tails: Tails = TAILS_95) -> Estimate:
    """By which factor ``xs`` exceed ``ys``: the exponential of the ``shift`` of the logarithms.

    Raises ValueError for an empty sample or a value that is not positive.
    """
    estimate = shift(logarithms(xs), logarithms(ys), tails)
    return Estimate(exp(estimate.value), exp(estimate.low), exp(estimate.high))


def logarithms(values: Sequence[float]) -> list[float]:
    """Natural logarithms. Raises ValueError for a value that is not positive."""
    if any(value <= 0 for value in values):
        raise ValueError("a ratio needs values above zero")
    return [log(value) for value in values]


def centre(values: Sequence[float], tails: Tails = TAILS_95) -> Estimate:
    """The centre of a symmetric sample: the median of all pairwise means, with the signed-rank interval.

    Hodges and Lehmann (1963), see ``shift``; the interval of Wilcoxon and Tukey, see ``ranks.signed_rank_depth``. For
    the differences of interleaved batches it assumes only that, without an effect, the two sides of a batch could be
    swapped: batches may differ in level and in spread, so drift and bad radio that affect both sides alike widen the
    interval and do not move it. The time grows with the square of n. Raises ValueError for no values.
    """
    if not values:
        raise ValueError("a centre needs values")
    means = sorted(_mean(a, b) for index, a in enumerate(values) for b in values[index:])
    below = ranks.signed_rank_depth(len(values), tails[0])
    above = ranks.signed_rank_depth(len(values), tails[1])
    return bounded(median(means), means, below, above)


def _mean(a: float, b: float) -> float:
    return a if a == b else (a + b) / 2
