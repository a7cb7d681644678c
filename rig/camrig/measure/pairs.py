"""The k-th smallest of all pairwise sums, without listing the pairs.

Selection in sorted rows after Johnson and Mizoguchi, "Selecting the Kth Element in X + Y and X1 + X2 + … + Xm", SIAM
Journal on Computing 7 (1978): each x has a row of sums that rises with z, a window per row holds the candidates, and
the weighted median of the windows' middles is the pivot that halves them. Equal sums need no special case, because
the pivot is always one of the sums.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

_SMALL = 2_000  # up to this number of pairs, sorting is faster than searching


def kth_sum(xs: Sequence[float], zs: Sequence[float], k: int) -> float:
    """The ``k``-th smallest (from 1) of x + z over all pairs. Both sequences must be in ascending order.

    Raises ValueError when there is no such pair.
    """
    if not 1 <= k <= len(xs) * len(zs):
        raise ValueError(f"there is no pair number {k}")
    starts = [0] * len(xs)
    ends = [len(zs)] * len(xs)
    while sum(ends) - sum(starts) > _SMALL:
        pivot = _pivot(xs, zs, starts, ends)
        below = _counts(xs, zs, pivot, including=False)
        up_to = _counts(xs, zs, pivot, including=True)
        if k <= sum(below):
            ends = [min(end, count) for end, count in zip(ends, below, strict=True)]
        elif k <= sum(up_to):
            return pivot
        else:
            starts = [max(start, count) for start, count in zip(starts, up_to, strict=True)]
    sums = sorted(x + z for x, start, end in zip(xs, starts, ends, strict=True) for z in zs[start:end])
    return sums[k - sum(starts) - 1]


def median_sum(xs: Sequence[float], zs: Sequence[float]) -> float:
    """The median of x + z over all pairs. Both sequences must be in ascending order and not empty."""
    pairs = len(xs) * len(zs)
    low = kth_sum(xs, zs, (pairs + 1) // 2)
    if pairs % 2:
        return low
    high = kth_sum(xs, zs, pairs // 2 + 1)
    return low if low == high else (low + high) / 2


def _pivot(xs: Sequence[float], zs: Sequence[float], starts: list[int], ends: list[int]) -> float:
    """The median of the windows' middle sums, weighted by the width of the windows."""
    middles = sorted(
        (x + zs[(start + end) // 2], end - start)
        for x, start, end in zip(xs, starts, ends, strict=True)
        if end > start
    )
    weights = list(accumulate(width for _, width in middles))
    return middles[bisect_left(weights, weights[-1] / 2)][0]


def _counts(xs: Sequence[float], zs: Sequence[float], pivot: float, including: bool) -> list[int]:
    """For each x the number of its sums below ``pivot``; up to it, when ``including``."""
    counts = []
    count = len(zs)
    for x in xs:
        # A larger x has no more sums below the pivot than the one before it.
        while count and (x + zs[count - 1] > pivot if including else x + zs[count - 1] >= pivot):
            count -= 1
        counts.append(count)
    return counts
