"""Resampling, for what has no exact interval. The same seed gives the same answer on every machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import inf
from random import Random
from typing import TypeVar

from rig.measure.shift import centre
from rig.measure.stats import USUAL, Estimate, Tails, median, quantile

T = TypeVar("T")

ROUNDS = 500


def bootstrap(
    groups: Sequence[T],
    statistic: Callable[[Sequence[T]], float],
    *,
    tails: Tails = USUAL,
    rounds: int = ROUNDS,
    seed: int = 0,
) -> Estimate:
    """``statistic`` of the groups, with the percentile interval over ``rounds`` resamples of whole groups.

    Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics 7 (1979); a group (a batch) is
    drawn as a whole because its values depend on each other: Davison and Hinkley, "Bootstrap Methods and Their
    Application" (1997), section 3.8. Narrower than promised for a handful of groups: prefer an exact interval.
    An end is infinite where ``rounds`` cannot resolve its tail. Raises ValueError for no groups.
    """
    value = statistic(groups)
    found = sorted(statistic(drawn) for drawn in _draws(groups, len(groups), rounds, seed))
    low = quantile(found, tails[0]) if tails[0] * rounds >= 1 else -inf
    high = quantile(found, 1 - tails[1]) if tails[1] * rounds >= 1 else inf
    return Estimate(value, low, high)


def reach(
    differences: Sequence[float], batches: int, tail: float, *, power: float = 0.95, rounds: int = 200, seed: int = 0
) -> float:
    """How far beyond its limit a change must lie to be found with chance ``power`` in ``batches`` batches.

    ``differences`` are those of batches of the same thing against itself (A/A). Because ``centre`` moves with its
    data, a change is found exactly when it exceeds the depth of the interval's lower end below nought: the ``power``
    quantile of that depth over resamples is the minimum detectable effect. Bloom, "Minimum Detectable Effects",
    Evaluation Review 19 (1995), with resampling in place of his normal theory. Infinite where ``batches`` are too few
    for ``tail``. Raises ValueError for no differences.
    """
    middle = median(differences)
    # Both signs: in A/A the two sides have no names, and the sample's own offset is no noise.
    mirrored = [value - middle for value in differences] + [middle - value for value in differences]
    depths = [-centre(drawn, (tail, tail)).low for drawn in _draws(mirrored, batches, rounds, seed)]
    return inf if inf in depths else max(0.0, quantile(depths, power))


def _draws(groups: Sequence[T], size: int, rounds: int, seed: int) -> Iterator[list[T]]:
    if not groups:
        raise ValueError("a resample wants something to draw from")
    random = Random(seed)
    for _ in range(rounds):
        yield random.choices(groups, k=size)
