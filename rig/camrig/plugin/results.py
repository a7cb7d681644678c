"""The report of a run as data, for the results file."""

from __future__ import annotations

import time
from importlib.metadata import version
from typing import Any

from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.plugin.run import Run
from camrig.report.json_report import BoardReport, RunReport


def run_report(run: Run, tests: dict[str, int]) -> RunReport:
    """What is kept of a run; ``tests`` are the numbers of them by their outcome."""
    return RunReport(
        camrig=version("camrig"),
        started=run.started.isoformat(),
        seconds=round(time.monotonic() - run.clock, 3),
        exit_code=run.exit_code,
        tests=tests,
        blocked=list(run.blocked),
        boards=[_board_report(board_run, board_run.board) for board_run in run.board_runs if board_run.board],
    )


def _board_report(board_run: BoardRun, board: Board) -> BoardReport:
    identity = board.identity
    return BoardReport(
        spec=board_run.spec,
        machine=identity.machine,
        firmware=identity.firmware,
        build=identity.build,
        mac=identity.mac,
        mpy=identity.mpy_text,
        virtual=identity.virtual,
        heap_bytes=identity.heap_total,
        url=board_run.dut.url if board_run.dut else "",
        library_source=str(board.deployment.library_source),
        library_source_sha256=board.deployment.library_source_sha256,
        library_sha256=board.deployment.library_sha256,
        steps=[
            {"name": step.name, "seconds": round(step.seconds, 3), "ok": step.ok} for step in board_run.steps.done
        ],
        recovery=[
            {"rung": attempt.rung, "seconds": round(attempt.seconds, 3), "ok": attempt.ok}
            for attempt in board.recovery.attempts
        ],
        crashes=[
            {"test": record.test, "kind": record.crash.kind, "what": record.crash.summary, "between": record.between}
            for record in board_run.crashes
        ],
        metrics=board_run.recorder.metrics,
        notes={**board_run.recorder.notes, "exchanges": _exchanges(board_run)},
    )


def _exchanges(board_run: BoardRun) -> dict[str, Any]:
    """How many exchanges there were through the library and without it, and what became of those that were lost."""
    requests, controls = board_run.losses
    return {
        "requests": requests.total,
        "requests_lost": requests.lost,
        "controls": controls.total,
        "controls_lost": controls.lost,
        "causes": board_run.dut.exchanges.causes() if board_run.dut else {},
    }
