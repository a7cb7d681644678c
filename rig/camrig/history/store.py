"""The file that keeps every run: SQLite with a write-ahead log, for several writers at once.

A run is added in one transaction: it is there as a whole, or not at all.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from camrig.errors import HistoryError
from camrig.history import schema
from camrig.history.record import BoardRecord, MetricRecord, RunRecord

FILE = "history.sqlite"
PATIENCE = 10.0  # seconds to wait for another writer


@contextmanager
def opened(path: Path, *, create: bool = False, patience: float = PATIENCE) -> Iterator[sqlite3.Connection]:
    """The history in the file ``path``, with up-to-date tables. With ``create`` it is made if missing.

    Raises HistoryError, also for what SQLite reports within the context.
    """
    if not create and not path.exists():
        raise HistoryError(
            f"there is no history {path}",
            hint="every pytest run with a board adds itself to one; camrig history import RESULTS adds earlier ones",
        )
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw{'c' * create}", patience, 0, None, uri=True)
    except (OSError, sqlite3.Error) as error:
        raise _sentence(path, error, patience) from None
    try:
        schema.version_of(connection)  # before anything in the file is changed
        if create:
            connection.execute("PRAGMA journal_mode = WAL").close()
            connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        schema.migrate(connection)
        yield connection
    except HistoryError as error:
        raise error.amended(what=f"the history {path} cannot be used: {error.what}") from None
    except sqlite3.Error as error:
        raise _sentence(path, error, patience) from None
    finally:
        with suppress(sqlite3.Error):
            connection.close()


def _sentence(path: Path, error: Exception, patience: float) -> HistoryError:
    text = (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
    if "locked" in text or "busy" in text:
        return HistoryError(
            f"the history {path} was in use by another program for more than {patience:g} s",
            hint="end that program, and add the run with camrig history import",
        )
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return HistoryError(
            f"the history {path} is damaged ({text})",
            hint="move it away, and make a new one from the results: camrig history import results",
        )
    if "full" in text:
        return HistoryError(f"there is no room for the history {path}", hint="make room on its disk")
    if "readonly" in text:
        return HistoryError(f"the history {path} cannot be written", hint="make the file and its folder writable")
    return HistoryError(f"the history {path} cannot be used: {text}")


def add(connection: sqlite3.Connection, runs: Iterable[RunRecord]) -> int:
    """Add the runs that are not there yet, all or nothing; how many those were."""
    count, names = 0, _Names(connection)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for run in runs:
            count += _add(connection, run, names)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return count


class _Names(dict[tuple[str, str], int]):
    """The numbers of metrics by name and unit, each looked up once in a transaction and added if it is new."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__()
        self._connection = connection

    def __missing__(self, name: tuple[str, str]) -> int:
        storable = _storable(name)
        self._connection.execute("INSERT INTO names (name, unit) VALUES (?, ?) ON CONFLICT DO NOTHING", storable)
        row = self._connection.execute("SELECT id FROM names WHERE name = ? AND unit = ?", storable).fetchone()
        self[name] = int(row[0])
        return self[name]


def _add(connection: sqlite3.Connection, run: RunRecord, names: _Names) -> bool:
    row = (
        *(run.key, run.started, run.seconds, run.exit_code, run.ending, run.scoped, run.camrig, run.host, run.commit),
        *(run.source, json.dumps(run.blocked)),
    )
    marks = ", ".join("?" * len(row))
    columns = "key, started, seconds, exit_code, ending, scoped, camrig, host, git_commit, source, blocked"
    cursor = connection.execute(
        f"INSERT INTO runs ({columns}) VALUES ({marks}) ON CONFLICT (key) DO NOTHING", _storable(row)
    )
    if not cursor.rowcount:
        return False
    number = cursor.lastrowid
    assert number is not None
    outcomes = [_storable((number, *outcome)) for outcome in run.tests.items() if outcome[1]]
    connection.executemany("INSERT INTO outcomes VALUES (?, ?, ?)", outcomes)
    for board in run.boards:
        _add_board(connection, number, board, names)
    return True


def _add_board(connection: sqlite3.Connection, run: int, board: BoardRecord, names: _Names) -> None:
    name_of_board = _name(connection, board)
    if board.label and board.label != name_of_board:
        label = _storable((name_of_board, board.label))
        connection.execute("INSERT OR REPLACE INTO labels VALUES (?, ?)", label)
    row = (
        *(None, run, name_of_board, board.spec, board.ending, board.machine, board.firmware, board.build),
        *(board.mac, board.virtual),
        *(board.library, board.library_source, board.application, board.access_point, board.channel),
    )
    number = connection.execute(f"INSERT INTO boards VALUES ({', '.join('?' * len(row))})", _storable(row)).lastrowid
    rows = [
        (number, names[metric.name, metric.unit], metric.n, metric.median, metric.low, metric.high, _batches(metric))
        for metric in board.metrics
    ]
    connection.executemany("INSERT OR REPLACE INTO metrics VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _batches(metric: MetricRecord) -> str:
    """The medians of batches as JSON, with six digits each."""
    return json.dumps([float(f"{value:.6g}") for value in metric.batches]) if metric.batches else "[]"


def _name(connection: sqlite3.Connection, board: BoardRecord) -> str:
    """The name of a board; of one that was not reached, the name of the last that was, in the same place."""
    if not board.machine:
        known = connection.execute(
            "SELECT name FROM boards WHERE spec = ? AND machine != '' ORDER BY id DESC LIMIT 1",
            _storable((board.spec,)),
        ).fetchone()
        if known is not None:
            return str(known[0])
    return board.name


def _storable(row: tuple[object, ...]) -> tuple[object, ...]:
    """Texts that SQLite takes: half of a surrogate pair is not one, and a number of more than 64 bits is cut."""
    bound = 2**63 - 1
    return tuple(
        value.encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else max(-bound, min(value, bound))
        if isinstance(value, int)
        else value
        for value in row
    )


def remove(connection: sqlite3.Connection, runs: Iterable[int]) -> None:
    """Remove runs by their numbers, and give their room back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("DELETE FROM runs WHERE id = ?", [(run,) for run in runs])
        connection.execute("DELETE FROM comparisons WHERE started NOT IN (SELECT started FROM runs)")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    with suppress(sqlite3.OperationalError):  # another program reads: the room is used again by later runs
        connection.execute("VACUUM")
