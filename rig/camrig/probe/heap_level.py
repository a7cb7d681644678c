"""The heap until it is level: a cache may fill, and may be emptied when it is full, but rises no higher than before.

A list that grows takes its bytes in steps that double. So a heap counts as level when it did not rise in the later
two thirds of the steps: within a doubling, such a list takes another step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from camrig.deadline import Deadline
from camrig.probe.agent import Heap
from camrig.probe.heap_series import STILL_RISING, heap_series

PAUSE = 0.002  # seconds between two readings: the least of a few is taken, and few readings are alike
FEWEST = 3  # series, which a third is taken of
PATIENCE = 4  # times as many series while a rise may be that of a few steps, which are rare and come to an end

Points = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class HeapWatch:
    """Consecutive series of points (steps so far, bytes alive), each of which counts its steps from zero."""

    series: tuple[Points, ...]

    @cached_property
    def high_water(self) -> Points:
        """The most bytes alive so far, over all steps; a single reading that is too high by chance is left out.

        A cache that is emptied when it is full rises in most places, but no higher than before.
        """
        steps, points = 0, list(self.series[0])
        for before, series in pairwise(self.series):
            steps += before[-1][0]
            points += [(steps + at, alive) for at, alive in series[1:]]  # its first reading repeats the one before
        alive = [size for _, size in points]
        smooth = [alive[0], *(sorted(alive[i - 1 : i + 2])[1] for i in range(1, len(alive) - 1)), min(alive[-2:])]
        return tuple((at, highest) for (at, _), highest in zip(points, accumulate(smooth, max), strict=True))

    @property
    def later(self) -> Points:
        """The high water from the end of the first third of the series on."""
        first_third = sum(series[-1][0] for series in self.series[: len(self.series) // 3])
        return tuple(point for point in self.high_water if point[0] >= first_third)

    @property
    def rise(self) -> float:
        """Bytes per step by which the high water rose in the later two thirds."""
        (begin, before), (end, after) = self.later[0], self.later[-1]
        return (after - before) / (end - begin)

    @property
    def is_one_step(self) -> bool:
        """Whether one step makes up most of the rise: a list that grows for ever takes its next within a doubling."""
        steps = [after - before for (_, before), (_, after) in pairwise(self.later)]
        return max(steps, default=0) * 2 > sum(steps)

    @property
    def level(self) -> bool:
        return self.rise <= STILL_RISING

    @property
    def judged(self) -> Points:
        """What a slope is to be computed from: all of the high water, or the later part if that is level."""
        return self.later if self.level else self.high_water


def heap_until_level(
    step: Callable[[], object],
    heap: Callable[[], Heap],
    every: int,
    each: int,
    least: int,
    most: int,
    seconds: float = 300.0,
    weight: int = 1,
    clear: float = 0.0,
) -> HeapWatch:
    """Watch series of ``each`` steps, with a reading after every ``every``: at least ``least``, at most ``most``.

    A ``step`` counts ``weight``. While the heap rises by fewer bytes a step than are ``clear``, or by one step for
    the most part, there are up to ``PATIENCE`` times as many. After ``seconds`` no series beyond ``FEWEST`` is
    started: on a slow board a few must be enough.
    """
    all_series: list[Points] = []
    until = Deadline.after(seconds)
    while True:
        points = heap_series(step, heap, every, each, PAUSE)
        all_series.append(tuple((weight * at, alive) for at, alive in points))
        watch = HeapWatch(tuple(all_series))
        enough = most if watch.rise >= clear and not watch.is_one_step else PATIENCE * most
        if len(all_series) >= enough or (len(all_series) >= FEWEST and until.passed):
            return watch
        if len(all_series) >= least and watch.level:
            return watch
