"""Counts and bytes of one metric become one estimate: what the candidate does at its worst, beside the baseline.

A count is the truth about its request and no sample of it. So the question is not where the middle lies: extra bytes
in every third request, which no median shows, cost the board its memory all the same.

Here more is worse; ``camrig.gate.effect`` turns what should stay high.
"""

from __future__ import annotations

from collections.abc import Sequence

from camrig.measure.shift import centre, shift
from camrig.measure.statistics import Estimate, Tails, median, quantile_interval

Values = Sequence[Sequence[float]]  # of each batch


def counted_shift(candidate: Values, baseline: Values, paired: bool, tails: Tails) -> Estimate:
    """By how much the candidate's counts exceed the baseline's.

    ``value`` and ``high`` compare the largest of either side, whichever batch it is from; ``high`` is more when the
    middle of the batches has certainly risen by more. ``low`` is what the candidate certainly has on top: the gap
    between the two ranges, less what either of them is wide, as a few values that vary may lie apart by chance; or
    the shift of the batches' largest, as far as its rank interval bounds it.
    """
    top = _largest(candidate) - _largest(baseline)
    wide = max(_largest(side) - _smallest(side) for side in (candidate, baseline))
    gap = _smallest(candidate) - _largest(baseline) - wide
    low = max(gap, _shift([max(one) for one in candidate], [max(one) for one in baseline], paired, tails).low)
    middles = _shift([median(one) for one in candidate], [median(one) for one in baseline], paired, tails).low
    return Estimate(max(low, top), low, max(low, top, middles))


def counted_level(values: Values, tails: Tails) -> Estimate:
    """How much the counts are at their worst: surely as much as the median batch's largest, at most the largest."""
    top = _largest(values)
    low = max(_smallest(values), quantile_interval([max(one) for one in values], 0.5, tails).low)
    return Estimate(top, low, top)


def counted_reach(pairs: Sequence[tuple[Values, Values]]) -> float:
    """How far beyond its limit a change must lie to be found for certain: twice the range in which the counts vary.

    ``pairs`` are those of the same thing against itself (A/A).
    """
    return max(
        2 * (max(_largest(ours), _largest(theirs)) - min(_smallest(ours), _smallest(theirs)))
        for ours, theirs in pairs
    )


def _shift(ours: list[float], theirs: list[float], paired: bool, tails: Tails) -> Estimate:
    if paired:
        return centre([one - other for one, other in zip(ours, theirs, strict=True)], tails)
    return shift(ours, theirs, tails)


def _largest(values: Values) -> float:
    return max(max(one) for one in values)


def _smallest(values: Values) -> float:
    return min(min(one) for one in values)
