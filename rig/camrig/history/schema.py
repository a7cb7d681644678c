"""The tables of a history file, and the steps from each version of them to the next.

A migration is never changed once it was released: a file that it has made stands on somebody's bench.
"""

from __future__ import annotations

import sqlite3

from camrig.errors import HistoryError

APPLICATION_ID = 0x63616D72  # "camr", in the header of the file

_FIRST = """
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    started TEXT NOT NULL,
    seconds REAL NOT NULL,
    exit_code INTEGER NOT NULL,
    ending TEXT NOT NULL,
    scoped INTEGER,
    camrig TEXT NOT NULL,
    host TEXT NOT NULL,
    git_commit TEXT NOT NULL,
    source TEXT NOT NULL,
    blocked TEXT NOT NULL
);
CREATE INDEX runs_started ON runs (started);
CREATE TABLE outcomes (
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (run, outcome)
) WITHOUT ROWID;
CREATE TABLE boards (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    ending TEXT NOT NULL,
    machine TEXT NOT NULL,
    firmware TEXT NOT NULL,
    build TEXT NOT NULL,
    mac TEXT NOT NULL,
    virtual INTEGER NOT NULL,
    library TEXT NOT NULL,
    library_source TEXT NOT NULL,
    application TEXT NOT NULL,
    access_point TEXT NOT NULL,
    channel INTEGER
);
CREATE INDEX boards_run ON boards (run);
CREATE INDEX boards_name ON boards (name);
CREATE TABLE names (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    UNIQUE (name, unit)
);
CREATE TABLE metrics (
    board INTEGER NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    name INTEGER NOT NULL REFERENCES names (id),
    n INTEGER NOT NULL,
    median REAL NOT NULL,
    low REAL,
    high REAL,
    batches TEXT NOT NULL,
    PRIMARY KEY (board, name)
) WITHOUT ROWID;
"""

_COMPARISONS = """
CREATE TABLE comparisons (
    board TEXT NOT NULL,
    started TEXT NOT NULL,
    candidate TEXT NOT NULL,
    baseline TEXT NOT NULL,
    worse TEXT NOT NULL,
    PRIMARY KEY (board, started)
) WITHOUT ROWID;
"""

_LABELS = """
CREATE TABLE labels (
    board TEXT PRIMARY KEY,
    label TEXT NOT NULL
) WITHOUT ROWID;
"""

# Where a board was last seen is looked up for each that was not reached.
_SPECIFICATIONS = "CREATE INDEX boards_spec ON boards (spec);"

MIGRATIONS: tuple[str, ...] = (_FIRST, _COMPARISONS, _LABELS, _SPECIFICATIONS)
VERSION = len(MIGRATIONS)


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables, 0 of an empty file.

    Raises HistoryError for a file of another program, or of a newer camrig.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if owner != APPLICATION_ID and (tables or version or owner):
        raise HistoryError("it is an SQLite file of another program", hint="name another file")
    if version > VERSION:
        raise HistoryError(
            f"it was written by a newer camrig (version {version} of its tables, this camrig knows {VERSION})",
            hint="update camrig; the file is as it was",
        )
    return version


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables up to date, all or nothing, also where several processes do it at once."""
    if version_of(connection) == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version_of(connection) :]:
            for statement in filter(None, map(str.strip, migration.split(";"))):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
