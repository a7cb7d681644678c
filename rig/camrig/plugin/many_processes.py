"""A run that xdist spreads over processes: each sends what it kept, and the one that started them joins it.

A process that is interrupted keeps its own results: whoever waits for them may be gone.
"""

from __future__ import annotations

import datetime
import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from camrig.gate.several import side_by_side
from camrig.plugin.run import GATE_PLUGIN, Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camrig.plugin.gate_answers import GateAnswer
    from camrig.report.json_report import RunReport, TestRecord

OUTPUT, ANSWERS = "camrig", "camrig_gate"  # the names under which a process sends its report, and its gate's


def sends_report(session: pytest.Session) -> bool:
    """Whether another process waits for the report of this one."""
    return hasattr(session.config, "workeroutput") and session.exitstatus != pytest.ExitCode.INTERRUPTED


def send_report(config: pytest.Config, report: RunReport) -> None:
    """Hand the report over to the process that started this one."""
    output: dict[str, Any] = getattr(config, "workeroutput")  # noqa: B009 - an attribute of xdist's
    output[OUTPUT] = pickle.dumps(report)


def send_answers(config: pytest.Config, answers: list[GateAnswer]) -> None:
    """Hand over what the gate says of the boards of this process."""
    if answers:
        output: dict[str, Any] = getattr(config, "workeroutput")  # noqa: B009 - an attribute of xdist's
        output[ANSWERS] = pickle.dumps(answers)


def has_report(node: Any) -> bool:
    """Whether a process that has ended sent its report."""
    return OUTPUT in getattr(node, "workeroutput", {})


def take_report(run: Run, node: Any) -> None:
    """Keep the report of a process that has ended; one that died has sent none."""
    content = getattr(node, "workeroutput", {}).get(OUTPUT)
    if content is not None:
        run.in_use = True
        run.parts.append(pickle.loads(content))
    if (answers := getattr(node, "workeroutput", {}).get(ANSWERS)) is not None:
        node.config.pluginmanager.get_plugin(GATE_PLUGIN).answers += pickle.loads(answers)


def joined(
    parts: list[RunReport],
    exit_code: int,
    tests: dict[str, int],
    correct: str,
    seen: Sequence[TestRecord] = (),
    **selection: Any,
) -> RunReport:
    """One run of the reports of its processes: as long as all of them, with the boards and tests of each.

    ``seen`` are tests that a process reported, which may be in no report; ``selection`` is known here alone.
    """
    starts = [datetime.datetime.fromisoformat(part.started) for part in parts]
    first = min(starts)
    later = [(start - first).total_seconds() for start in starts]
    outcomes = [
        replace(outcome, start=round(outcome.start + seconds, 3))
        for part, seconds in zip(parts, later, strict=True)
        for outcome in part.outcomes
    ]
    known = {outcome.test for outcome in outcomes}
    outcomes += [outcome for outcome in seen if outcome.test not in known]
    not_run = sum(part.selection.get("not_run", 0) for part in parts) + selection.pop("not_run", 0)
    return replace(
        parts[0],
        selection={**parts[0].selection, **selection, **({"not_run": not_run} if parts[0].selection else {})},
        started=first.isoformat(),
        seconds=round(max(part.seconds + seconds for part, seconds in zip(parts, later, strict=True)), 3),
        exit_code=exit_code,
        tests=tests,
        blocked=list(dict.fromkeys(reason for part in parts for reason in part.blocked)),
        boards=[board for part in parts for board in part.boards],
        gate=_gate(parts),
        interrupted=any(part.interrupted for part in parts),
        correct=correct,
        outcomes=sorted(outcomes, key=lambda outcome: outcome.start),
    )


def _gate(parts: list[RunReport]) -> dict[str, Any] | None:
    """The gate's answers of all boards; of a board whose process sent none, it is None."""
    gates = [part.gate for part in parts if part.gate is not None]
    if not gates or "boards" not in gates[0]:
        return gates[0] if gates else None
    boards = dict.fromkeys(gates[0]["boards"])
    for gate in gates:
        boards.update({board: verdict for board, verdict in gate["boards"].items() if verdict is not None})
    return side_by_side(gates[0]["baseline"], boards)
