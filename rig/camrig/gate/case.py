"""One metric before the gate: both sides, its limit, and which of their batches count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from camrig.gate.calibration import Noise
from camrig.gate.control_samples import ControlRange, ControlSummary, control_range, in_range, summarize_control
from camrig.gate.effect import both_counts, both_exact
from camrig.gate.limits import Limit
from camrig.gate.samples import MetricKind, Samples


@dataclass(frozen=True)
class Case:
    """One metric before the gate. ``baseline`` is None only for a limit on the value itself."""

    metric: str
    limit: Limit
    candidate: Samples
    baseline: Samples | None
    paired: bool
    noise: Noise | None

    @cached_property
    def judged_once(self) -> bool:
        """Whether one look at all batches may spend the whole error rates: for slopes and counts."""
        baseline = self.baseline if self.limit.change else None
        return self.candidate.kind is MetricKind.SLOPE or both_counts(self.candidate, baseline)

    @cached_property
    def is_exact(self) -> bool:
        """Whether these are counts, and nothing varies."""
        return both_exact(self.candidate, self.baseline if self.limit.change else None)

    @property
    def batches_paired(self) -> bool:
        """Whether the n-th batches of both sides belong together; never for a slope, which is measured alone."""
        return self.paired and self.candidate.kind is not MetricKind.SLOPE

    @property
    def is_between_sessions(self) -> bool:
        """Whether a difference between two sessions could be mistaken for one between two libraries."""
        return not self.paired and self.limit.change and not self.judged_once

    @property
    def floor(self) -> float | None:
        """The calibrated noise floor on the limit's scale; None without one."""
        return self.noise.floor_for(self.limit) if self.noise else None

    @cached_property
    def controls(self) -> tuple[list[ControlSummary | None], list[ControlSummary | None]]:
        """The control samples of each side's batches; those of both sides together where batches are paired."""
        candidate = [batch.control for batch in self.candidate.batches]
        baseline = [batch.control for batch in self.baseline.batches] if self.baseline else []
        if self.batches_paired and self.baseline:
            both = [summarize_control(a + b) for a, b in zip(candidate, baseline, strict=True)]
            return both, both
        return [summarize_control(control) for control in candidate], [
            summarize_control(control) for control in baseline
        ]


def good_batches(case: Case, batches: int) -> tuple[list[bool], list[bool]]:
    """Which of the candidate's first ``batches`` are good, and which of the baseline's to compare them with."""
    candidate = case.candidate.batches[:batches]
    baseline = case.baseline.batches[: batches if case.batches_paired else None] if case.baseline else ()
    controls = case.controls[0][:batches], case.controls[1][: len(baseline)]
    usual = control_range(controls[1] if case.baseline else controls[0])
    candidate_flags, baseline_flags = (
        [bool(batch.values) and flag for batch, flag in zip(side, _radio_good(case, control, usual), strict=True)]
        for side, control in zip((candidate, baseline), controls, strict=True)
    )
    if case.batches_paired and case.baseline:
        candidate_flags = baseline_flags = [a and b for a, b in zip(candidate_flags, baseline_flags, strict=True)]
    return candidate_flags, baseline_flags


def _radio_good(case: Case, controls: list[ControlSummary | None], usual: ControlRange | None) -> list[bool]:
    """Which batches had the usual radio: that of this session, and roughly that of the calibration."""
    if not case.candidate.over_radio:
        return [True] * len(controls)
    flags = in_range(controls, usual)
    if case.noise and case.noise.control:
        calibrated = in_range(controls, case.noise.control.widened())
        return [a and b for a, b in zip(flags, calibrated, strict=True)]
    return flags
