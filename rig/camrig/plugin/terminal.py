"""What a run prints at its end: what blocked it, what went down and what was measured."""

from __future__ import annotations

from typing import Any

import pytest

from camrig.measure.losses import loss_sentence, means_little
from camrig.plugin.results import run_report
from camrig.plugin.run import BLOCKED, Run
from camrig.report.json_report import write
from camrig.report.summary import board_summary

OUTCOMES = ("passed", "failed", "error", "skipped", "blocked", "inconclusive")


def counts(config: pytest.Config) -> dict[str, int]:
    """The number of tests by outcome; empty in a process without a terminal reporter."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return {name: len(reporter.stats.get(name, ())) for name in OUTCOMES} if reporter else {}


def write_results(run: Run, config: pytest.Config) -> bool:
    """Write the file of results, before anything that may be slow or interrupted; whether that went well."""
    if not run.board_runs:
        return True
    report = run_report(run, counts(config))
    if report.boards or report.blocked:  # not with --setup-plan
        try:
            run.results = report, write(report, run.settings.results)
        except OSError as error:
            run.results = report, error
            return False
    return True


def write_summary(reporter: Any, run: Run) -> None:
    """The end of a run: causes that blocked it, crashes and recoveries, metrics, and the file of results."""
    _write_blocked(reporter, run)
    for board_run in run.board_runs:
        requests, controls = board_run.losses
        if means_little(requests + controls) and not board_run.lost_answers:
            reporter.section(f"{loss_sentence(requests, controls)}: this run means little", yellow=True)
    for board_run in run.board_runs:
        for line in board_run.summary():
            reporter.write_line(line)
    if run.results is None:
        return
    report, path = run.results
    for board in report.boards:
        if board.metrics:
            reporter.section("measured")
            reporter.write_line(board_summary(board, reporter._tw.fullwidth))
    if isinstance(path, OSError):
        reporter.write_line(f"the results could not be written to {run.settings.results}: {path.strerror}", red=True)
    else:
        reporter.write_line(f"results: {path}")


def _write_blocked(reporter: Any, run: Run) -> None:
    for error in run.blocked.values():
        reporter.section("the rig is blocked", yellow=True)
        reporter.write_line(str(error))
        if error.details:
            reporter.write_line("")
            reporter.write_line(error.details)
    if not run.blocked:  # in this process, but maybe in one that xdist started
        for reason in sorted({str(report.longrepr) for report in reporter.stats.get("blocked", ())}):
            reporter.section("the rig is blocked", yellow=True)
            reporter.write_line(reason.removeprefix(BLOCKED))
