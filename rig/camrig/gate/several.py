"""The gate's answers of several boards as the answer of a run: plain data in, plain data out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from camrig.gate.verdict import Outcome


def side_by_side(baseline: str, boards: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """What results keep of the comparison with ``baseline``; ``boards`` has the verdict of each, None without one.

    The run's outcome is that of the worst board, and a board without a verdict is blocked. Each metric names its
    board. The chance of a false alarm is that of any board, the chance of a false pass that of the worst.
    """
    verdicts = [verdict for verdict in boards.values() if verdict is not None]
    data: dict[str, Any] = {"baseline": baseline, "verdict": None, "boards": dict(boards)}
    if not verdicts:
        return data
    outcomes = [Outcome(verdict["outcome"]) for verdict in verdicts]
    metrics = [(board, metric) for board, verdict in boards.items() if verdict for metric in verdict["metrics"]]
    if len(verdicts) < len(boards):
        outcomes.append(Outcome.BLOCKED)
    worst = max(outcomes, key=list(Outcome).index)
    data["verdict"] = {
        "outcome": worst.value,
        "exit_code": worst.exit_code,
        "metrics": [{**metric, "board": board} for board, metric in metrics],
        "false_alarm": min(1.0, sum(verdict["false_alarm"] for verdict in verdicts)),
        "false_pass": max(verdict["false_pass"] for verdict in verdicts),
        "holds": all(verdict["holds"] for verdict in verdicts),
    }
    return data
