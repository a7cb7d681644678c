"""How much more often one side is slow: shares of values far above the middle, compared batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from camrig.measure.statistics import TAILS_95, Estimate, Tails, median

FACTOR = 1.5  # of the median: what counts as slow
_GRID = 200  # steps that a share of 1 is counted in: half a point each


def exceedances(values: Sequence[float], middle: float) -> float:
    """The share of ``values`` beyond ``FACTOR`` times ``middle``.

    An exceedance test: Mathisen, "A Method of Testing the Hypothesis that Two Samples Are from the Same Population",
    Annals of Mathematical Statistics 14 (1943). Raises ValueError for no values.
    """
    if not values:
        raise ValueError("a share of exceedances needs values")
    return sum(value > FACTOR * middle for value in values) / len(values)


def exceedance_difference(xs: Sequence[float], ys: Sequence[float]) -> float:
    """By how much the share of slow values in ``xs`` lies above that in ``ys``, by the median of both together.

    With the common median (Mood, "Introduction to the Theory of Statistics", 1950) swapping the sides changes the
    sign and nothing else, and a small shift of all values counts half on either side. Raises ValueError for no
    values.
    """
    middle = median([*xs, *ys])
    return exceedances(xs, middle) - exceedances(ys, middle)


def sign_flip_p(differences: Sequence[float], shift: float = 0.0) -> float:
    """The chance that sign flips of ``differences`` less ``shift`` give a sum as large as the observed one.

    The randomization test of Fisher, "The Design of Experiments" (1935), section 21, one-sided. All sign patterns are
    counted, not sampled: Pagano and Tritchler, "On Obtaining Permutation Distributions in Polynomial Time", JASA 78
    (1983). The differences are those of batches, and are rounded to half a point of a share.
    """
    return _flip_p([round(difference * _GRID) for difference in differences], round(shift * _GRID))


def _flip_p(differences: Sequence[int], shift: int) -> float:
    steps = [difference - shift for difference in differences]
    largest = sum(abs(step) for step in steps)
    # A polynomial in one long integer: the field at position t counts the patterns whose positive steps add up to t.
    bits = len(steps) + 1
    patterns = 1
    for step in steps:
        patterns += patterns << (abs(step) * bits)
    positive = (largest + sum(steps)) // 2
    as_large = (patterns >> (positive * bits)) % ((1 << bits) - 1)  # the sum of its fields
    return as_large / 2 ** len(steps) if steps else 1.0


def mean_difference(differences: Sequence[float], tails: Tails = TAILS_95) -> Estimate:
    """The mean of ``differences``, bounded by the shifts that ``sign_flip_p`` does not reject.

    At a shift of zero the test is exact; elsewhere it is as good as the symmetry of the differences about their mean:
    Romano, "On the Behavior of Randomization Tests Without a Group Invariance Assumption", JASA 85 (1990). An end is
    infinite where there are too few differences to bound it. Raises ValueError for no differences.
    """
    if not differences:
        raise ValueError("a mean needs values")
    steps = [round(difference * _GRID) for difference in differences]
    low = _lower_bound(steps, tails[0])
    high = _lower_bound([-step for step in steps], tails[1])
    return Estimate(sum(differences) / len(differences), low, -high)


def _lower_bound(differences: Sequence[int], tail: float) -> float:
    """The smallest shift of the mean that is not rejected at ``tail``; minus infinity if none is."""
    if 2.0 ** -len(differences) > tail:
        return -inf
    # Rejected at one step below the smallest, where all signs agree; not rejected at the mean.
    rejected, kept = min(differences) - 1, sum(differences) // len(differences) + 1
    if _flip_p(differences, rejected) > tail:
        return -inf
    while kept - rejected > 1:
        middle = (rejected + kept) // 2
        if _flip_p(differences, middle) > tail:
            kept = middle
        else:
            rejected = middle
    return kept / _GRID
