"""One run of pytest: the boards that it brought up, what blocked it, and the report of both."""

from __future__ import annotations

import datetime
import time
from importlib.metadata import version
from typing import Any

from camrig.bringup.board import Board
from camrig.bringup.board_run import Bench
from camrig.errors import CamrigError
from camrig.report.json_report import BoardReport, RunReport


class Run:
    """What this run has brought up and seen so far."""

    def __init__(self) -> None:
        self.started = datetime.datetime.now(datetime.timezone.utc)
        self.clock = time.monotonic()
        self.benches: list[Bench] = []
        self.blocked: dict[str, CamrigError] = {}
        self.exit_code = 0

    def block(self, report: Any, error: CamrigError) -> None:
        """Make a report say that its test could not run; each cause is kept once."""
        cause = self.blocked.setdefault(str(error), error)
        report.outcome = "failed"
        report.longrepr = f"blocked: {cause}"
        report.camrig_blocked = True

    def crashes_between_tests(self) -> list[str]:
        """Whose doing each crash was that no test has failed for."""
        return [went.crash.attributed_to for bench in self.benches for went in bench.went if went.between]

    def report(self, tests: dict[str, int]) -> RunReport:
        """What is kept of this run; ``tests`` are the numbers of them by their outcome."""
        return RunReport(
            camrig=version("camrig"),
            started=self.started.isoformat(),
            seconds=round(time.monotonic() - self.clock, 3),
            exit_code=self.exit_code,
            tests=tests,
            blocked=list(self.blocked),
            boards=[_board_report(bench, bench.board) for bench in self.benches if bench.board is not None],
        )


def _board_report(bench: Bench, board: Board) -> BoardReport:
    identity = board.identity
    return BoardReport(
        spec=bench.spec,
        machine=identity.machine,
        firmware=identity.firmware,
        build=identity.build,
        mac=identity.mac,
        mpy=identity.mpy_text,
        virtual=identity.virtual,
        heap_bytes=identity.heap_total,
        url=bench.dut.url if bench.dut else "",
        library_sha256=board.library_sha256,
        steps=[{"name": step.name, "seconds": round(step.seconds, 3), "ok": step.ok} for step in bench.steps.done],
        recovery=[
            {"rung": tried.rung, "seconds": round(tried.seconds, 3), "ok": tried.ok}
            for tried in board.ladder.attempts
            if not tried.absent
        ],
        crashes=[
            {"test": went.test, "kind": went.crash.kind, "what": went.crash.what, "between": went.between}
            for went in bench.went
        ],
        metrics=bench.recorder.metrics,
        notes=bench.recorder.notes,
    )
