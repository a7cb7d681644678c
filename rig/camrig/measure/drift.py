"""Slow drifts of a nightly figure: where each began, and how fast it goes.

A drift is a ramp: level, then a straight line, then perhaps level again. Wherever steps of one direction follow each
other, a ramp is put in their place if it describes the figures better, with the criterion of Schwarz, "Estimating the
Dimension of a Model", Annals of Statistics 6 (1978). What drifts slowly at the end of the series has no step yet:
there a ramp is accepted if it lowers the scatter by far more than chance, and if Mann and Kendall's test with the
slope of Theil and Sen (``slope.slope``) agrees, which neither outliers nor dependent nights deceive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import log

from camrig.measure.change_points import Course, Step, course
from camrig.measure.noise import noise_width, without_spikes
from camrig.measure.slope import slope

SHORTEST = 8  # nights of a drift
LONGEST = 120  # nights at the end of a series in which a drift is looked for
GAIN = 26.0  # noise variances by which a ramp has to lower the scatter; by chance it does in one of 40 series a year
TAILS = (0.001, 0.001)  # of the slope, which is tested on the nights of the ramp alone
_POSITIONS = 24  # of either end of a ramp that are tried before the best is looked at more closely
_FACTS_OF_RAMP, _FACTS_OF_STEP = 4, 2  # beside the first level: where and how fast; where and how far


@dataclass(frozen=True)
class Drift:
    """From the value ``start`` to the value ``end``, the figure goes from ``before`` by ``per_night`` each night."""

    start: int
    end: int
    before: float
    per_night: float
    lasts: bool  # to the end of the series

    @property
    def change(self) -> float:
        return self.per_night * (self.end - self.start)


@dataclass(frozen=True)
class Movement:
    """All that a series does: its steps, a possible step at its end, and its drifts.

    ``noise`` is its width from night to night, ``lowest`` and ``highest`` its range without spikes.
    """

    steps: tuple[Step, ...] = ()
    possible: Step | None = None
    drifts: tuple[Drift, ...] = ()
    noise: float = 0.0
    lowest: float = 0.0
    highest: float = 0.0


def movement(values: Sequence[float]) -> Movement:
    """The steps and drifts of a series, none of which is both."""
    if not values:
        return Movement()
    noise = noise_width(values)
    series = without_spikes(values, noise)
    span = (noise, min(series), max(series))
    known: Course = course(values, series)
    if not known.nights:
        return Movement((), None, (), *span)
    steps, drifts = [], []
    for run in _runs(known.steps):
        ends = [0, *(step.index for step in known.steps), len(values)]
        first, last = ends.index(run[0].index), ends.index(run[-1].index)
        drift = _instead(series, noise, run, ends[first - 1], ends[last + 1])
        if drift is None:
            steps += run
        else:
            drifts.append(drift)
    if not drifts or not drifts[-1].lasts:
        start = max([0, len(values) - LONGEST, *(step.index for step in steps), *(drift.end for drift in drifts)])
        if (drift := _at_end(series, noise, start)) is not None:
            drifts.append(drift)
    drifting = bool(drifts) and drifts[-1].lasts
    return Movement(tuple(steps), None if drifting else known.possible, tuple(drifts), *span)


def _runs(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Steps that follow each other in one direction."""
    run: list[Step] = []
    for step in steps:
        if run and (step.change > 0) != (run[-1].change > 0):
            yield run
            run = []
        run.append(step)
    if run:
        yield run


def _instead(series: Sequence[float], noise: float, run: Sequence[Step], start: int, end: int) -> Drift | None:
    """The ramp that describes the values from ``start`` to ``end`` better than the steps do; None if none does."""
    values = series[start:end]
    ramps = _Ramps(values)
    points = [start, *(step.index for step in run), end]
    stairs = sum(_Ramps(series[left:right]).scatter for left, right in pairwise(points))
    floor = noise * noise or 1e-12 * ramps.scatter / len(values)
    price = log(len(values))
    rivals = [(ramp, _FACTS_OF_RAMP) for ramp in [ramps.best()] if ramp is not None]
    if end == len(series) and len(values) > SHORTEST:
        rivals.append((ramps.lasting(), _FACTS_OF_RAMP - 1))  # its end is not free
    coincidences = len(run) - 1  # two causes in one direction are less likely than one that goes on
    of_stairs = stairs / floor + (_FACTS_OF_STEP * len(run) + coincidences) * price
    costs = [(ramp.scatter / floor + facts * price, number) for number, (ramp, facts) in enumerate(rivals)]
    cost, number = min(costs, default=(of_stairs, 0))
    return rivals[number][0].drift(start, end == len(series)) if cost < of_stairs else None


