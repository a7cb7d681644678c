"""``camrig soak`` from the reserved board to the file of results and what the terminal shows."""

from __future__ import annotations

import datetime
import sys
import textwrap
import time
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from camrig.bringup.board import Board
from camrig.bringup.board_report import board_report
from camrig.bringup.board_run import BoardRun
from camrig.bringup.surroundings import host, repository, without_secrets
from camrig.bringup.timeline import timeline
from camrig.errors import EXIT_FAILED, CamrigError
from camrig.history.add import add_results
from camrig.history.store import FILE
from camrig.interruption import Interruption
from camrig.report.answers import cost, leak
from camrig.report.html.page import page
from camrig.report.json_report import BoardReport, RunReport, TestRecord, write
from camrig.report.metrics_table import fitting, number
from camrig.report.results_file import read_results
from camrig.report.summary import heading
from camrig.settings.resolve import Settings
from camrig.soak.metrics import FEWEST_READINGS, record
from camrig.soak.outcome import BLOCKED, FAILED, PASSED, Check, checks, correct, counts, exit_code, in_a_sentence
from camrig.soak.session import Soak, SoakOptions, numbered
from camrig.steps import Steps
from camrig.whole_file import write_whole

INCIDENTS = 10  # that the terminal shows


class SoakRun:
    """One soak, as a run of its own: it leaves a file of results, whatever it ends with."""

    def __init__(self, settings: Settings, options: SoakOptions, steps: Steps) -> None:
        self._settings, self._options, self._steps = settings, options, steps
        self._started, self._clock = datetime.datetime.now(datetime.timezone.utc), time.monotonic()
        self._board_run = BoardRun(settings.device[0], steps)
        self._soak: Soak | None = None
        self._error: CamrigError | None = None  # that kept the soak from its end
        self._interruption = Interruption()

    def run(self, columns: int) -> int:
        """The exit code, once the results are written, all is printed and the board is closed.

        The first Ctrl-C ends the soak with what it has, a second one raises KeyboardInterrupt.
        """
        interrupted = False
        try:
            with ExitStack() as stack:
                try:
                    self._measure(stack)
                except KeyboardInterrupt:
                    interrupted = self._interruption.came = True
                    self._steps.say("interrupted: the results are being written; Ctrl-C again stops at once")
                except CamrigError as error:
                    self._error = error
                self._interruption.defer()
                with self._interruption.stopped_by_second():
                    return self._end(interrupted, columns)
        finally:
            self._interruption.restore()

    def _measure(self, stack: ExitStack) -> None:
        board_run = self._board_run
        board = stack.enter_context(board_run.reserved(self._settings))
        board_run.start_test("soak")
        dut = board_run.boot(board)
        self._soak = Soak(board_run, board, dut, self._options)
        self._soak.run()
        board_run.examine_losses()
        self._error = board_run.broken

    def _end(self, interrupted: bool, columns: int) -> int:
        """Write the results and print what they say."""
        made = self._checks()
        records = [self._record(check) for check in made]
        code = exit_code(made, interrupted)
        board = self._board_run.board
        report = RunReport(
            camrig=version("camrig"),
            started=self._started.isoformat(),
            seconds=round(time.monotonic() - self._clock, 3),
            exit_code=code,
            tests=counts(made),
            blocked=[str(self._error)] if self._error and self._error.exit_code != EXIT_FAILED else [],
            boards=[self._board_report(board, records)] if board is not None and self._soak else [],
            interrupted=interrupted,
            correct=in_a_sentence(made, self._soak.requests if self._soak else 0),
            arguments=["camrig", *without_secrets(sys.argv[1:])],
            host=host(),
            repository=repository(self._settings.lib),
            selection=_selection(made),
            outcomes=records,
        )
        if self._error is not None:
            print(f"camrig: {self._error}")
            if self._error.details:
                print(f"\n{self._error.details}\n")
        if self._soak is not None and self._soak.requests:
            print(self._summary(report, made, interrupted, columns))
        try:
            path = write(report, self._settings.results)
        except OSError as error:
            print(f"the results could not be written to {self._settings.results}: {error.strerror}")
            return code or CamrigError.exit_code
        print(f"results: {path}")
        self._publish(path)
        return code

    def _publish(self, path: Path) -> None:
        """The page beside the results, and the run in the history. What keeps it from them changes nothing else."""
        try:
            page_path = path.with_suffix(".html")
            write_whole(page_path, page(read_results(path)).encode("utf-8", "backslashreplace"))
            print(f"page: {page_path}")
            add_results(self._settings.results / FILE, path)
        except CamrigError as error:
            print(f"camrig: {error}", file=sys.stderr)
        except OSError as error:
            print(f"camrig: the page could not be written: {error.strerror}", file=sys.stderr)

    def _record(self, check: Check) -> TestRecord:
        return TestRecord(
            test=f"soak::{check.name}",
            outcome=check.outcome,
            board=self._board_run.spec,
            start=0.0,
            seconds=round(self._soak.seconds, 3) if self._soak else 0.0,
            text=check.text,
        )

    def _board_report(self, board: Board, records: list[TestRecord]) -> BoardReport:
        return board_report(self._board_run, board, timeline(self._board_run, records, self._clock))

    def _checks(self) -> list[Check]:
        soak, recorder = self._soak, self._board_run.recorder
        if soak is None:
            made = []
        else:
            record(soak, recorder)
            names = list(soak.course.totals)
            lost = self._board_run.lost_answers
            made = checks(names, soak.wrong, soak.incidents, str(lost or ""), recorder.metrics)
        if self._error is not None:
            failed = self._error.exit_code == EXIT_FAILED
            made.append(Check("the soak reaches its end", FAILED if failed else BLOCKED, self._error.what))
        return made

    def _summary(self, report: RunReport, made: list[Check], interrupted: bool, columns: int) -> str:
        soak = self._soak
        assert soak is not None
        metrics = self._board_run.recorder.metrics
        has_slope = any(metric.is_slope and metric.unit == "B/request" for metric in metrics)
        leaks = (
            leak(metrics)
            if has_slope
            else f"Leak: not decided, with fewer than {FEWEST_READINGS} readings of a boot with full caches."
        )
        answers = (correct(made, soak.requests), cost(metrics), leaks)
        lines = [heading(report.boards[0]), ""]
        if interrupted:
            lines.append(f"Interrupted after {soak.seconds:,.0f} s of {soak.options.seconds:,.0f} s.")
        lines += [textwrap.fill(answer, max(columns, 40)) for answer in answers]
        if soak.course.totals:
            lines.append(_table(soak, columns))
        lines += [f"{check.outcome}: {check.name}: {check.text}" for check in made if check.outcome != PASSED]
        lines += [str(incident) for incident in soak.incidents[:INCIDENTS]]
        if (hidden := len(soak.incidents) - INCIDENTS) > 0:
            lines.append(f"{numbered(hidden, 'incident')} more in the file of results")
        return "\n".join([*lines, *self._board_run.summary()])


def _selection(made: list[Check]) -> dict[str, Any]:
    """All checks of a soak are made: it has no tests to choose from."""
    return {
        "scoped": False,
        "keyword": "",
        "markers": "",
        "paths": [],
        "collected": len(made),
        "deselected": 0,
        "not_run": 0,
        "stopped": "",
    }


def _table(soak: Soak, columns: int) -> str:
    """A row for each kind of request: how many, their times in ms as this computer saw them, and losses."""
    rows = [
        (
            kind,
            f"{times.n:,}",
            *(number(value) for value in (times.quantile(0.5), times.quantile(0.95), times.high)),
            f"{soak.course.lost[kind]:,}",
        )
        for kind, times in sorted(soak.course.totals.items())
    ]
    return fitting(("request", "n", "median ms", "p95 ms", "longest ms", "lost"), rows, columns, ("p95 ms",))
