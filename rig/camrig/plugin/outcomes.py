"""What became of each test of a run, in order, with what explains a failure."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from camrig.plugin.causes import differences_of
from camrig.release_stage import is_stage

if TYPE_CHECKING:
    from camrig.report.json_report import TestRecord

# From the mildest to the gravest: a test is what its worst phase is.
ORDER = ("passed", "xpassed", "skipped", "xfailed", "inconclusive", "blocked", "error", "failed")
TEXT = 12_000  # characters of a failure's text that are kept: two thirds of them from its end, where the error is
EXCHANGE_CHARACTERS = 50_000  # of an exchange as plain data
DIFFERENCES, DIFFERENCE = 100, 2000  # that are kept of a failure, and the characters of each
CONSOLE = "console of "
CONSOLE_LINES = 20
_FAILED = "camrig_failed"  # in a report, with which it reaches another process


@dataclass
class _Test:
    start: float
    board: str = ""
    outcome: str = ""
    seconds: float = 0.0
    text: str = ""
    differences: list[str] = field(default_factory=list)
    exchange: Any = None
    console: str = ""


def keep_failure(report: pytest.TestReport, failed: bool) -> None:
    """Keep in a report whether its phase failed, before other hooks change its outcome."""
    vars(report)[_FAILED] = failed


class Outcomes:
    """A plugin that keeps the outcome of each test. ``clock`` is when the run began, on the monotonic clock."""

    def __init__(self, config: pytest.Config, clock: float) -> None:
        self._config, self._clock = config, clock
        self._tests: dict[str, _Test] = {}
        self.collected = 0  # tests, before hooks choose among them

    @property
    def records(self) -> list[TestRecord]:
        """The tests that have an outcome, in the order in which they began."""
        from camrig.report.json_report import TestRecord

        return [
            TestRecord(
                test=test,
                outcome=entry.outcome,
                board=entry.board,
                start=round(entry.start, 3),
                seconds=round(entry.seconds, 3),
                text=entry.text,
                differences=entry.differences,
                exchange=entry.exchange,
                console=entry.console,
            )
            for test, entry in self._tests.items()
            if entry.outcome
        ]

    @property
    def counts(self) -> dict[str, int]:
        """The number of tests by outcome."""
        return dict(Counter(entry.outcome for entry in self._tests.values() if entry.outcome))

    def on_board(self, test: str, board: str) -> None:
        """A test runs on the board ``board``."""
        self._test(test).board = board

    def explain(self, test: str, error: BaseException) -> None:
        """Keep what the error of a failed test has found, as plain data in ``differences`` and ``exchange``."""
        entry = self._test(test)
        entry.differences = [text[:DIFFERENCE] for text in differences_of(error)[:DIFFERENCES]]
        if isinstance(exchange := getattr(error, "exchange", None), Mapping):
            from camrig.report.plain_data import plain, size
            from camrig.report.results_schema import fault_of

            data = plain(exchange)
            if size(data) <= EXCHANGE_CHARACTERS and not fault_of(data, "exchange"):
                entry.exchange = data

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._test(nodeid)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        entry = self._test(report.nodeid)
        entry.seconds += report.duration
        outcome = self._outcome(report)
        if outcome and (not entry.outcome or ORDER.index(outcome) > ORDER.index(entry.outcome)):
            entry.outcome = outcome
            entry.text = _text(report)
        if report.failed and not entry.console:
            from camrig.board.console_excerpt import around_the_sign

            shown = [text for title, text in report.sections if title.startswith(CONSOLE)]
            entry.console = around_the_sign("\n".join(shown), CONSOLE_LINES)

    def _outcome(self, report: pytest.TestReport) -> str:
        """The category in which pytest counts a report; empty for a phase that says nothing.

        In a release a failure stays one, though another plugin may repeat the test, or count it otherwise.
        """
        if is_stage() and getattr(report, _FAILED, False) and not report.failed:
            return "failed"
        status = self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        category = str(status[0]) if status else ""
        if category in ORDER or not category:
            return category
        return "failed" if report.failed else ""  # another plugin's word

    def _test(self, test: str) -> _Test:
        return self._tests.setdefault(test, _Test(time.monotonic() - self._clock))


def _text(report: pytest.TestReport) -> str:
    """Why a test did not pass, in full if it is not too long."""
    if isinstance(report.longrepr, tuple):  # of a skipped test: file, line and reason
        return str(report.longrepr[2])
    if report.longrepr is None:
        return str(getattr(report, "wasxfail", ""))
    text = report.longreprtext
    if len(text) <= TEXT:
        return text
    return f"{text[: TEXT // 3]}\n… {len(text) - TEXT // 3 * 3} characters left out …\n{text[-(TEXT // 3 * 2) :]}"
