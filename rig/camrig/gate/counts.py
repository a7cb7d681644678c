"""Counts and bytes of one metric become one estimate: the candidate's worst beside the baseline's.

A count is exact for its request, not a sample of it. So the median does not matter: extra bytes in every third
request, which no median shows, use up the board's memory all the same.

Here more is worse; ``camrig.gate.effect`` reverses the sign of what should stay high.
"""

from __future__ import annotations

from collections.abc import Sequence

from camrig.measure.shift import centre, shift
from camrig.measure.statistics import Estimate, Tails, median, quantile_interval

Values = Sequence[Sequence[float]]  # of each batch


def count_shift(candidate: Values, baseline: Values, paired: bool, tails: Tails) -> Estimate:
    """By how much the candidate's counts exceed the baseline's.

    ``value`` and ``high`` compare the largest of either side, whichever batch it is from; ``high`` is more when the
    median of the batches has certainly risen by more. ``low`` is the larger of two: the gap between the two ranges,
    less the width of the wider one, because a few values that vary may lie apart by chance; and the shift of the
    batches' largest counts, as far as its rank interval bounds it.
    """
    largest = _largest(candidate) - _largest(baseline)
    width = max(_largest(side) - _smallest(side) for side in (candidate, baseline))
    gap = _smallest(candidate) - _largest(baseline) - width
    low = max(gap, _shift([max(batch) for batch in candidate], [max(batch) for batch in baseline], paired, tails).low)
    medians = [median(batch) for batch in candidate], [median(batch) for batch in baseline]
    return Estimate(max(low, largest), low, max(low, largest, _shift(*medians, paired, tails).low))


def count_level(values: Values, tails: Tails) -> Estimate:
    """The counts at their worst: certainly as much as the median batch's largest, at most the largest of all."""
    largest = _largest(values)
    low = max(_smallest(values), quantile_interval([max(batch) for batch in values], 0.5, tails).low)
    return Estimate(largest, low, largest)


def count_reach(pairs: Sequence[tuple[Values, Values]]) -> float:
    """How far beyond its limit a change must lie to be found for certain: twice the range in which the counts vary.

    ``pairs`` are those of the same thing against itself (A/A).
    """
    return max(
        2 * (max(_largest(first), _largest(second)) - min(_smallest(first), _smallest(second)))
        for first, second in pairs
    )


def _shift(candidate: list[float], baseline: list[float], paired: bool, tails: Tails) -> Estimate:
    if paired:
        return centre([a - b for a, b in zip(candidate, baseline, strict=True)], tails)
    return shift(candidate, baseline, tails)


def _largest(values: Values) -> float:
    return max(max(batch) for batch in values)


def _smallest(values: Values) -> float:
    return min(min(batch) for batch in values)
