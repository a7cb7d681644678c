"""Resampling, for what has no exact distribution. The same seed gives the same answer on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from random import Random

from camrig.measure.shift import centre
from camrig.measure.statistics import median, quantile


def detectable_shift(
    differences: Sequence[float], batches: int, tail: float, *, power: float = 0.95, rounds: int = 200, seed: int = 0
) -> float:
    """How far beyond its limit a change must lie to be found with probability ``power`` in ``batches`` batches.

    The minimum detectable effect: Bloom, "Minimum Detectable Effects", Evaluation Review 19 (1995), with a bootstrap
    in place of his normal theory. ``differences`` are those of batches of the same thing against itself (A/A).
    Because ``centre`` moves with its data, a change is found exactly when it exceeds the distance of the interval's
    lower end below zero: the effect is the ``power`` quantile of that distance over the resamples. Infinite where
    ``batches`` are too few for ``tail``. Raises ValueError for no differences.
    """
    middle = median(differences)
    # Both signs: the two sides of an A/A run are interchangeable, and their mean difference is not noise.
    mirrored = [value - middle for value in differences] + [middle - value for value in differences]
    distances = [-centre(resample, (tail, tail)).low for resample in _resamples(mirrored, batches, rounds, seed)]
    return inf if inf in distances else max(0.0, quantile(distances, power))


def _resamples(values: Sequence[float], size: int, rounds: int, seed: int) -> Iterator[list[float]]:
    if not values:
        raise ValueError("there are no values to resample")
    random = Random(seed)
    for _ in range(rounds):
        yield random.choices(values, k=size)
