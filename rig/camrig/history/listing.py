"""The history as a table for a terminal."""

from __future__ import annotations

import datetime
import sqlite3

from camrig.history.query import Filter, figures, outcomes, rows
from camrig.redaction import visible
from camrig.report.metrics_table import fitting, number

SHOWN = 40


def listing(connection: sqlite3.Connection, chosen: Filter, columns: int, most: int = SHOWN) -> str:
    """The last ``most`` runs, a row for each board; with a metric in the filter, a row for each of its figures."""
    if chosen.metric:
        heads: tuple[str, ...] = ("metric", "unit", "run", "board", "median", "low", "high", "n")
        lines: list[tuple[str, ...]] = [
            (
                *(figure.metric, figure.unit, local(figure.row.started), figure.row.shown, number(figure.median)),
                *("–" if end is None else number(end) for end in (figure.low, figure.high)),
                str(figure.n),
            )
            for figure in figures(connection, chosen)
        ]
        dispensable: tuple[str, ...] = ("n", "high", "low")
    else:
        heads = ("run", "ending", "board", "firmware", "library", "tests")
        tests = outcomes(connection)
        lines = [
            (
                *(local(row.started), row.ending + " (scoped)" * bool(row.scoped), row.shown or "–"),
                *(row.firmware.removeprefix("MicroPython ") or "–", row.library[:8] or "–"),
                _tests(tests.get(row.run, {})),
            )
            for row in rows(connection, chosen)
        ]
        dispensable = ("library", "firmware")
    if not lines:
        return "no run passes this filter" if chosen != Filter() else "no run yet"
    text = fitting(heads, lines[-most:], columns, dispensable)
    if len(lines) > most:
        text += f"\n{len(lines) - most} earlier rows are not shown: --limit N shows the last N"
    return visible(text)


def local(started: str) -> str:
    """The start of a run on the clock of this computer, to the minute."""
    return datetime.datetime.fromisoformat(started).astimezone().strftime("%Y-%m-%d %H:%M")


def _tests(tests: dict[str, int]) -> str:
    """The numbers that matter, the bad ones first."""
    bad = {name: tests.get(name, 0) for name in ("failed", "error", "blocked", "inconclusive")}
    parts = [f"{count} {name}" for name, count in {**bad, "passed": tests.get("passed", 0)}.items() if count]
    return ", ".join(parts[:2]) or "–"
