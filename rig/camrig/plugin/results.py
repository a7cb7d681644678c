"""The report of a run as data, for the results file."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

import pytest

from camrig.bringup.board_report import board_report
from camrig.bringup.surroundings import host, repository
from camrig.bringup.timeline import timeline
from camrig.gate.several import side_by_side
from camrig.gate.verdict import as_data
from camrig.plugin.run import GATE_PLUGIN, Run
from camrig.plugin.surroundings import arguments, selection
from camrig.report.json_report import RunReport


def run_report(run: Run, session: pytest.Session, tests: dict[str, int], correct: str) -> RunReport:
    """What is kept of a run; ``tests`` are the numbers of them by their outcome, ``correct`` what they say."""
    config = session.config
    gate = config.pluginmanager.get_plugin(GATE_PLUGIN)
    records = run.outcomes.records
    return RunReport(
        camrig=version("camrig"),
        started=run.started.isoformat(),
        seconds=round(time.monotonic() - run.clock, 3),
        exit_code=run.exit_code,
        tests=tests,
        blocked=list(run.blocked),
        boards=[
            board_report(board_run, board_run.board, timeline(board_run, records, run.clock))
            for board_run in run.board_runs
            if board_run.board
        ],
        interrupted=run.interruption.came,
        correct=correct,
        arguments=arguments(config),
        host=host(),
        repository=repository(run.settings.lib),
        selection=selection(run, session),
        limits={name: str(limit) for name, limit in gate.limits.items()} if gate else {},
        gate=_gate(run, gate),
        outcomes=records,
    )


def _gate(run: Run, gate: Any) -> dict[str, Any] | None:
    """The verdict against a stored baseline; None where nothing was compared."""
    if run.settings.compare is None:
        return None
    verdicts = {board: as_data(verdict) for board, verdict in (gate.verdicts() if gate else {}).items() if verdict}
    boards = {board: verdicts.get(board) for board in run.settings.device}
    if len(boards) == 1:
        return {"baseline": run.settings.compare, "verdict": boards[run.settings.device[0]]}
    return side_by_side(run.settings.compare, boards)
