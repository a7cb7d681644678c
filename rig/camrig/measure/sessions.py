"""Sessions against several of another day: the variance between sessions belongs in the interval."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan, cos, pi, sin, sqrt
from statistics import fmean

from camrig.measure.statistics import Estimate, Tails

ENOUGH = 3  # sessions, so that their spread is known at all
PRIOR_SESSIONS = 4  # how many degrees of freedom the expected spread counts for


def session_shift(levels: Sequence[float], stored: Sequence[float], expected_spread: float, tails: Tails) -> Estimate:
    """By how much new sessions with ``levels``, one or several, lie above the ``stored`` ones on average.

    With Student's t. For one new session it is the prediction interval of Hahn, "Factors for Calculating Two-Sided
    Prediction Intervals for Samples from a Normal Distribution", JASA 64 (1969); for several the two-sample interval
    with the variance of both sides pooled. The variance of so few sessions is moderated by an ``expected_spread`` (a
    standard deviation) that counts for ``PRIOR_SESSIONS`` degrees of freedom: Smyth, "Linear Models and Empirical
    Bayes Methods for Assessing Differential Expression in Microarray Experiments", Statistical Applications in
    Genetics and Molecular Biology 3 (2004).

    Raises ValueError for no new session, and for fewer than two stored ones.
    """
    if len(stored) < 2 or not levels:
        raise ValueError("the spread between sessions needs two sessions, and one to compare with them")
    sides = [levels, stored]
    freedom = sum(len(side) - 1 for side in sides) + PRIOR_SESSIONS
    squares = (
        sum((value - fmean(side)) ** 2 for side in sides for value in side) + PRIOR_SESSIONS * expected_spread**2
    )
    error = sqrt(squares / freedom * sum(1 / len(side) for side in sides))
    value = fmean(levels) - fmean(stored)
    below, above = (student_quantile(freedom, tail) * error for tail in tails)
    return Estimate(value, value - below, value + above)


def student_quantile(freedom: int, tail: float) -> float:
    """The value that Student's t exceeds with probability ``tail``, which is below one half.

    By bisection of the distribution function. Raises ValueError for arguments out of range.
    """
    if freedom < 1 or not 0 < tail < 0.5:
        raise ValueError("Student's t needs a degree of freedom, and a tail between 0 and one half")
    low, high = 0.0, 1.0
    while _exceeded(freedom, high) > tail:
        low, high = high, 2 * high
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _exceeded(freedom, middle) > tail else (low, middle)
    return high


def _exceeded(freedom: int, t: float) -> float:
    """The chance of a value beyond ``t``.

    The finite series 26.7.3 and 26.7.4 of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964).
    """
    angle = atan(t / sqrt(freedom))
    odd = freedom % 2
    term = cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for index in range(2 if odd else 1, freedom - 2, 2):
        term *= cos(angle) ** 2 * index / (index + 1)
        total += term
    inside = 2 / pi * (angle + sin(angle) * total) if odd else sin(angle) * total
    return (1 - inside) / 2
