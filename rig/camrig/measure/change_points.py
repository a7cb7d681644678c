"""Steps in a series of nightly figures: E-divisive with means, made deterministic.

Matteson and James, "A Nonparametric Approach for Multiple Change Point Analysis of Multivariate Data", JASA 109
(2014): a segment is divided where the energy distance between its two parts is greatest, and the parts are divided
again. Daly, Brown, Ingo, O'Leary and Bradford, "The Use of Change Point Detection to Identify Software Performance
Regressions in a Continuous Integration System", ICPE (2020), use it on nightly figures. As in Fleming, Kolaczkowski,
Kumar, Das, McCarthy, Pattabhiraman and Ingo, "Hunter: Using Change Point Detection to Hunt for Performance
Regressions", ICPE (2023), Student's t takes the place of the random permutations, so that the same figures always
give the same steps; short windows find what returns after a few nights; and weak points are removed again one by one.

Student's t assumes noise that is independent and normal, and nights are neither. Its error is therefore that of means
of nights as much alike as those of the series (``noise.Variogram``), and its limit is raised by their excess kurtosis
(``noise.raised``). Both are measured within the levels that are left whenever a weak point has been removed, so that
a step does not hide itself.

A board with 40 metrics is looked at on 365 nights, so that one false step of a board and year is one in 14,600 looks,
or 6.8e-5 of a look. A look at 200 nights has some 200 places for a step, each with a chance of 2e-6 (``TAIL`` for
either direction): 4e-4 if places and nights were independent. They share nearly all of their values, and what is
found again counts once; ``benchmarks/history.py`` measures what is left.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from math import copysign, inf, sqrt

from camrig.measure.last_nights import FAR, changed_nights, farther
from camrig.measure.noise import Variogram, heavy_tails, noise_width, pairs, raised, without_spikes
from camrig.measure.sessions import student_quantile
from camrig.measure.statistics import median

FEWEST_NIGHTS = 10
SHORTEST = 2  # nights of a level: one night alone is a spike, or a step that a second night has yet to confirm
TAIL = 1e-6  # of one direction
CANDIDATE = 3.0  # Student's t from which a division is looked at more closely
SIGN = 3.0  # noise widths from which the last night is called a possible step
WINDOWS = (16, 64)  # nights, each moved by half of its length
QUIET = 3.0  # standard errors between the quarters of a window; by chance alone, four of five windows stay below
PRIOR_FREEDOM = 12  # of the noise of the whole series in that of two neighbouring levels
FEW = 4  # nights of a level that is looked at night by night
_ROUNDING = 1e-12
_FREEDOMS = (10, 12, 14, 17, 20, 25, 30, 40, 60, 100, 200)


@dataclass(frozen=True)
class Step:
    """The level changes from ``before`` to ``after`` at the value with this ``index``, by ``widths`` of the noise."""

    index: int
    before: float
    after: float
    widths: float

    @property
    def change(self) -> float:
        return self.after - self.before


@dataclass(frozen=True)
class Course:
    """A series with its steps, and perhaps a ``possible`` one at its end, which a further night has to confirm.

    ``nights`` is the number of its values, 0 where they are too few for a statement.
    """

    nights: int = 0
    steps: tuple[Step, ...] = ()
    possible: Step | None = None


def course(values: Sequence[float], cut: Sequence[float] | None = None) -> Course:
    """The steps of a series. Of fewer than ``FEWEST_NIGHTS`` values nothing is said.

    ``cut`` are the values ``without_spikes``, where the caller has them.
    """
    if len(values) < FEWEST_NIGHTS:
        return Course()
    noise = noise_width(values)
    middle = median(values)
    cut = without_spikes(values, noise) if cut is None else cut
    series = _Series([value - middle for value in cut], noise)
    centred = [value - middle for value in values]
    points = series.relocated(series.strongest(sorted(_candidates(series))))
    points = series.agreed(series.strongest(points), centred)
    if nights := changed_nights(values, points[-1] if points else 0):
        points.append(len(values) - nights)
    ends = [0, *points, len(values)]
    levels = [median(values[start:end]) for start, end in pairwise(ends)]
    steps = tuple(
        Step(point, before, after, _widths(after - before, noise))
        for point, (before, after) in zip(points, pairwise(levels), strict=True)
        if before != after
    )
    return Course(len(values), steps, _possible(values, ends[-2], levels[-1], noise))


def division(values: Sequence[float]) -> int:
    """Where the energy distance between the two parts of ``values`` is greatest; 0 where both ends are too near.

    The sums of distances are kept up to date while one value after the other moves from the right part to the left.
    """
    count, ordered = len(values), sorted(values)
    sums = [0.0, *accumulate(ordered)]
    left: list[float] = []
    left_sum = within_left = 0.0
    best, best_point = -inf, 0
    to_all = []
    for value in values:
        below = bisect_left(ordered, value)
        to_all.append(value * (2 * below - count) + sums[-1] - 2 * sums[below])
    within = within_right = sum(to_all) / 2
    for size, value in enumerate(values, 1):
        below = bisect_left(left, value)
        to_left = value * (2 * below - size + 1) + left_sum - 2 * sum(left[:below])
        within_left += to_left
        within_right += to_left - to_all[size - 1]
        left.insert(below, value)
        left_sum += value
        rest = count - size
        if size < SHORTEST or rest < SHORTEST:
            continue
        # Proportional to the statistic: twice the sum between the parts, less what either part accounts for.
        energy = within - within_left * (1 + rest / (size - 1)) - within_right * (1 + size / (rest - 1))
        if energy > best:
            best, best_point = energy, size
    return best_point


class _Series:
    """Values with their sums, so that any two neighbouring parts are compared at once."""

    def __init__(self, values: Sequence[float], noise: float) -> None:
        self.values, self._noise = values, noise
        self._sums = [0.0, *accumulate(values)]
        self._squares = [0.0, *accumulate(value * value for value in values)]
        self._rounding = _ROUNDING * max(map(abs, values))
        self._variogram = Variogram(values)

    def __len__(self) -> int:
        return len(self.values)

    def mean(self, start: int, end: int) -> float:
        return (self._sums[end] - self._sums[start]) / (end - start)

    def scatter(self, start: int, end: int) -> float:
        """The sum of squares about the mean."""
        total = self._sums[end] - self._sums[start]
        return max(0.0, self._squares[end] - self._squares[start] - total * total / (end - start))

    def is_quiet(self, start: int, end: int) -> bool:
        """Whether the means of the quarters of a window hardly differ, so that it is not worth a division."""
        quarter = (end - start) // 4
        means = [self.mean(place, place + quarter) for place in range(start, end - quarter + 1, quarter)]
        return max(means) - min(means) <= QUIET * self._noise / sqrt(quarter) + self._rounding

    def student(self, start: int, point: int, end: int) -> float:
        """Student's t of the means before and after ``point``, its variance moderated by that of the whole series.

        Smyth, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression in Microarray
        Experiments" (2004), as in ``sessions.session_shift``.
        """
        difference = self.mean(point, end) - self.mean(start, point)
        if abs(difference) <= self._rounding:
            return 0.0
        scatter = self.scatter(start, point) + self.scatter(point, end) + PRIOR_FREEDOM * self._noise**2
        variance = scatter / (end - start - 2 + PRIOR_FREEDOM) * (1 / (point - start) + 1 / (end - point))
        return difference / sqrt(variance) if variance > self._rounding**2 else copysign(inf, difference)

    def strongest(self, points: Sequence[int]) -> list[int]:
        """The points without those that are not significant, the weakest removed first."""
        kept = list(points)
        while kept:
            ends = [0, *kept, len(self)]
            alike = self._variogram.alike(ends, self._rounding)
            tailed = heavy_tails(
                [value - self.mean(*level) for level in pairwise(ends) for value in self.values[slice(*level)]]
            )
            margins = [
                self._margin(start, point, end, alike, tailed)
                for start, point, end in zip(ends, ends[1:], ends[2:], strict=False)
            ]
            weakest = min(margins)
            if weakest >= 1:
                break
            kept.pop(margins.index(weakest))
        return kept

    def _margin(self, start: int, point: int, end: int, alike: float, tailed: float) -> float:
        """By how many of its limits the level changes at ``point``, in noise that is ``alike`` and ``tailed``."""
        before, after = point - start, end - point
        shares = 1 / before + 1 / after
        limit = raised(_limit(end - start - 2 + PRIOR_FREEDOM), tailed, (1 / before**3 + 1 / after**3) / shares**2)
        wider = sum(pairs(size, alike) / size for size in (before, after)) / shares
        return abs(self.student(start, point, end)) / limit / sqrt(wider)

    def relocated(self, points: Sequence[int]) -> list[int]:
        """Each point where it leaves the least scatter between its neighbours."""
        kept = list(points)
        for number in range(len(kept)):
            start = kept[number - 1] if number else 0
            end = kept[number + 1] if number + 1 < len(kept) else len(self)
            kept[number] = min(
                range(start + SHORTEST, end - SHORTEST + 1),
                key=lambda point: self.scatter(start, point) + self.scatter(point, end),
                default=kept[number],
            )
        return kept

    def agreed(self, points: Sequence[int], values: Sequence[float]) -> list[int]:
        """The points without those that do not agree; each that is removed lengthens the levels beside the next."""
        kept = list(points)
        while (wrong := next((point for point in kept if not self.agrees(kept, point, values)), None)) is not None:
            kept.remove(wrong)
            kept = self.strongest(kept)
        return kept

    def agrees(self, points: Sequence[int], point: int, values: Sequence[float]) -> bool:
        """Whether most nights beside ``point`` are on their side of the middle, and nearly all where they are few.

        Two spikes in three nights would otherwise be a level, and each of them a step. Where ``values``, which are
        not cut, lie far out on the other side, a few nights must be farther, as in ``last_nights``.
        """
        ends = [0, *points, len(self)]
        number = ends.index(point)
        start, end = ends[number - 1], ends[number + 1]
        before, after = self.mean(start, point), self.mean(point, end)
        sign = copysign(1.0, after - before)
        for nights, others, way in (
            (values[start:point], values[point:end], -sign),
            (values[point:end], values[start:point], sign),
        ):
            beyond = (before + after) / 2 * way
            needed = len(nights) // 2 + 1
            if len(nights) <= FEW:
                needed = min(len(nights), FEW - 1)
                level = median(others)
                furthest = max(abs(value - level) for value in others)
                if self._noise and furthest > FAR * self._noise and len(others) > FEW:
                    beyond = level * way + farther(furthest / self._noise, len(nights)) * self._noise
            if sum(value * way > beyond for value in nights) < needed:
                return False
        return True


def _candidates(series: _Series) -> set[int]:
    """Points worth a closer look, ``SHORTEST`` apart or more: divisions of windows, and of parts of parts."""
    strengths: dict[int, float] = {}
    for start, end in _windows(len(series)):
        if end < len(series) and series.is_quiet(start, end):
            continue
        if point := division(series.values[start:end]):
            strength = abs(series.student(start, start + point, end))
            strengths[start + point] = max(strength, strengths.get(start + point, 0.0))
    parts = [(0, len(series))]
    while parts:
        start, end = parts.pop()
        if end - start < 2 * SHORTEST or not (point := division(series.values[start:end])):
            continue
        point += start
        strength = abs(series.student(start, point, end))
        strengths[point] = max(strength, strengths.get(point, 0.0))
        if strength >= CANDIDATE:
            parts += [(start, point), (point, end)]
    kept: set[int] = set()
    for point in sorted(strengths, key=lambda point: (-strengths[point], point)):
        if strengths[point] >= CANDIDATE and all(abs(point - near) >= SHORTEST for near in kept):
            kept.add(point)
    return kept


def _windows(count: int) -> Iterator[tuple[int, int]]:
    for length in WINDOWS:
        if length < count:
            yield from ((start, start + length) for start in range(0, count - length, length // 2))
            yield count - length, count


@lru_cache(maxsize=1024)
def _limit(freedom: int) -> float:
    return _quantile(max((known for known in _FREEDOMS if known <= freedom), default=_FREEDOMS[0]))


@lru_cache(maxsize=len(_FREEDOMS))
def _quantile(freedom: int) -> float:
    return student_quantile(freedom, TAIL)


def _possible(values: Sequence[float], start: int, level: float, noise: float) -> Step | None:
    """What may begin at the end of the last level: at its last value, or at the last few on one side of it."""
    for length in range(min(4, len(values) - start - SHORTEST - 1), 0, -1):
        tail = values[-length:]
        before = median(values[start:-length])
        change = median(tail) - before
        widths = _widths(change, noise)
        if abs(widths) * sqrt(length) >= SIGN and all((value - before) * change > 0 for value in tail):
            return Step(len(values) - length, before, median(tail), widths)
    return None


def _widths(change: float, noise: float) -> float:
    return change / noise if noise else copysign(inf, change) if change else 0.0
