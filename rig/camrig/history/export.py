"""The history for other programs: CSV, or JSON, a row for each figure."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict

from camrig.history.comparison import comparisons
from camrig.history.query import Figure, Filter, figures, rows

COLUMNS = (
    "started",
    "ending",
    "scoped",
    "board",
    "firmware",
    "library",
    "metric",
    "unit",
    "n",
    "median",
    "low",
    "high",
    "ab",
)


def as_csv(connection: sqlite3.Connection, chosen: Filter) -> str:
    """A head, then a row for each figure; a run that measured nothing has one row without.

    ``ab`` is what ``camrig ab`` said of the metric with this run's library and the one before, empty if not asked.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([line[name] for name in COLUMNS] for line in _lines(connection, chosen))
    return text.getvalue()


def as_json(connection: sqlite3.Connection, chosen: Filter) -> str:
    """The rows of ``as_csv`` as a list of objects."""
    lines = [{name: line[name] for name in COLUMNS} for line in _lines(connection, chosen)]
    return json.dumps(lines, indent=1, ensure_ascii=False) + "\n"


def _lines(connection: sqlite3.Connection, chosen: Filter) -> Iterator[dict[str, object]]:
    empty: dict[str, object] = dict.fromkeys(COLUMNS)
    compared = comparisons(connection)
    measured: dict[tuple[int, str], list[Figure]] = {}
    for figure in figures(connection, chosen):
        measured.setdefault((figure.row.run, figure.row.board), []).append(figure)
    for row in rows(connection, chosen):
        line = {**empty, **asdict(row)}
        line.pop("run"), line.pop("label")
        record = compared.get((row.board, row.started))
        for figure in measured.get((row.run, row.board), ()):
            ab = None if record is None else "worse" if figure.metric in record.worse else "not worse"
            yield {**line, **{name: getattr(figure, name) for name in COLUMNS[6:-1]}, "ab": ab}
        if (row.run, row.board) not in measured:
            yield line
