"""What a run prints: each step as it ends, and at the end what blocked it, what went down and what was measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from camrig.report.json_report import write
from camrig.report.summary import board_summary
from camrig.steps import Step

if TYPE_CHECKING:
    from camrig.plugin.run import Run

OUTCOMES = ("passed", "failed", "error", "skipped", "blocked", "inconclusive")


def step_printer(config: pytest.Config) -> Callable[[Step | str], None]:
    """Prints a step on the terminal as it ends, even while pytest captures output."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    capture = config.pluginmanager.get_plugin("capturemanager")

    def show(step: Step | str) -> None:
        if reporter is None or capture is None:
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {step}")

    return show


def counts(config: pytest.Config) -> dict[str, int]:
    """The number of tests by outcome; empty in a process without a terminal reporter."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return {name: len(reporter.stats.get(name, ())) for name in OUTCOMES} if reporter else {}


def write_summary(reporter: Any, run: Run, blocked_prefix: str) -> None:
    """The end of a run: causes that blocked it, crashes and recoveries, metrics, and the file of results."""
    _write_blocked(reporter, run, blocked_prefix)
    for board_run in run.board_runs:
        for line in board_run.summary():
            reporter.write_line(line)
    if not run.board_runs:
        return
    report = run.report(counts(reporter.config))
    for board in report.boards:
        if board.metrics:
            reporter.section("measured")
            reporter.write_line(board_summary(board, reporter._tw.fullwidth))
    try:
        path = write(report, run.settings.results)
    except OSError as error:
        reporter.write_line(f"results could not be written: {error}", red=True)
    else:
        reporter.write_line(f"results: {path}")


def _write_blocked(reporter: Any, run: Run, prefix: str) -> None:
    for error in run.blocked.values():
        reporter.section("the rig is blocked", yellow=True)
        reporter.write_line(str(error))
        if error.details:
            reporter.write_line("")
            reporter.write_line(error.details)
    if not run.blocked:  # in this process, but maybe in one that xdist started
        for reason in sorted({str(report.longrepr) for report in reporter.stats.get("blocked", ())}):
            reporter.section("the rig is blocked", yellow=True)
            reporter.write_line(reason.removeprefix(prefix))
