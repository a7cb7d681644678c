"""The gate's answers, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from math import isfinite
from typing import Any

from camrig.errors import EXIT_BLOCKED, EXIT_INCONCLUSIVE
from camrig.measure.statistics import Estimate

EXIT_PASS = 0
EXIT_REGRESSED = 1


class Outcome(str, Enum):
    """From best to worst; a gate is as bad as its worst metric."""

    PASS = "pass"
    INCONCLUSIVE = "inconclusive"
    BLOCKED = "blocked"
    REGRESSED = "regressed"

    @property
    def exit_code(self) -> int:
        return _EXIT[self]


_EXIT = {
    Outcome.PASS: EXIT_PASS,
    Outcome.INCONCLUSIVE: EXIT_INCONCLUSIVE,
    Outcome.BLOCKED: EXIT_BLOCKED,
    Outcome.REGRESSED: EXIT_REGRESSED,
}
_ORDER = list(Outcome)


@dataclass(frozen=True)
class SideSummary:
    """What was measured on one side. Bad batches and outliers are counted; outliers stay in the sample.

    ``median`` is that of all values; of a tail, the share of slow values in percentage points.
    """

    n: int
    median: float | None
    batches: int
    bad: int
    low_outliers: int
    high_outliers: int


@dataclass(frozen=True)
class MetricVerdict:
    """One metric's answer. A share is a fraction: 0.1 is 10 %.

    ``look`` counts the looks up to the answer, ``false_alarm`` and ``false_pass`` are the chances of error that the
    last of them spent, ``open`` says that more batches may still decide. ``floor`` is the calibrated noise
    floor; None without one.
    """

    metric: str
    unit: str
    limit: str
    outcome: Outcome
    reason: str
    effect: Estimate | None = None
    candidate: SideSummary | None = None
    baseline: SideSummary | None = None
    floor: float | None = None
    look: int = 0
    false_alarm: float = 0.0
    false_pass: float = 0.0
    open: bool = False


@dataclass(frozen=True)
class GateVerdict:
    """The whole gate's answer, with the chances of a wrong one over all metrics and looks together.

    ``holds`` is false where these rates are not known: for too few sessions on a bench that was never calibrated.
    """

    metrics: tuple[MetricVerdict, ...]
    false_alarm: float
    false_pass: float
    holds: bool = True

    @property
    def outcome(self) -> Outcome:
        return max((metric.outcome for metric in self.metrics), key=_ORDER.index)

    @property
    def open(self) -> bool:
        """Whether more batches may still change the answer."""
        return any(metric.open for metric in self.metrics)

    @property
    def exit_code(self) -> int:
        return self.outcome.exit_code


def as_data(verdict: GateVerdict) -> dict[str, Any]:
    """The verdict for JSON, the same for the same samples; None stands for an end that is not bounded."""
    data: dict[str, Any] = {"outcome": verdict.outcome.value, "exit_code": verdict.exit_code, **asdict(verdict)}
    for metric in data["metrics"]:
        metric["outcome"] = metric["outcome"].value
        if metric["effect"]:
            metric["effect"] = {key: value if isfinite(value) else None for key, value in metric["effect"].items()}
    data["metrics"] = list(data["metrics"])
    return data
