"""All that a verdict depends on, in one piece: with it, anybody can compute the same verdict again."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration
from camrig.gate.json_file import Fields, json_text, load_json
from camrig.gate.judgement import judge
from camrig.gate.limits import Limit, parse_limit
from camrig.gate.provenance import demand_comparable, differences, subjects
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

    ``paired``: both sides were measured together, batch by batch. ``anyway``: their provenance may differ.
    ``compared``: facts of their provenance that differ on purpose, such as ``firmware``. ``blocked`` says why a
    metric could not be measured.
    """

    candidate: Baseline
    baseline: Baseline
    limits: Mapping[str, Limit]
    plan: SequentialPlan
    paired: bool = False
    anyway: bool = False
    calibration: Calibration | None = None
    blocked: Mapping[str, str] = field(default_factory=dict)
    compared: tuple[str, ...] = ()

    @property
    def subjects(self) -> tuple[str, ...]:
        """What differs between the two on purpose, beside the library."""
        return subjects(self.candidate.provenance, self.baseline.provenance, self.compared)

    @property
    def differences(self) -> tuple[str, ...]:
        """Every reason why these two runs may not be compared, unless ``anyway``."""
        return differences(self.candidate.provenance, self.baseline.provenance, self.compared)

    def decide(self, final: bool = True) -> GateVerdict:
        """The verdict; ``final``: no more batches will come. Raises SettingsError, BaselineError."""
        if not self.anyway:
            sides = self.candidate.provenance, self.baseline.provenance
            demand_comparable(*sides, "its baseline", _ANYWAY, self.compared)
        if self.calibration is not None:
            own, bench = self.candidate.provenance, self.calibration.provenance
            demand_comparable(own, bench, "the calibration of this bench", _CALIBRATE, self.compared)
        return judge(
            self.candidate.joined(),
            self.baseline.joined(),
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
    """The comparison as a file, without the two runs and the calibration, which have files of their own."""
    data: dict[str, Any] = {
        "limits": {name: str(limit) for name, limit in comparison.limits.items()},
        "plan": _plan_data(comparison.plan),
        "paired": comparison.paired,
        "anyway": comparison.anyway,
        "blocked": dict(comparison.blocked),
        **({"compared": list(comparison.compared)} if comparison.compared else {}),
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
        calibration=calibration,
        blocked={name: str(why) for name, why in fields.scalars("blocked").items()},
        compared=fields.texts("compared") if "compared" in fields.names() else (),
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
