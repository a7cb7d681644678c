"""With what a run ends, once all tests have their outcome."""

from __future__ import annotations

import pytest

from camrig.board.crash import APPLICATION
from camrig.errors import EXIT_BLOCKED, EXIT_FAILED, EXIT_INCONCLUSIVE
from camrig.plugin.run import Run
from camrig.plugin.terminal import counts


def set_exit_status(run: Run, session: pytest.Session) -> None:
    """Tell a failing library from a blocked rig and from a gate that cannot decide; leave other endings alone."""
    tests = counts(session.config) or run.outcomes.counts
    if session.exitstatus not in (0, EXIT_FAILED) or tests.get("failed") or tests.get("error"):
        return
    between = run.crashes_between_tests()
    if APPLICATION in between or any(board_run.lost_answers for board_run in run.board_runs):
        session.exitstatus = EXIT_FAILED
    elif run.blocked:
        session.exitstatus = next(iter(run.blocked.values())).exit_code
    elif (
        between
        or tests.get("blocked")  # in another process, which xdist started
        or (run.unavailable and not tests.get("passed"))  # nothing could be tested
    ):
        session.exitstatus = EXIT_BLOCKED
    elif tests.get("inconclusive"):
        session.exitstatus = EXIT_INCONCLUSIVE


def exit_code_of_board(run: Run, board: str) -> int:
    """With what a run of this board alone would end."""
    outcomes = {record.outcome for record in run.outcomes.records if record.board == board}
    board_run = next((known for known in run.board_runs if known.spec == board), None)
    if outcomes & {"failed", "error"} or (board_run is not None and board_run.lost_answers):
        return EXIT_FAILED
    if "blocked" in outcomes or board_run is None or board_run.broken is not None or "passed" not in outcomes:
        return EXIT_BLOCKED
    if between := [record.crash.attributed_to for record in board_run.crashes if record.between]:
        return EXIT_FAILED if APPLICATION in between else EXIT_BLOCKED
    return EXIT_INCONCLUSIVE if "inconclusive" in outcomes else 0