def _at_end(series: Sequence[float], noise: float, start: int) -> Drift | None:
    """The drift that goes on at the end of the level that begins at ``start``."""
    values = series[start:]
    if len(values) < SHORTEST + 2 or not noise:
        return None
    ramps = _Ramps(values)
    ramp = ramps.lasting()
    if ramps.scatter - ramp.scatter < GAIN * noise * noise:
        return None
    points = list(enumerate(values))[ramp.start :]
    estimate = slope([points], TAILS)
    if estimate.low <= 0 <= estimate.high:
        return None
    return ramp.drift(start, True)


@dataclass(frozen=True)
class _Ramp:
    start: int
    end: int
    before: float
    per_night: float
    scatter: float
    count: int

    def drift(self, offset: int, is_last: bool) -> Drift:
        lasts = is_last and self.end >= self.count - 1 - SHORTEST // 2
        return Drift(self.start + offset, self.end + offset, self.before, self.per_night, lasts)


def _scatter(ramp: _Ramp) -> float:
    return ramp.scatter


class _Ramps:
    """Least squares of any ramp through the same values, each at once, from sums that are made only once."""

    def __init__(self, values: Sequence[float]) -> None:
        self._count = len(values)
        self._mean = sum(values) / len(values)
        centred = [value - self._mean for value in values]
        self._sums = [0.0, *accumulate(centred)]
        self._moments = [0.0, *accumulate(index * value for index, value in enumerate(centred))]
        self.scatter = sum(value * value for value in centred)

    def ramp(self, start: int, end: int) -> _Ramp:
        """The ramp that rises from the value ``start`` to the value ``end``, and is level outside."""
        length, after = end - start, self._count - 1 - end
        rises = length * (length + 1) / 2 + after * length
        squares = length * (length + 1) * (2 * length + 1) / 6 + after * length * length
        product = (
            *(self._moments[end + 1] - self._moments[start], -start * (self._sums[end + 1] - self._sums[start])),
            length * (self._sums[-1] - self._sums[end + 1]),
        )
        spread = squares - rises * rises / self._count
        per_night = sum(product) / spread
        before = self._mean - per_night * rises / self._count
        return _Ramp(start, end, before, per_night, max(0.0, self.scatter - per_night * sum(product)), self._count)

    def lasting(self) -> _Ramp:
        """The ramp to the last value, ``SHORTEST`` nights or longer, that leaves the least scatter."""
        last, latest = self._count - 1, self._count - 1 - SHORTEST
        stride = max(1, latest // _POSITIONS)
        ramp = self._least(range(0, latest + 1, stride), [last])
        assert ramp is not None
        near = range(max(0, ramp.start - stride), min(latest, ramp.start + stride) + 1)
        return self._least(near, [last]) or ramp

    def best(self) -> _Ramp | None:
        """The ramp of ``SHORTEST`` nights or longer that leaves the least scatter."""
        stride = max(1, self._count // _POSITIONS)
        coarse = range(0, self._count, stride)
        ramp = self._least(coarse, [*coarse, self._count - 1])
        while ramp is not None and stride > 1:  # one end after the other, ever more closely
            stride = (stride + 1) // 2
            ramp = self._least(self._near(ramp.start, stride), [ramp.end]) or ramp
            ramp = self._least([ramp.start], self._near(ramp.end, stride)) or ramp
        return ramp

    def _near(self, position: int, stride: int) -> list[int]:
        return [near for near in (position - stride, position, position + stride) if 0 <= near < self._count]

    def _least(self, starts: Sequence[int], ends: Sequence[int]) -> _Ramp | None:
        ramps = (self.ramp(start, end) for start in starts for end in ends if end - start >= SHORTEST)
        return min(ramps, key=_scatter, default=None)
