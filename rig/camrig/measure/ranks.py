"""At which depth of an ordered list a confidence interval ends: null distributions of rank statistics.

Every interval of this package is read from a sorted list of M quantities (values, pairwise means, differences,
slopes). T, the number of them on one side of the true value, has a known distribution, symmetric or binomial. The
interval ends at the c-th quantity from that side, its depth, with c the largest number for which P(T <= c - 1) is at
most the tail; c = 0 means that the side is not bounded. Distributions are exact where that is cheap, else the normal
approximation with continuity correction. Ties make the closed interval cover the true value more often, never less
often: Noether, "Wilcoxon Confidence Intervals for Location Parameters in the Discrete Case", JASA 62 (1967).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import comb, exp, factorial, floor, lgamma, log, log1p, prod, sqrt
from statistics import NormalDist

EXACT_SIGNED_RANK = 120
EXACT_WORK = 400_000  # additions that an exact rank-sum distribution may take
EXACT_KENDALL = 60


def binomial_depth(n: int, q: float, tail: float) -> int:
    """Depth for the ``q`` quantile of ``n`` values: T, the number of values below it, is binomial. Exact.

    Thompson, "On Confidence Ranges for the Median and Other Expectation Distributions for Populations of Unknown
    Distribution Form", Annals of Mathematical Statistics 7 (1936).
    """
    _check(tail)
    if q in (0.0, 1.0):
        return 0
    return _depth((_binomial(n, q, count) for count in range(n + 1)), tail)


def _binomial(n: int, q: float, count: int) -> float:
    log_ways = lgamma(n + 1) - lgamma(count + 1) - lgamma(n - count + 1)
    return exp(log_ways + count * log(q) + (n - count) * log1p(-q))


def signed_rank_depth(n: int, tail: float) -> int:
    """Depth in the n (n + 1) / 2 pairwise means of one sample: the signed-rank statistic.

    Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (1945); as an interval: Tukey (1949),
    in Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods" (2014), section 3.3.
    """
    _check(tail)
    if n <= EXACT_SIGNED_RANK:
        return _depth(_signed_rank(n), tail)
    return _normal_depth(n * (n + 1) / 2, n * (n + 1) * (2 * n + 1) / 24, tail)


@lru_cache(maxsize=256)
def _signed_rank(n: int) -> tuple[float, ...]:
    chances = [1.0]
    for rank in range(1, n + 1):
        longer = chances + [0.0] * rank
        for total, chance in enumerate(chances):
            longer[total + rank] += chance
        chances = [chance / 2 for chance in longer]
    return tuple(chances)


def rank_sum_depth(m: int, n: int, tail: float) -> int:
    """Depth in the m n pairwise differences of two samples: the rank-sum (U) statistic.

    Mann and Whitney, "On a Test of Whether One of Two Random Variables Is Stochastically Larger than the Other",
    Annals of Mathematical Statistics 18 (1947); as an interval: Moses (1953), in Hollander, Wolfe and Chicken,
    section 4.3.
    """
    _check(tail)
    if m * n * min(m, n) <= EXACT_WORK:
        return _depth(_rank_sum(min(m, n), max(m, n)), tail)
    return _normal_depth(m * n, m * n * (m + n + 1) / 12, tail)


@lru_cache(maxsize=256)
def _rank_sum(m: int, n: int) -> tuple[float, ...]:
    # The Gaussian binomial coefficient counts the orders: the product of (1 - x^(n+i)) / (1 - x^i), i = 1 … m.
    ways = [1] + [0] * (m * n)
    for i in range(1, m + 1):
        for power in range(m * n, n + i - 1, -1):
            ways[power] -= ways[power - n - i]
        for power in range(i, m * n + 1):
            ways[power] += ways[power - i]
    orders = comb(m + n, m)
    return tuple(way / orders for way in ways)


def kendall_depth(sizes: Sequence[int], tail: float, inflation: float = 1.0) -> int:
    """Depth in the pooled pairwise slopes of one or more series with ``sizes`` points each: Kendall's tau.

    T is the number of discordant pairs: Kendall, "A New Measure of Rank Correlation", Biometrika 30 (1938); summed
    over series: Hirsch, Slack and Smith, "Techniques of Trend Analysis for Monthly Water Quality Data", Water
    Resources Research 18 (1982). ``inflation``, at least 1, widens the variance for points that depend on their
    neighbours.
    """
    _check(tail)
    if inflation < 1:
        raise ValueError("the inflation of a variance must be at least 1")
    pairs = sum(n * (n - 1) // 2 for n in sizes)
    spread = sum(n * (n - 1) * (2 * n + 5) / 72 for n in sizes)
    normal = _normal_depth(pairs, spread * inflation, tail)
    if len(sizes) > 1 or sizes[0] > EXACT_KENDALL:
        # In short series even a perfect order is likely by chance, which the normal approximation does not know.
        orders = prod(map(factorial, sizes))  # an integer: for long series no float can hold it
        return normal if orders >= 1 / tail else 0
    exact = _depth(_kendall(sizes[0]), tail)
    return exact if inflation == 1 else min(exact, normal)


@lru_cache(maxsize=256)
def _kendall(n: int) -> tuple[float, ...]:
    chances = [1.0]
    for size in range(2, n + 1):
        longer = [0.0] * (len(chances) + size - 1)
        for discordant, chance in enumerate(chances):
            for added in range(size):
                longer[discordant + added] += chance / size
        chances = longer
    return tuple(chances)


def _check(tail: float) -> None:
    if not 0 < tail < 0.5:
        raise ValueError("a tail must be a probability between 0 and one half")


def _depth(chances: Iterable[float], tail: float) -> int:
    """The depth for a statistic whose values 0, 1, 2 … have these ``chances``."""
    total = 0.0
    for count, chance in enumerate(chances):
        total += chance
        if total > tail * (1 + 1e-12):
            return count
    raise ArithmeticError("the probabilities of a distribution do not add up to 1")


def _normal_depth(largest: float, variance: float, tail: float) -> int:
    """The depth for a symmetric statistic from 0 to ``largest``, by the normal approximation."""
    z = NormalDist().inv_cdf(1 - tail)
    return max(0, floor(largest / 2 - z * sqrt(variance) + 0.5))
