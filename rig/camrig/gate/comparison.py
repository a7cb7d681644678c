"""All that a verdict depends on, in one piece: with it, anybody can work the same verdict out again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from camrig.gate.baseline import Baseline
from camrig.gate.calibration_file import Calibration
from camrig.gate.json_file import load, text
from camrig.gate.judgement import judge
from camrig.gate.limits import Limit, parse_limit
from camrig.gate.provenance import comparable, demand_comparable
from camrig.gate.sequential_plan import Plan
from camrig.gate.verdict import GateVerdict, as_data

KIND = "comparison"
SCHEMA = 1
_HOW = "take the evidence anew"
_ANYWAY = "save a baseline under the same conditions, or compare all the same with --hil-compare-anyway"
_CALIBRATE = "calibrate this board with camrig calibrate, or keep its files elsewhere with --hil-baselines"


@dataclass(frozen=True)
class Comparison:
    """Two runs and the question put to them. ``blocked`` says why a metric could not be measured.

    ``paired``: both sides were measured together, batch by batch. ``anyway``: their origins may differ.
    """

    candidate: Baseline
    baseline: Baseline
    limits: Mapping[str, Limit]
    plan: Plan
    paired: bool = False
    anyway: bool = False
    calibration: Calibration | None = None
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[str, ...]:
        """Every reason why these two runs may not be compared, unless ``anyway``."""
        return comparable(self.candidate.provenance, self.baseline.provenance)

    def decide(self, final: bool = True) -> GateVerdict:
        """The verdict; ``final``: no more batches will come. Raises SettingsError, BaselineError."""
        if not self.anyway:
            demand_comparable(self.candidate.provenance, self.baseline.provenance, "its baseline", _ANYWAY)
        if self.calibration is not None:
            demand_comparable(
                self.candidate.provenance, self.calibration.provenance, "the calibration of this bench", _CALIBRATE
            )
        return judge(
            self.candidate.metrics,
            self.baseline.metrics,
            self.limits,
            plan=self.plan,
            paired=self.paired,
            final=final,
            noise=self.calibration.noise if self.calibration else None,
            blocked=self.blocked,
        )


def verdict_text(verdict: GateVerdict) -> str:
    """The verdict as a file: the same samples give the same bytes."""
    return json.dumps(as_data(verdict), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def terms_text(comparison: Comparison) -> str:
    """The comparison but for the two runs and the calibration."""
    plan = {**asdict(comparison.plan), "looks": list(comparison.plan.looks)}
    found: dict[str, Any] = {
        "limits": {name: str(limit) for name, limit in comparison.limits.items()},
        "plan": plan,
        "paired": comparison.paired,
        "anyway": comparison.anyway,
        "blocked": dict(comparison.blocked),
    }
    return text(KIND, SCHEMA, found)


def read_comparison(
    path: Path | zipfile.Path, candidate: Baseline, baseline: Baseline, calibration: Calibration | None
) -> Comparison:
    """The comparison again, out of the file of ``terms_text``. Raises BaselineError, SettingsError."""
    fields = load(path, KIND, SCHEMA, _HOW)
    limits = {name: parse_limit(name, limit) for name, limit in fields.scalars("limits").items()}
    plan = fields.inner("plan")
    try:
        found = Plan(
            plan.wholes("looks"),
            plan.whole("most"),
            plan.number("false_alarm"),
            plan.number("false_pass"),
        )
    except ValueError as error:
        raise fields.wrong(str(error)) from None
    blocked = {name: str(why) for name, why in fields.scalars("blocked").items()}
    return Comparison(
        candidate, baseline, limits, found, fields.flag("paired"), fields.flag("anyway"), calibration, blocked
    )
