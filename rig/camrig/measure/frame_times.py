"""What a viewer of a stream notices, from the times at which pictures arrived. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from camrig.measure.statistics import median

STALL_FACTOR = 3.0  # times the median gap, so that a slow stream is not one long stall
STALL_MS = 250.0  # and no less: a shorter gap is not seen as one


def gaps(times: Sequence[float]) -> list[float]:
    """From each picture to the next."""
    return [later - earlier for earlier, later in pairwise(times)]


def per_second(times_ms: Sequence[float]) -> float:
    """Pictures per second from the first one to the last. Raises ValueError where no time has passed."""
    if len(times_ms) < 2 or times_ms[-1] <= times_ms[0]:
        raise ValueError("a rate needs two pictures at different times")
    return 1000 * (len(times_ms) - 1) / (times_ms[-1] - times_ms[0])


def stalls(gaps_ms: Sequence[float]) -> list[float]:
    """The gaps in which a viewer sees the picture stand still."""
    if not gaps_ms:
        return []
    shortest = max(STALL_MS, STALL_FACTOR * median(gaps_ms))
    return [gap for gap in gaps_ms if gap > shortest]


def repeated(pictures: Sequence[object]) -> int:
    """How many pictures are the same as the one before."""
    return sum(later == earlier for earlier, later in pairwise(pictures))


def steps(numbers: Sequence[int], modulus: int) -> list[int]:
    """By how much the number in each picture is ahead of the one before: 1 for the next one, 0 for the same again.

    Numbers begin again after ``modulus``; one that is behind gives a negative step.
    """
    return [(later - earlier + modulus // 2) % modulus - modulus // 2 for earlier, later in pairwise(numbers)]


def ages(arrived_ms: Sequence[float], taken_ms: Sequence[float], modulus: int) -> list[float]:
    """How much older each picture was when it arrived than the one that was newest on arrival, which counts as new.

    ``taken_ms`` is by the camera's clock, which runs like this host's and begins again after ``modulus``. Pictures
    may lie apart by half of that.
    """
    if not arrived_ms:
        return []
    taken = _since_first(taken_ms, modulus)
    lags = [arrived - arrived_ms[0] - step for arrived, step in zip(arrived_ms, taken, strict=True)]
    return [lag - min(lags) for lag in lags]


def _since_first(taken_ms: Sequence[float], modulus: int) -> list[float]:
    return [(taken - taken_ms[0] + modulus // 2) % modulus - modulus // 2 for taken in taken_ms]
