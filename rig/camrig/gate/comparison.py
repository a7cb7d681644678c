"""All that a verdict depends on, in one piece: with it, anybody can compute the same verdict again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration
from camrig.gate.json_file import Fields, json_text, load_json
from camrig.gate.judgement import judge
from camrig.gate.limits import Limit, parse_limit
from camrig.gate.provenance import Provenance, demand_comparable, differences
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import GateVerdict, as_data

KIND = "comparison"
SCHEMA = 1
_HINT = "record the evidence again"
_ANYWAY = "save a baseline under the same conditions, or compare all the same with --hil-compare-anyway"
_CALIBRATE = "calibrate this board with camrig calibrate, or keep its files elsewhere with --hil-baselines"


@dataclass(frozen=True)
class Comparison:
    """Two runs, and the limits and the plan to judge them by.

    ``paired``: both sides were measured together, batch by batch. ``anyway``: their provenance may differ;
    ``firmware``: the firmware may, because it is what is judged.
    ``blocked`` says why a metric could not be measured.
    """

    candidate: Baseline
    baseline: Baseline
    limits: Mapping[str, Limit]
    plan: SequentialPlan
    paired: bool = False
    anyway: bool = False
    firmware: bool = False
    calibration: Calibration | None = None
    blocked: Mapping[str, str] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[str, ...]:
        """Every reason why these two runs may not be compared, unless ``anyway``."""
        return differences(self.candidate.provenance, self.baseline.provenance)

    def _demand(self, reference: Provenance, name: str, hint: str) -> None:
        candidate = self.candidate.provenance
        demand_comparable(_on(candidate, reference) if self.firmware else candidate, reference, name, hint)

    def decide(self, final: bool = True) -> GateVerdict:
        """The verdict; ``final``: no more batches will come. Raises SettingsError, BaselineError."""
        if not self.anyway:
            self._demand(self.baseline.provenance, "its baseline", _ANYWAY)
        if self.calibration is not None:
            self._demand(self.calibration.provenance, "the calibration of this bench", _CALIBRATE)
        return judge(
            self.candidate.metrics,
            self.baseline.joined(),
            self.limits,
            plan=self.plan,
            paired=self.paired,
            final=final,
            noise=self.calibration.noise if self.calibration else None,
            blocked=self.blocked,
        )


def _on(candidate: Provenance, firmware: Provenance) -> Provenance:
    """``candidate`` as if it ran on the firmware of another run."""
    return replace(candidate, firmware=firmware.firmware, build=firmware.build, mpy=firmware.mpy)


def verdict_text(verdict: GateVerdict) -> str:
    """The verdict as a file: the same samples give the same bytes."""
    return json.dumps(as_data(verdict), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def terms_text(comparison: Comparison) -> str:
    """The comparison as a file, without the two runs and the calibration, which have files of their own."""
    data: dict[str, Any] = {
        "limits": {name: str(limit) for name, limit in comparison.limits.items()},
        "plan": _plan_data(comparison.plan),
        "paired": comparison.paired,
        "anyway": comparison.anyway,
        **({"firmware": True} if comparison.firmware else {}),
        "blocked": dict(comparison.blocked),
    }
    return json_text(KIND, SCHEMA, data)


def read_comparison(
    path: Path | zipfile.Path, candidate: Baseline, baseline: Baseline, calibration: Calibration | None
) -> Comparison:
    """The comparison out of the file of ``terms_text``. Raises BaselineError, SettingsError."""
    fields = load_json(path, KIND, SCHEMA, _HINT)
    return Comparison(
        candidate,
        baseline,
        limits={name: parse_limit(name, limit) for name, limit in fields.scalars("limits").items()},
        plan=_read_plan(fields.object("plan")),
        paired=fields.flag("paired"),
        anyway=fields.flag("anyway"),
        firmware="firmware" in fields.names() and fields.flag("firmware"),
        calibration=calibration,
        blocked={name: str(why) for name, why in fields.scalars("blocked").items()},
    )


def _plan_data(plan: SequentialPlan) -> dict[str, Any]:
    return {
        "looks": list(plan.looks),
        "most": plan.max_batches,
        "false_alarm": plan.false_alarm,
        "false_pass": plan.false_pass,
    }


def _read_plan(fields: Fields) -> SequentialPlan:
    try:
        return SequentialPlan(
            fields.integers("looks"),
            fields.integer("most"),
            fields.number("false_alarm"),
            fields.number("false_pass"),
        )
    except ValueError as error:
        raise fields.damaged(str(error)) from None
