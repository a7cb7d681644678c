"""Resampling, for what has no exact interval. The same seed gives the same answer on every machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from random import Random

from camrig.measure.shift import centre
from camrig.measure.statistics import median, quantile


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


def _draws(values: Sequence[float], size: int, rounds: int, seed: int) -> Iterator[list[float]]:
    if not values:
        raise ValueError("a resample wants something to draw from")
    random = Random(seed)
    for _ in range(rounds):
        yield random.choices(values, k=size)
