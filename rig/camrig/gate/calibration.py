"""What a bench shows when nothing has changed: A/A runs become a noise floor and a smallest change per metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import expm1, isinf

from camrig.errors import BaselineError
from camrig.gate.control_samples import Mark, Usual, in_order, mark, usual
from camrig.gate.counts import counted_reach
from camrig.gate.effect import counts, differences, effect
from camrig.gate.limits import Limit
from camrig.gate.samples import Kind, Samples
from camrig.gate.sequential_plan import Plan
from camrig.measure.resample import reach
from camrig.measure.shift import logarithms
from camrig.measure.statistics import Tails

_FLOOR: Tails = (0.025, 0.025)
_POWER = 0.95

Sides = tuple[Mapping[str, Samples], Mapping[str, Samples]]


@dataclass(frozen=True)
class Noise:
    """One metric on one bench, in its unit; ``share_…`` as a fraction, None where it has no share.

    ``floor``: no difference between two equal things is likely to be larger. ``reach``: how far beyond its limit (or
    the floor, when that is larger) a change must lie to be found in 95 of 100 gates. ``control``: what control
    samples were like, None where they do not matter.
    """

    unit: str
    batches: int
    bad: int
    floor: float
    reach: float
    share_floor: float | None
    share_reach: float | None
    control: Usual | None

    def floor_for(self, limit: Limit) -> float | None:
        """The floor on the limit's scale; None for a limit on the value itself."""
        if not limit.change:
            return None
        return self.share_floor if limit.relative else self.floor

    def smallest(self, limit: Limit) -> float | None:
        """The smallest change that a gate with this ``limit`` finds in 95 of 100 cases; None where unknown."""
        if limit.relative:
            if self.share_floor is None or self.share_reach is None:
                return None
            edge = max(limit.size / 100, self.share_floor)
            return (1 + edge) * (1 + self.share_reach) - 1
        return max(limit.size, self.floor) + self.reach if limit.change else None


def calibrate(runs: Sequence[Sides], plan: Plan, seed: int = 0) -> dict[str, Noise]:
    """Noise per metric from A/A ``runs``: both sides the same library, their n-th batches measured together.

    The floor is the end of the 95 % interval farthest from nought, over all runs: it covers what a label, a place in
    the order or a fresh boot does by itself. More batches lower it; more runs make it honest.

    Raises BaselineError for a metric with too few batches in order, or none.
    """
    if not runs:
        raise BaselineError("a calibration wants at least one run of a library against itself")
    names = list(dict.fromkeys(name for ours, theirs in runs for name in (*ours, *theirs)))
    return {name: _noise(name, runs, plan, len(names), seed) for name in names}


def _noise(name: str, runs: Sequence[Sides], plan: Plan, metrics: int, seed: int) -> Noise:
    good: list[tuple[Samples, Samples]] = []
    marks: list[Mark | None] = []
    batches = bad = 0
    for first, second in runs:
        if name not in first or name not in second:
            raise BaselineError(f"the calibration lacks {name} on one side", hint="calibrate again")
        ours, theirs = first[name], second[name]
        if ours.kind is Kind.SLOPE:  # of a heap, which one library had for itself
            batches += len(ours.batches)
            good.append((ours, theirs))
            continue
        if len(ours.batches) != len(theirs.batches):
            raise BaselineError(f"the calibration lacks batches of {name} on one side", hint="calibrate again")
        here = [mark(a.control + b.control) for a, b in zip(ours.batches, theirs.batches, strict=True)]
        flags = _flags(ours, theirs, here)
        marks += [one for one, fits in zip(here, flags, strict=True) if fits]
        batches, bad = batches + len(flags), bad + flags.count(False)
        good.append((ours.take(flags), theirs.take(flags)))
    unit, kind = good[0][0].unit, good[0][0].kind
    floor = _floor(name, Limit("+", 0, unit), good)
    alarm = plan.false_alarm / metrics
    if kind is Kind.SLOPE:
        return Noise(unit, batches, bad, floor, _slope_reach(good, unit, alarm), None, None, None)
    last = len(plan.looks) - 1
    tail = plan.errors(last, metrics, last - 1)[0]
    far = _reach(good, False, plan, tail, seed)
    control = usual(marks) if kind is Kind.TIMED else None
    if any(value <= 0 for pair in good for side in pair for value in side.values):
        return Noise(unit, batches, bad, floor, far, None, None, control)
    share = expm1(_floor(name, Limit("+", 0, "%"), good))
    return Noise(unit, batches, bad, floor, far, share, expm1(_reach(good, True, plan, tail, seed)), control)


def _flags(ours: Samples, theirs: Samples, marks: Sequence[Mark | None]) -> list[bool]:
    right = in_order(marks, usual(marks)) if ours.kind is Kind.TIMED else [True] * len(marks)
    pairs = zip(right, ours.batches, theirs.batches, strict=True)
    return [fits and bool(a.values) and bool(b.values) for fits, a, b in pairs]


def _floor(name: str, limit: Limit, good: Sequence[tuple[Samples, Samples]]) -> float:
    ends = []
    for ours, theirs in good:
        if counts(ours, theirs):
            both = (effect(limit, ours, theirs, True, _FLOOR), effect(limit, theirs, ours, True, _FLOOR))
            ends += [abs(found.high) for found in both if found]
            continue
        found = effect(limit, ours, theirs, True, _FLOOR)
        if found is None or isinf(found.low) or isinf(found.high):
            raise BaselineError(
                f"{name} has too few batches in order to calibrate by ({len(ours.batches)})",
                hint="measure more of them",
            )
        ends += [abs(found.low), abs(found.high)]
    return max(ends)


def _reach(good: Sequence[tuple[Samples, Samples]], relative: bool, plan: Plan, tail: float, seed: int) -> float:
    if all(counts(ours, theirs) for ours, theirs in good):
        return counted_reach([(_values(ours, relative), _values(theirs, relative)) for ours, theirs in good])
    found = [value for ours, theirs in good for value in differences(ours.batches, theirs.batches, relative)]
    return reach(found, plan.looks[-1], tail, power=_POWER, seed=seed)


def _values(samples: Samples, relative: bool) -> list[Sequence[float]]:
    return [logarithms(batch.values) if relative else batch.values for batch in samples.batches if batch.values]


def _slope_reach(good: Sequence[tuple[Samples, Samples]], unit: str, tail: float) -> float:
    """A slope is judged once and has no batches to draw from: the widest lower half of an interval, taken twice.

    Once until the estimate clears the limit by the interval, once more for the estimate's own scatter.
    """
    found = [effect(Limit("+", 0, unit), ours, theirs, True, (tail, tail)) for ours, theirs in good]
    return max(2 * (one.value - one.low) for one in found if one)
