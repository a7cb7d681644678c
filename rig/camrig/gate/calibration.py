"""What a bench shows when nothing has changed: A/A runs become a noise floor and a smallest change per metric.

A calibration file keeps that noise with the provenance it holds for.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import expm1, inf, isfinite, isinf
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError
from camrig.gate import provenance
from camrig.gate.control_samples import ControlRange, ControlSummary, control_range, in_range, summarize_control
from camrig.gate.counts import count_reach
from camrig.gate.effect import batch_differences, both_counts, effect
from camrig.gate.json_file import Fields, json_text, load_json, save_json
from camrig.gate.limits import Limit
from camrig.gate.provenance import Provenance
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.measure.resample import detectable_shift
from camrig.measure.shift import logarithms
from camrig.measure.statistics import TAILS_95

KIND = "calibration"
SCHEMA = 1
_HINT = "create one with camrig calibrate"
_POWER = 0.95

Sides = tuple[Mapping[str, Samples], Mapping[str, Samples]]


@dataclass(frozen=True)
class Noise:
    """One metric's noise on one bench, in its unit; ``share_…`` as a fraction, None where the metric has no share.

    ``floor``: no difference between two equal things is likely to be larger. ``reach``: how far beyond its limit (or
    the floor, when that is larger) a change must lie to be found in 95 of 100 gates. ``control``: the range of the
    control samples, None where they do not matter. ``bad``: how many of the ``batches`` had a bad radio.
    """

    unit: str
    batches: int
    bad: int
    floor: float
    reach: float
    share_floor: float | None
    share_reach: float | None
    control: ControlRange | None

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


@dataclass(frozen=True)
class Calibration:
    """A bench's noise by metric."""

    provenance: Provenance
    noise: Mapping[str, Noise]


def calibrate(runs: Sequence[Sides], plan: SequentialPlan, seed: int = 0) -> dict[str, Noise]:
    """Noise per metric from A/A ``runs``: both sides the same library, their n-th batches measured together.

    The floor is the end of the 95 % interval that is farthest from zero, over all runs: it covers what a label, a
    place in the order or a fresh boot does by itself. More batches lower it; more runs make it more reliable.

    Raises BaselineError for no runs, and for a metric with too few good batches.
    """
    if not runs:
        raise BaselineError("a calibration needs at least one run of a library against itself")
    names = list(dict.fromkeys(name for first, second in runs for name in (*first, *second)))
    return {name: _noise(name, runs, plan, len(names), seed) for name in names}


def _noise(name: str, runs: Sequence[Sides], plan: SequentialPlan, metrics: int, seed: int) -> Noise:
    pairs: list[tuple[Samples, Samples]] = []
    controls: list[ControlSummary | None] = []
    batches = bad = 0
    for run in runs:
        first, second = _sides(name, run)
        if first.kind is MetricKind.SLOPE:  # of a heap that one library had for itself: batches are not paired
            batches += len(first.batches)
            pairs.append((first, second))
            continue
        summaries = [
            summarize_control(a.control + b.control) for a, b in zip(first.batches, second.batches, strict=True)
        ]
        flags = _good(first, second, summaries)
        controls += [summary for summary, flag in zip(summaries, flags, strict=True) if flag]
        batches, bad = batches + len(flags), bad + flags.count(False)
        pairs.append((first.select(flags), second.select(flags)))
    unit, kind = pairs[0][0].unit, pairs[0][0].kind
    floor = _floor(name, Limit("+", 0, unit), pairs)
    alarm = plan.false_alarm / metrics
    if kind is MetricKind.SLOPE:
        return Noise(unit, batches, bad, floor, _slope_reach(pairs, unit, alarm), None, None, None)
    last = len(plan.looks) - 1
    tail = plan.errors(last, metrics, last - 1)[0]
    reach = _reach(pairs, False, plan, tail, seed)
    control = control_range(controls) if kind is MetricKind.TIMED else None
    if any(value <= 0 for pair in pairs for side in pair for value in side.values):
        return Noise(unit, batches, bad, floor, reach, None, None, control)
    share_floor = expm1(_floor(name, Limit("+", 0, "%"), pairs))
    share_reach = expm1(_reach(pairs, True, plan, tail, seed))
    return Noise(unit, batches, bad, floor, reach, share_floor, share_reach, control)


def _sides(name: str, run: Sides) -> tuple[Samples, Samples]:
    if any(name not in side for side in run):
        raise BaselineError(f"the calibration lacks {name} on one side", hint="calibrate again")
    first, second = run[0][name], run[1][name]
    if first.kind is not MetricKind.SLOPE and len(first.batches) != len(second.batches):
        raise BaselineError(f"the calibration lacks batches of {name} on one side", hint="calibrate again")
    return first, second


