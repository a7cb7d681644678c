"""What is read out of a history: runs and figures that pass a filter."""

from __future__ import annotations

import datetime
import re
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from camrig.errors import SettingsError
from camrig.history.record import ENDINGS

UTC = datetime.timezone.utc


# By MAC, by what --device named, or by the name in the bench file.
OF_BOARD = (
    "lower(boards.name) GLOB lower(?) OR boards.spec GLOB ?"
    " OR boards.name IN (SELECT board FROM labels WHERE label GLOB ?)"
)


@dataclass(frozen=True)
class Filter:
    """Which runs, boards and metrics: texts are patterns with ``*`` and ``?``; empty is all of them."""

    board: str = ""
    metric: str = ""
    since: str = ""  # in UTC, spelled as in the file
    outcome: str = ""

    def where(self, *, metrics: bool) -> tuple[str, list[str]]:
        """The condition in SQL and its values; ``metrics`` where the names of metrics take part."""
        parts, values = ["1"], []
        for column, value in (
            ("runs.started >= ?", self.since),
            ("coalesce(boards.ending, runs.ending) = ?", self.outcome),
        ):
            if value:
                parts.append(column)
                values.append(value)
        if self.board:
            parts.append(f"({OF_BOARD})")
            values += [self.board] * 3
        if self.metric and metrics:
            parts.append("names.name GLOB ?")
            values.append(self.metric)
        return " AND ".join(parts), values


@dataclass(frozen=True)
class Row:
    """One board in one run, as the table shows it; a run that reached no board has one row without."""

    run: int
    started: str
    ending: str
    scoped: bool | None
    board: str
    firmware: str
    library: str
    label: str = ""

    @property
    def shown(self) -> str:
        """The board as people call it."""
        return self.label or self.board


@dataclass(frozen=True)
class Figure:
    """One metric of a ``Row``."""

    row: Row
    metric: str
    unit: str
    n: int
    median: float
    low: float | None
    high: float | None


_ROW = (
    "runs.id, runs.started, coalesce(boards.ending, runs.ending), runs.scoped, boards.name, boards.firmware,"
    " boards.library, (SELECT label FROM labels WHERE labels.board = boards.name)"
)


def rows(connection: sqlite3.Connection, chosen: Filter) -> list[Row]:
    """The runs that pass, the oldest first, a row for each of their boards."""
    where, values = chosen.where(metrics=False)
    if chosen.metric:
        where += """ AND EXISTS (SELECT 1 FROM metrics JOIN names ON names.id = metrics.name
            WHERE metrics.board = boards.id AND names.name GLOB ?)"""
        values.append(chosen.metric)
    answer = connection.execute(
        f"SELECT {_ROW} FROM runs LEFT JOIN boards ON boards.run = runs.id WHERE {where}"
        " ORDER BY runs.started, runs.id, boards.id",
        values,
    )
    return [_row(line) for line in answer]


def figures(connection: sqlite3.Connection, chosen: Filter) -> Iterator[Figure]:
    """The figures that pass, in the order of ``rows``."""
    where, values = chosen.where(metrics=True)
    answer = connection.execute(
        f"SELECT {_ROW}, names.name, names.unit, n, median, low, high FROM runs"
        " JOIN boards ON boards.run = runs.id JOIN metrics ON metrics.board = boards.id"
        f" JOIN names ON names.id = metrics.name WHERE {where}"
        " ORDER BY runs.started, runs.id, boards.id, names.name",
        values,
    )
    for line in answer:
        yield Figure(_row(line[:8]), *line[8:])


def _row(line: Sequence[object]) -> Row:
    run, started, ending, scoped, *texts = line
    assert isinstance(run, int)
    board, firmware, library, label = (str(text or "") for text in texts)
    return Row(
        run, str(started), str(ending), None if scoped is None else bool(scoped), board, firmware, library, label
    )


def outcomes(connection: sqlite3.Connection) -> dict[int, dict[str, int]]:
    """The numbers of tests of each run, by their outcome."""
    table: dict[int, dict[str, int]] = {}
    for run, outcome, count in connection.execute("SELECT run, outcome, count FROM outcomes"):
        table.setdefault(run, {})[outcome] = count
    return table


def parse_since(text: str, now: datetime.datetime) -> str:
    """A date (2026-11-01), or an age in days (30d), as the file spells times. Raises SettingsError."""
    try:
        if match := re.fullmatch(r"(\d{1,5})d", text):
            moment = now - datetime.timedelta(days=int(match[1]))
        else:
            moment = datetime.datetime.fromisoformat(text).astimezone()
        return moment.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        raise SettingsError(
            f"--since {text!r} is neither a date nor an age", hint="write 2026-11-01, or 30d for the last 30 days"
        ) from None


def parse_outcome(text: str) -> str:
    """One of the endings. Raises SettingsError."""
    if text not in ENDINGS:
        raise SettingsError(f"--outcome {text!r} is not an ending of a run", hint=f"write {', '.join(ENDINGS)}")
    return text
