"""What a run prints at its end: what blocked it, what went down and what was measured."""

from __future__ import annotations

import sys
from typing import Any, TextIO, cast

import pytest

from camrig.output import LastingStream
from camrig.plugin.run import BLOCKED, GATE, RUN, Run

OUTCOMES = ("passed", "failed", "error", "skipped", "blocked", "inconclusive")
OUTCOMES_OF_TESTS = (*OUTCOMES, "xfailed", "xpassed", "deselected")


def counts(config: pytest.Config) -> dict[str, int]:
    """The number of tests by outcome; empty in a process without a terminal reporter."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return {name: len(reporter.stats.get(name, ())) for name in OUTCOMES} if reporter else {}


def correctness_of(reporter: Any) -> str:
    """The answer of the tests themselves, without those that the gate makes of limits."""
    from camrig.report.answers import correctness

    tests = {
        name: sum(getattr(report, "nodeid", "").partition("::")[0] != GATE for report in reporter.stats.get(name, ()))
        for name in OUTCOMES_OF_TESTS
    }
    limits = sum(item.nodeid.partition("::")[0] == GATE for item in reporter._session.items)
    limits += reporter.config.stash[RUN].limits_collected
    ran = sum(tests[name] for name in OUTCOMES_OF_TESTS if name != "deselected")
    tests["not_run"] = max(0, reporter._session.testscollected - limits - ran)
    return correctness(tests)


class LastingOutput:
    """Lets a run end with its verdict where its output cannot be written, as behind ``| head``.

    pytest itself would end at once, as if tests had failed. In a run without a board it does so still.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._stream: LastingStream | None = None

    @property
    def failure(self) -> str:
        """Why output was lost; empty if none was, or if nobody needed it."""
        return self._stream.failure if self._stream else ""

    @pytest.hookimpl(tryfirst=True)  # before the first line is written
    def pytest_sessionstart(self) -> None:
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self._stream = reporter._tw._file = LastingStream(reporter._tw._file)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self) -> None:
        if self._stream is None:
            return
        if not self._config.stash[RUN].in_use:
            self._config.pluginmanager.getplugin("terminalreporter")._tw._file = self._stream.stream
            if self._stream.lost is not None:
                raise self._stream.lost
        elif self._config.getoption("capture") == "no":  # tests print there, too
            sys.stdout = cast(TextIO, self._stream)

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        if self._stream is not None:
            self._stream.flush()  # before pytest does
            if sys.stdout is self._stream:
                sys.stdout = self._stream.stream


def write_summary(reporter: Any, run: Run) -> None:
    """The end of a run: causes that blocked it, crashes and recoveries, metrics, and the file of results."""
    _write_blocked(reporter, run)
    if run.board_runs or run.results or run.unavailable:
        _write_boards(reporter, run)


def _write_boards(reporter: Any, run: Run) -> None:
    from camrig.measure.losses import loss_sentence, means_little
    from camrig.plugin.run_page import page_path
    from camrig.report.browser_answers import NOTE, sentence
    from camrig.report.summary import board_summary

    for board_run in run.board_runs:
        requests, controls = board_run.losses
        if means_little(requests + controls) and not board_run.lost_answers and not board_run.hangs:
            reporter.section(f"{loss_sentence(requests, controls)}: this run means little", yellow=True)
    for reason, count in run.unavailable.items():
        reporter.write_line(f"skipped: {count} test{'s' * (count != 1)}: {reason}")
    for board_run in run.board_runs:
        for line in board_run.summary():
            reporter.write_line(line)
        if (answers := board_run.recorder.notes.get(NOTE)) is not None:
            reporter.write_line(f"browser: {sentence(answers)}")
    if run.results is None:
        return
    report, path = run.results
    if (longest := reporter.config.option.durations) is not None:
        from camrig.report.step_table import step_table

        for board_run in run.board_runs:
            reporter.section(f"where the time of the chain went: {board_run.spec}")
            reporter.write_line(step_table(board_run.steps.done, longest, reporter._tw.fullwidth))
    for board in report.boards:
        reporter.section("in short")
        columns, verbose = reporter._tw.fullwidth, run.settings.verbose
        reporter.write_line(board_summary(board, correctness_of(reporter), columns, verbose))
    if isinstance(path, OSError):
        reporter.write_line(f"the results could not be written to {run.settings.results}: {path.strerror}", red=True)
    else:
        reporter.write_line(f"results: {path}")
        if page := page_path(run):
            reporter.write_line(f"page:    {page}")


def _write_blocked(reporter: Any, run: Run) -> None:
    for error in run.blocked.values():
        reporter.section("the rig is blocked", yellow=True)
        reporter.write_line(str(error))
        if error.details:
            reporter.write_line("")
            reporter.write_line(error.details)
    not_run = run.not_run + sum(part.selection.get("not_run", 0) for part in run.parts)
    if not_run:
        tests = "1 test that needs" if not_run == 1 else f"{not_run} tests that need"
        reporter.write_line(f"not run: {tests} the board")
    elsewhere = {str(report.longrepr).removeprefix(BLOCKED) for report in reporter.stats.get("blocked", ())}
    for reason in sorted(elsewhere - run.blocked.keys()):  # of a process that xdist started
        reporter.section("the rig is blocked", yellow=True)
        reporter.write_line(reason)
