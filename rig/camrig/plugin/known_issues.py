"""Failing tests that a known issue of their board excuses, and what is said of known issues at the end of a run."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from camrig.errors import FirmwareBootError, LibraryError
from camrig.plugin.run import Run, is_blocked, uses_board
from camrig.release_stage import is_stage
from camrig.settings.known_issues import excuse, remarks
from camrig.settings.resolve import Settings


def excuse_failure(run: Run, item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> None:
    """Report a failure that a known issue of the board excuses as one that was expected.

    Never one that a release would be decided by, a rig that is blocked, or a board, a library or firmware that is
    down: those say more than that this test fails.
    """
    if not report.failed or report.when == "teardown" or is_blocked(report) or is_stage() or not uses_board(item):
        return
    if isinstance(error, (LibraryError, FirmwareBootError)):
        return
    board_run = run.board_run_of(item)
    if any(record.test == item.nodeid for record in board_run.crashes) or board_run.hangs:
        return
    entry = run.settings.board(board_run.spec)
    if reason := excuse(entry.known_issues, item.nodeid, entry.name, datetime.date.today()):
        report.outcome = "skipped"
        vars(report)["wasxfail"] = reason


def sentences(settings: Settings, board: str, tests: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What to say of the known issues of ``board``, on which ``tests`` with these outcomes ran."""
    issues, outcomes = settings.board(board).known_issues, dict(tests)
    today = datetime.date.today()
    failed = [test for test, outcome in outcomes.items() if outcome == "xfailed"]
    reasons = Counter(filter(None, (excuse(issues, test, board, today) for test in failed)))
    for reason, count in reasons.items():
        yield f"{count} test{'s' * (count != 1)} failed by a {reason}"
    yield from remarks(issues, board, outcomes, today)
