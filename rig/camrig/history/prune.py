"""Which old runs may go."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass

from camrig.history.query import Filter, rows

KEPT = 30  # runs of each board that stay, however old they are


@dataclass(frozen=True)
class Pruning:
    """The runs that go, and how many stay; ``spared`` are old ones that stay for the sake of their boards."""

    runs: tuple[int, ...]
    first: str
    last: str
    stay: int
    spared: int


def plan(connection: sqlite3.Connection, before: str, kept: int = KEPT) -> Pruning:
    """The runs that began ``before``, without the last ``kept`` of each board."""
    counts: Counter[str] = Counter()
    stay, old = set(), {}
    for row in reversed(rows(connection, Filter())):
        counts[row.board] += 1
        old[row.run] = row.started
        if row.started >= before or counts[row.board] <= kept:
            stay.add(row.run)
    runs = sorted((started, run) for run, started in old.items() if run not in stay)
    spared = sum(old[run] < before for run in stay)
    first, last = (runs[0][0], runs[-1][0]) if runs else ("", "")
    return Pruning(tuple(run for _, run in runs), first, last, len(stay), spared)
