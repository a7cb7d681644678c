"""What ``camrig ab`` said of a run's library and the one before: a file beside the results, a row of the history."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from camrig.errors import BaselineError, ResultsError
from camrig.gate.json_file import load_json, save_json

FILES = "comparison-*.json"
KIND, SCHEMA = "comparison", 1
_HINT = "name a file comparison-….json that camrig nightly wrote into its folder of results"


@dataclass(frozen=True)
class ComparisonRecord:
    """Two libraries compared on the board of the run that ``started`` then, in whose night a figure had moved.

    ``worse`` are the metrics in which the ``candidate``, that run's library, is worse than the ``baseline``; none
    where both are alike. Libraries go by the hash of their built module.
    """

    board: str
    started: str
    candidate: str
    baseline: str
    worse: tuple[str, ...] = ()


def save_comparison(folder: Path, record: ComparisonRecord) -> Path:
    """Write the file that ``camrig history import`` reads. Raises BaselineError."""
    stamp = re.sub(r"[^0-9T]", "", record.started.partition(".")[0])
    board = re.sub(r"[^A-Za-z0-9]+", "_", record.board).strip("_")[-40:] or "board"
    path = folder / FILES.replace("*", f"{stamp}-{board}")
    data = {"board": record.board, "started": record.started, "candidate": record.candidate}
    worse = [{"metric": metric} for metric in record.worse]
    save_json(path, KIND, SCHEMA, {**data, "baseline": record.baseline, "worse": worse})
    return path


def read_comparison(path: Path) -> ComparisonRecord:
    """What ``save_comparison`` wrote. Raises ResultsError, naming what is wrong with the file."""
    try:
        fields = load_json(path, KIND, SCHEMA, _HINT)
        return ComparisonRecord(
            board=fields.text("board"),
            started=fields.text("started"),
            candidate=fields.text("candidate"),
            baseline=fields.text("baseline"),
            worse=tuple(metric.text("metric") for metric in fields.objects("worse")),
        )
    except BaselineError as error:
        raise ResultsError(error.what, hint=error.hint) from None


def add_comparison(connection: sqlite3.Connection, record: ComparisonRecord) -> bool:
    """Keep it; whether it was not there yet. A later one of the same run and board takes its place."""
    texts = (record.board, record.started, record.candidate, record.baseline, json.dumps(record.worse))
    row = tuple(text.encode("utf-8", "replace").decode() for text in texts)
    known = connection.execute("SELECT * FROM comparisons WHERE board = ? AND started = ?", row[:2]).fetchone()
    connection.execute("INSERT OR REPLACE INTO comparisons VALUES (?, ?, ?, ?, ?)", row)
    return bool(known != row)


def comparisons(connection: sqlite3.Connection) -> Mapping[tuple[str, str], ComparisonRecord]:
    """Every comparison, by its board and the start of its run."""
    rows = connection.execute("SELECT board, started, candidate, baseline, worse FROM comparisons")
    return {
        (board, started): ComparisonRecord(board, started, candidate, baseline, tuple(json.loads(worse)))
        for board, started, candidate, baseline, worse in rows
    }
