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
class Side:
    """What was measured of one side. Bad batches and outliers are counted; outliers also stay in."""

    n: int
    median: float | None
    batches: int
    bad: int
    low_outliers: int
    high_outliers: int


@dataclass(frozen=True)
class Verdict:
    """One metric's answer. A share is a fraction: 0.1 is 10 %.

    ``look`` counts the looks up to the answer, ``false_alarm`` and ``false_pass`` are what that last look could
    spend, ``open`` says that more batches may still decide. ``floor`` is the noise floor, calibrated or, between two
    sessions of a bench that is not, assumed; None without.
    """

    metric: str
    unit: str
    limit: str
    outcome: Outcome
    reason: str
    effect: Estimate | None = None
    candidate: Side | None = None
    baseline: Side | None = None
    floor: float | None = None
    look: int = 0
    false_alarm: float = 0.0
    false_pass: float = 0.0
    open: bool = False


@dataclass(frozen=True)
class GateVerdict:
    """The whole gate's answer, with the chances of a wrong one that hold for all metrics and looks together.

    They do not hold, nor do any others, where two sessions were compared on a bench that was never calibrated.
    """

    metrics: tuple[Verdict, ...]
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
    found: dict[str, Any] = {"outcome": verdict.outcome.value, "exit_code": verdict.exit_code, **asdict(verdict)}
    for metric in found["metrics"]:
        metric["outcome"] = metric["outcome"].value
        if metric["effect"]:
            metric["effect"] = {key: value if isfinite(value) else None for key, value in metric["effect"].items()}
    found["metrics"] = list(found["metrics"])
    return found
