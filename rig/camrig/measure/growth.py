"""Growth that goes on: a rise over successive doublings of the number of steps, which no single step explains.

A list takes its bytes in steps that double, so that between two of them nothing rises and the median slope is zero.
But each doubling of the requests brings another step, of twice the size. A cache that fills and stops brings none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from camrig.measure.shift import shift
from camrig.measure.slope import Points, end_to_end_slope, rise
from camrig.measure.statistics import TAILS_95, Estimate, Tails, median

SMALLEST_GROUP = 6  # points
_GROUPS = 5  # a group is this part of all points
_MIDDLE, _LATER = 0.375, 0.7  # where the second group and the third have their centres; the last has it at 0.9
_KEEPS_UP = 0.5  # what the rate of the late rise must be of the early one's


@dataclass(frozen=True)
class _Rates:
    """How fast one run rises: from its first points to the middle, from there to its last, and at the very end."""

    early: Estimate
    late: Estimate
    end: Estimate

    @property
    def keeps_up(self) -> bool:
        return self.late.value >= _KEEPS_UP * self.early.value


def lasting_rise(series: Sequence[Points], tails: Tails = TAILS_95) -> Estimate:
    """``rise``, and for a long run of points what its successive doublings show.

    Groups of points at 0.1, 0.375 and 0.9 of the steps lie a factor of 2.4 apart and more, so that each interval
    holds a doubling. Rises between them have the rank-sum interval (Hodges and Lehmann 1963, see ``shift``).

    - It certainly rises by what both intervals certainly rise by; as both are required, each may have the whole tail:
      the intersection-union test of Berger, "Multiparameter Hypothesis Testing and Acceptance Sampling",
      Technometrics 24 (1982).
    - It rises by no more than the late interval does, however much was allocated once before.
    - A growth whose late rate is below half the early one counts as far as it goes on at the very end.

    Series that continue each other are joined. Of several runs that are long enough, all have to agree. Raises
    ValueError as ``rise``.
    """
    estimate = rise(series, tails)
    runs = [_rates(points, tails) for points in joined(series) if len(points) >= _GROUPS * SMALLEST_GROUP]
    if not runs:
        return estimate
    high = min(estimate.high, max(run.late.high for run in runs))
    ending = [run.end.low for run in runs if not run.keeps_up]
    if ending:
        low = min(estimate.low, high, *ending)
    else:
        low = max(estimate.low, min(min(run.early.low, run.late.low) for run in runs))
    if low <= estimate.value <= high:
        return Estimate(estimate.value, low, high)
    # Steps that double have a median slope of zero; their rise from end to end is what they use.
    return Estimate(min(max(low, end_to_end_slope(series)), max(low, high)), low, max(low, high))


def _rates(points: Points, tails: Tails) -> _Rates:
    size = len(points) // _GROUPS
    first, last = points[:size], points[-size:]
    middle, later = (points[round(len(points) * centre) - size // 2 :][:size] for centre in (_MIDDLE, _LATER))
    return _Rates(_rate(first, middle, tails), _rate(middle, last, tails), _rate(later, last, tails))


def _rate(before: Points, after: Points, tails: Tails) -> Estimate:
    """The rise per step from one group to another."""
    rise = shift([y for _, y in after], [y for _, y in before], tails)
    steps = median([x for x, _ in after]) - median([x for x, _ in before])
    return Estimate(rise.value / steps, rise.low / steps, rise.high / steps)


def joined(series: Sequence[Points]) -> list[list[tuple[float, float]]]:
    """Series that begin nearer to where the one before ended than to where it began, as one with a running x.

    After a fresh boot a heap begins where it began before.
    """
    runs: list[list[tuple[float, float]]] = []
    for points in (sorted(points) for points in series if points):
        if runs and _continues(runs[-1], points):
            offset = runs[-1][-1][0] - points[0][0]
            # The first reading is that of the last one's x, with nothing between them.
            runs[-1] += [(offset + x, y) for x, y in points[1:]]
        else:
            runs.append([(float(x), y) for x, y in points])
    return runs


def _continues(run: Points, points: Points) -> bool:
    first, last, begin = (median([y for _, y in part]) for part in (run[:3], run[-3:], points[:3]))
    return abs(begin - last) <= abs(begin - first)
