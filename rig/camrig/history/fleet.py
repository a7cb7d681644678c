"""What keeps the trend of a fleet within half a minute, and its page one that opens: fewer nights and drawings.

The time for a course grows faster than its nights, and a page of 20,000 drawings has 400 MB.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from camrig.history.events import Event
from camrig.history.query import Filter

COURSES = 2000  # metrics of boards that are still looked at and drawn over all nights
NIGHTS = 90  # that are looked at of more: enough for the noise of a level, and a season's drift
DRAWN = 400  # courses of more
ROWS = 40  # changes of an event that its table has
_BOARDS, _METRICS = 4, 8  # of an event whose courses are drawn: its largest changes


def bounded(connection: sqlite3.Connection, chosen: Filter) -> Filter:
    """``chosen``, from the last nights on only if it names no night and passes more courses than ``COURSES``."""
    if chosen.since:
        return chosen
    condition, values = "1", []
    if chosen.board:
        condition, values = "(lower(name) GLOB lower(?) OR spec GLOB ?)", [chosen.board] * 2
    boards = connection.execute(f"SELECT count(DISTINCT name) FROM boards WHERE {condition}", values).fetchone()[0]
    pattern = [chosen.metric or "*"]
    metrics = connection.execute("SELECT count(*) FROM names WHERE name GLOB ?", pattern).fetchone()[0]
    if boards * metrics <= COURSES:
        return chosen
    (since,) = connection.execute(f"SELECT date(max(started), '-{NIGHTS} days') FROM runs").fetchone()
    return replace(chosen, since=since)


def drawn(known: Sequence[Event]) -> set[tuple[str, str]]:
    """The courses to draw of a fleet, by board and metric: those of the largest changes of each event."""
    courses: dict[tuple[str, str], None] = {}
    for event in known:
        for changes in list(event.metrics.values())[:_METRICS]:
            courses.update(dict.fromkeys((change.board, change.metric) for change in changes[:_BOARDS]))
    return set(list(courses)[:DRAWN])
