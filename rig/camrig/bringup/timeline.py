"""What befell a board in a run, in order, in seconds since the run began: crashes, recoveries, lost exchanges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from camrig.bringup.board_run import BoardRun
from camrig.measure.losses import CONTROL
from camrig.report.json_report import TestRecord

LINES = 10  # of the console before a moment, and behind it
WITH_CONSOLE = 200  # entries that have lines of the console


def timeline(board_run: BoardRun, records: Sequence[TestRecord], clock: float) -> list[dict[str, Any]]:
    """The entries of one board; ``clock`` is when the run began, on the monotonic clock."""
    entries = [*_crashes(board_run, clock), *_recoveries(board_run, clock), *_losses(board_run, clock)]
    entries.sort(key=lambda entry: entry["at"])
    console = board_run.dut.console if board_run.dut else None
    for number, entry in enumerate(entries):
        entry["test"] = entry["test"] or _test_at(entry["at"], board_run.spec, records)
        mark = entry.pop("mark")
        if console is not None and number < WITH_CONSOLE:
            entry["console"] = console.around(LINES, mark=mark, at=entry["at"] + clock)
        entry["at"] = round(entry["at"], 3)
    return entries


def _entry(kind: str, text: str, at: float, seconds: float = 0.0, **fields: Any) -> dict[str, Any]:
    usual = {"test": "", "ok": None, "mark": None, "console": ""}
    return {"at": at, "kind": kind, "what": text, "seconds": round(seconds, 3), **usual, **fields}


def _crashes(board_run: BoardRun, clock: float) -> list[dict[str, Any]]:
    return [
        _entry("crash", record.crash.summary, record.crash.at - clock, test=record.test, mark=record.crash.mark)
        for record in board_run.crashes
    ]


def _recoveries(board_run: BoardRun, clock: float) -> list[dict[str, Any]]:
    attempts = board_run.board.recovery.attempts if board_run.board else []
    return [
        _entry(
            "recovery",
            attempt.rung + (f": {attempt.note}" if attempt.note else ""),
            attempt.at - clock,
            attempt.seconds,
            ok=attempt.ok,
        )
        for attempt in attempts
    ]


def _losses(board_run: BoardRun, clock: float) -> list[dict[str, Any]]:
    losses = board_run.dut.exchanges.losses if board_run.dut else []
    return [
        _entry(
            "loss",
            f"{'a control' if loss.kind == CONTROL else f'a {loss.kind}'} was lost ({loss.cause})",
            loss.start - clock,
            loss.end - loss.start,
        )
        for loss in losses
    ]


def _test_at(at: float, board: str, records: Sequence[TestRecord]) -> str:
    """The test that ran on the board at that moment, or had been the last."""
    before = [record.test for record in records if record.board == board and record.start <= at]
    return before[-1] if before else ""
