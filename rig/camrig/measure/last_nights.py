"""A level that changed in the last few nights: decided on its second night, as far as chance allows.

A division of the whole series (``change_points``) has to be sure of both sides, and needs some nights after a step.
Here the level before is known from many nights, and only the mean of the last two to four is new, as on a control
chart: Shewhart, "Economic Control of Quality of Manufactured Product" (1931), with limits from the false alarms that
are allowed, not from three standard deviations.

A board has 40 metrics and is looked at on 365 nights, so that one false step of a board and year is one in 14,600
looks, 6.8e-5 for both directions or 3.4e-5 for each. ``TAILS`` shares these out: 2.5e-5 to two nights, 4e-6 to three
and as much to four. With the noise known exactly, two nights must then move by a mean of 4.06 / sqrt(2) = 2.9 noise
widths. Of steps of three noise widths P(N(3 sqrt(2), 1) > 4.06) = 57 % do so on their second night. No rule that
looks at two nights only, and is as seldom wrong, finds more of them (Neyman and Pearson); on the third it is nearly
80 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from math import sqrt

from camrig.measure.noise import heavy_tails, pairs, raised
from camrig.measure.sessions import student_quantile
from camrig.measure.statistics import mad, median

TAILS = {2: 2.5e-5, 3: 4e-6, 4: 4e-6}  # of one direction, by the number of last nights
LEVEL = 120  # nights before, at most
FEWEST = 8  # nights before; Student's t is wide where they are few
CUT = 2.5  # standard deviations to which a night of the level is cut, so that a spike does not widen it
ROOM = 2.0  # standard deviations of a last night beyond the nearest, of four the second: the rest may be a spike
FAR = 3.5  # standard deviations that no night of a level with normal noise is away (Iglewicz and Hoaglin 1993)
FEWEST_FAR = 30  # nights of a level in which some are that far away
TWICE = 2.0  # as far as the furthest of them, where only two nights are beyond
_FREEDOMS = (*range(6, 20), *range(20, 60, 4), *range(60, 121, 12))


def changed_nights(values: Sequence[float], start: int) -> int:
    """How many of the last values are of another level than those from ``start`` to them; 0 if none are.

    Where nights of the level are further away than normal noise allows, the last ones must all be beyond every one
    of them, and two of them ``farther``: whatever the noise, if nights are independent, two on one side are by chance
    only once in (n + 1) (n + 2) nights. Where none is, the excess kurtosis raises the limits. Autocorrelation of
    neighbouring nights widens them.
    """
    best, nights = 1.0, 0
    for length, tail in TAILS.items():
        before = values[max(start, len(values) - length - LEVEL) : len(values) - length]
        if len(before) < FEWEST:
            break
        strength = _strength(before, values[-length:], tail, values[start : len(values) - length])
        if strength > best:
            best, nights = strength, length
    return nights


def farther(furthest: float, nights: int) -> float:
    """How far a few nights must be away, in standard deviations, as the ``furthest`` of the level before is.

    Of only two nights the distance grows with how unlike normal noise it is, up to ``TWICE`` as much: two spikes in a
    row are farther than all spikes so far, in a level that has only one or two.
    """
    return furthest * min(TWICE, max(1.0, furthest / FAR)) if nights < 3 else furthest


def _strength(before: Sequence[float], last: Sequence[float], tail: float, level: Sequence[float]) -> float:
    """By how many limits the mean of the ``last`` nights is away from ``before``, the end of the ``level``."""
    middle = median(before)
    sign = 1.0 if sum(last) > len(last) * middle else -1.0
    away = [sign * (value - middle) for value in last]
    room = CUT * mad(before)
    residuals = [min(max(value - middle, -room), room) for value in before]
    count, mean = len(residuals), sum(residuals) / len(residuals)
    squares = sum((value - mean) ** 2 for value in residuals)
    if min(away) <= 0 or squares <= 0:
        return 0.0
    width = sqrt(squares / (count - 1))
    furthest = max(abs(value - middle) for value in level)
    tailed = 0.0
    if furthest <= FAR * width:
        tailed = heavy_tails([value - middle for value in before])
    elif len(level) < FEWEST_FAR or min(away) <= farther(furthest / width, len(away)) * width:
        return 0.0
    near = sorted(away)[len(away) // 4]
    shift = sum(min(value, near + ROOM * width) for value in away) / len(away) - sign * mean
    products = sum((left - mean) * (right - mean) for left, right in pairwise(residuals))
    alike = min(max(0.0, products / squares), 0.9)
    error = width * sqrt(pairs(len(away), alike) / len(away) + (1 + alike) / (1 - alike) / count)
    return shift / error / raised(_limit(count - 1, tail), tailed, 1 / len(away))


@lru_cache(maxsize=256)
def _limit(freedom: int, tail: float) -> float:
    return _quantile(max((known for known in _FREEDOMS if known <= freedom), default=_FREEDOMS[0]), tail)


@lru_cache(maxsize=256)
def _quantile(freedom: int, tail: float) -> float:
    return student_quantile(freedom, tail)