def _good(first: Samples, second: Samples, controls: Sequence[ControlSummary | None]) -> list[bool]:
    """Which batches have values on both sides and, for a time, control samples in range."""
    timed = first.kind is MetricKind.TIMED
    radio = in_range(controls, control_range(controls)) if timed else [True] * len(controls)
    pairs = zip(radio, first.batches, second.batches, strict=True)
    return [flag and bool(a.values) and bool(b.values) for flag, a, b in pairs]


def _floor(name: str, limit: Limit, pairs: Sequence[tuple[Samples, Samples]]) -> float:
    ends = []
    for first, second in pairs:
        if both_counts(first, second):
            both = (effect(limit, first, second, True, TAILS_95), effect(limit, second, first, True, TAILS_95))
            ends += [abs(estimate.high) for estimate in both if estimate]
            continue
        estimate = effect(limit, first, second, True, TAILS_95)
        if estimate is None or isinf(estimate.low) or isinf(estimate.high):
            raise BaselineError(
                f"{name} has too few good batches for a calibration ({len(first.batches)})",
                hint="measure more batches",
            )
        ends += [abs(estimate.low), abs(estimate.high)]
    return max(ends)


def _reach(
    pairs: Sequence[tuple[Samples, Samples]], relative: bool, plan: SequentialPlan, tail: float, seed: int
) -> float:
    if all(both_counts(first, second) for first, second in pairs):
        return count_reach([(_values(first, relative), _values(second, relative)) for first, second in pairs])
    differences = [
        value for first, second in pairs for value in batch_differences(first.batches, second.batches, relative)
    ]
    return detectable_shift(differences, plan.looks[-1], tail, power=_POWER, seed=seed)


def _values(samples: Samples, relative: bool) -> list[Sequence[float]]:
    return [logarithms(batch.values) if relative else batch.values for batch in samples.batches if batch.values]


def _slope_reach(pairs: Sequence[tuple[Samples, Samples]], unit: str, tail: float) -> float:
    """Twice the widest lower half of an interval. A slope is judged once and has no batches to resample.

    Once until the estimate clears the limit by the interval, once more for the scatter of the estimate itself.
    """
    estimates = [effect(Limit("+", 0, unit), first, second, True, (tail, tail)) for first, second in pairs]
    return max(2 * (estimate.value - estimate.low) for estimate in estimates if estimate)


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write ``calibration`` to ``path``, in place of an older one. Raises BaselineError."""
    save_json(path, KIND, SCHEMA, _as_data(calibration))


def calibration_text(calibration: Calibration) -> str:
    """What ``save_calibration`` writes."""
    return json_text(KIND, SCHEMA, _as_data(calibration))


def load_calibration(path: Path | zipfile.Path) -> Calibration:
    """Raises BaselineError for a file that is missing, damaged or of another schema."""
    fields = load_json(path, KIND, SCHEMA, _HINT)
    entries = fields.object("noise")
    noise = {name: _read_noise(entries.object(name)) for name in entries.names()}
    return Calibration(provenance.read(fields.object("origin")), noise)


def _as_data(calibration: Calibration) -> dict[str, Any]:
    noise = {name: _noise_data(noise) for name, noise in sorted(calibration.noise.items())}
    return {"origin": provenance.as_data(calibration.provenance), "noise": noise}


def _noise_data(noise: Noise) -> dict[str, Any]:
    # JSON has no number for an infinite reach; the flags say which figures the metric has at all.
    data = {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in asdict(noise).items()
    }
    return {**data, "share": noise.share_floor is not None, "radio": noise.control is not None}


def _read_noise(fields: Fields) -> Noise:
    share = fields.flag("share")
    noise = Noise(
        unit=fields.text("unit"),
        batches=fields.integer("batches"),
        bad=fields.integer("bad"),
        floor=fields.number("floor"),
        reach=_read_reach(fields, "reach"),
        share_floor=fields.number("share_floor") if share else None,
        share_reach=_read_reach(fields, "share_reach") if share else None,
        control=_read_control(fields.object("control")) if fields.flag("radio") else None,
    )
    if min(noise.floor, noise.reach, noise.share_floor or 0, noise.share_reach or 0) < 0:
        raise fields.damaged("a floor or reach is negative")
    return noise


def _read_control(fields: Fields) -> ControlRange:
    return ControlRange(
        middle=fields.number("middle"),
        upper=fields.number("upper"),
        middle_slack=fields.number("middle_slack"),
        upper_slack=fields.number("upper_slack"),
    )


def _read_reach(fields: Fields, name: str) -> float:
    value = fields.optional_number(name)
    return inf if value is None else value
