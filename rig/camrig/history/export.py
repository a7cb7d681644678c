"""The history for other programs: CSV, or JSON, a row for each figure."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import asdict

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
)


def as_csv(connection: sqlite3.Connection, chosen: Filter) -> str:
    """A head, then a row for each figure; a run that measured nothing has one row without."""
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
    measured: dict[tuple[int, str], list[Figure]] = {}
    for figure in figures(connection, chosen):
        measured.setdefault((figure.row.run, figure.row.board), []).append(figure)
    for row in rows(connection, chosen):
        line = {**empty, **asdict(row)}
        line.pop("run")
        for figure in measured.get((row.run, row.board), ()):
            yield {**line, **{name: getattr(figure, name) for name in COLUMNS[6:]}}
        if (row.run, row.board) not in measured:
            yield line
