"""The history's file: what goes in, twice, from several processes, and what a bad file does."""

from __future__ import annotations

import json
import multiprocessing
import shutil
import sqlite3
from pathlib import Path

import pytest
from camrig.errors import HistoryError
from camrig.history import schema
from camrig.history.add import add_results, import_results
from camrig.history.comparison import ComparisonRecord, comparisons, save_comparison
from camrig.history.export import as_json
from camrig.history.nights import board_nights
from camrig.history.query import Filter, figures, rows
from camrig.history.record import read_run
from camrig.history.store import add, opened, remove
from camrig.history.trend import trend
from camrig.history.trend_page import trend_page
from camrig.report.json_report import TestRecord

from tests_unit.history.results import board, run, written


@pytest.fixture
def history(tmp_path):
    return tmp_path / "kept" / "history.sqlite"


def count(history: Path, table: str = "runs") -> int:
    with opened(history) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_a_run_is_kept_with_its_board_and_its_figures(history, tmp_path):
    (file,) = written(tmp_path, run(0, board()))
    assert add_results(history, file) is True
    with opened(history) as connection:
        (row,) = rows(connection, Filter())
        heap, latency = figures(connection, Filter())
        (batches,) = connection.execute("SELECT batches FROM metrics WHERE median = 1.5").fetchone()
        outcomes = connection.execute("SELECT outcome, count FROM outcomes").fetchall()
    assert (row.started, row.ending, row.board) == ("2026-01-01T23:00:00.000000+00:00", "passed", "24:6f:28:aa:10:c4")
    assert (row.firmware, row.library) == ("MicroPython 1.26.0", "ab" * 32)
    assert (latency.metric, latency.unit, latency.n, latency.median) == ("latency", "ms", 9, 1.5)
    assert (latency.low, latency.high, heap.median) == (-0.5, 3.5, 2048)
    assert json.loads(batches) == [1.5, 1.5, 1.5]
    assert outcomes == [("passed", 2)]


def test_the_same_run_twice_is_one(history, tmp_path):
    first, second = written(tmp_path, run(0, board()), run(1, board()))
    copy = shutil.copy(first, tmp_path / "run-copy.json")
    changed = json.loads(first.read_text())
    changed["exit_code"] = 6  # as the end of a run writes it later
    (tmp_path / "run-later.json").write_text(json.dumps(changed))
    assert add_results(history, first) is True
    assert add_results(history, Path(copy)) is False
    outcome = import_results(history, [tmp_path])
    assert (outcome.added, outcome.known, outcome.errors) == (1, 3, [])
    assert count(history) == 2
    assert add_results(history, second) is False


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (0, "passed"),
        (1, "failed"),
        (2, "interrupted"),
        (3, "blocked"),
        (5, "blocked"),
        (6, "blocked"),
        (7, "inconclusive"),
    ],
)
def test_trouble_of_the_rig_is_never_a_failure(history, tmp_path, code, ending):
    (file,) = written(tmp_path, run(0, exit_code=code, blocked=["there is no board"]))
    add_results(history, file)
    with opened(history) as connection:
        (row,) = rows(connection, Filter(outcome=ending))
    assert (row.ending, row.board) == (ending, "")


def test_a_virtual_board_is_the_same_one_in_every_run(history, tmp_path):
    macs = ["02:ca:7f:00:00:01", "02:ca:7f:00:00:02"]
    runs = [run(night, board(mac, virtual=True, spec="sim")) for night, mac in enumerate(macs)]
    import_results(history, written(tmp_path, *runs))
    with opened(history) as connection:
        assert [row.board for row in rows(connection, Filter())] == ["sim", "sim"]


def test_a_run_without_metrics_is_kept(history, tmp_path):
    import_results(history, written(tmp_path, run(0, board(metrics={}))))
    assert (count(history), count(history, "metrics")) == (1, 0)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not a file of results: it is not JSON"),
        ("[1]", "is not a file of results"),
        ('{"kind": "baseline", "schema": 2}', "is not a file of results"),
        ('{"schema": 99, "boards": []}', "has schema 99, and this camrig reads 2 to"),
        ('{"schema": 1, "boards": []}', "has schema 1"),
        ('{"schema": 2, "boards": [], "started": ""}', "is damaged"),
    ],
)
def test_a_bad_file_of_results_is_named_and_keeps_no_other_out(history, tmp_path, content, words):
    written(tmp_path, run(0, board()))
    bad = tmp_path / "run-bad.json"
    bad.write_text(content)
    outcome = import_results(history, [tmp_path])
    (error,) = outcome.errors
    assert words in str(error)
    assert str(bad) in str(error)
    assert (outcome.added, count(history)) == (1, 1)


@pytest.mark.parametrize("started", ["yesterday", "2026-01-01T00:00:00", "0001-01-01T00:00:00+12:00"])
def test_a_start_that_is_not_a_time_is_named(history, tmp_path, started):
    (file,) = written(tmp_path, run(0, board()))
    data = json.loads(file.read_text())
    data["started"] = started
    file.write_text(json.dumps(data))
    (error,) = import_results(history, [file]).errors
    assert "its start is not a time with a time zone" in str(error)


def test_results_of_schema_2_are_read(history, tmp_path):
    (file,) = written(tmp_path, run(0, board()))
    data = json.loads(file.read_text())
    kept = ("camrig", "started", "seconds", "exit_code", "tests", "blocked", "boards")
    old = {"schema": 2, **{name: data[name] for name in kept}}
    new_fields = ("chip", "flash_bytes", "application", "application_source", "application_sha256", "radio", "sensor")
    for name in (*new_fields, "answers", "timeline", "console"):
        del old["boards"][0][name]
    file.write_text(json.dumps(old))
    assert add_results(history, file) is True
    with opened(history) as connection:
        (row,) = rows(connection, Filter())
        assert len(list(figures(connection, Filter()))) == 2
    assert (row.ending, row.scoped) == ("passed", None)


def outcome(board_spec: str, word: str) -> TestRecord:
    return TestRecord(f"test_{word}[{board_spec}]", word, board_spec, 0.0, 0.1, "")


def endings(history: Path) -> dict[str, str]:
    with opened(history) as connection:
        return {row.board: row.ending for row in rows(connection, Filter())}


def test_of_several_boards_each_has_its_own_ending(history, tmp_path):
    boards = [board(f"24:6f:28:aa:10:c{number}", spec=f"/dev/ttyUSB{number}") for number in range(3)]
    words = ["passed", "failed", "inconclusive"]
    outcomes = [outcome(board.spec, word) for board, word in zip(boards, words, strict=True)]
    outcomes.append(outcome("/dev/ttyUSB3", "blocked"))
    import_results(history, written(tmp_path, run(0, *boards, exit_code=1, outcomes=outcomes)))
    assert endings(history) == {
        "24:6f:28:aa:10:c0": "passed",
        "24:6f:28:aa:10:c1": "failed",
        "24:6f:28:aa:10:c2": "inconclusive",
        "/dev/ttyUSB3": "blocked",
    }


def test_a_board_that_was_not_reached_is_the_one_that_was_there_before(history, tmp_path):
    second = run(1, exit_code=6, blocked=["there is no board"], outcomes=[outcome("/dev/ttyUSB0", "blocked")])
    import_results(history, written(tmp_path, run(0, board()), second))
    with opened(history) as connection:
        names = [(row.board, row.ending) for row in rows(connection, Filter())]
    assert names == [("24:6f:28:aa:10:c4", "passed"), ("24:6f:28:aa:10:c4", "blocked")]


def test_where_a_run_took_place_is_kept(history, tmp_path):
    surroundings = {
        "host": {"name": "bench7", "system": "Linux", "machine": "x86_64", "python": "3.11"},
        "repository": {"commit": "ab" * 20, "dirty": True},
        "selection": {"scoped": True},
    }
    hardware = board(application_sha256="ef" * 32, radio={"rssi": -50, "channel": 6, "power_save": 0, "ssid": "lab"})
    import_results(history, written(tmp_path, run(0, hardware, **surroundings)))
    with opened(history) as connection:
        kept = connection.execute(
            "SELECT host, git_commit, scoped, application, access_point, channel FROM runs JOIN boards"
        ).fetchall()
    assert kept == [("bench7", "ab" * 20 + "+", 1, "ef" * 32, "lab", 6)]


def test_an_import_of_nothing_is_refused(history, tmp_path):
    with pytest.raises(HistoryError, match="there are no results in"):
        import_results(history, [tmp_path])
    assert not history.exists()


def _add_all(history: Path, files: list[Path]) -> None:
    for file in files:
        add_results(history, file, patience=60)


def test_processes_write_at_once_and_nothing_is_lost(history, tmp_path):
    """All of them also race to make the file, and one run comes from every process."""
    shared = written(tmp_path / "shared", run(500, board()))
    context = multiprocessing.get_context("spawn")
    writers = []
    for number in range(4):
        nights = range(number * 10, number * 10 + 10)
        files = written(
            tmp_path / str(number), *(run(night, board(), board("24:6f:28:aa:10:c5")) for night in nights)
        )
        writers.append(context.Process(target=_add_all, args=(history, files + shared)))
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert (count(history), count(history, "boards"), count(history, "metrics")) == (41, 81, 162)
    with opened(history) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4080])
def test_a_damaged_history_is_named_and_left_alone(history, tmp_path, content):
    history.parent.mkdir()
    history.write_bytes(content)
    files = written(tmp_path, run(0, board()))
    with pytest.raises(
        HistoryError, match=r"is damaged \(.*Move it away, and make a new one .*history import results"
    ):
        import_results(history, files)
    assert history.read_bytes() == content


def test_a_history_with_a_damaged_page_is_named(history, tmp_path):
    import_results(history, written(tmp_path, *(run(night, board()) for night in range(30))))
    with opened(history) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(history.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    history.write_bytes(content)
    with pytest.raises(HistoryError, match="is damaged"), opened(history) as connection:
        rows(connection, Filter())
    assert history.read_bytes() == content


def test_a_newer_history_is_left_alone(history, tmp_path):
    files = written(tmp_path, run(0, board()))
    import_results(history, files)
    with opened(history) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(HistoryError, match=r"was written by a newer camrig .*Update camrig"):
        add_results(history, files[0])
    connection = sqlite3.connect(history)
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION + 1,)
    connection.close()


def test_a_file_of_another_program_is_left_alone(history, tmp_path):
    history.parent.mkdir()
    connection = sqlite3.connect(history)
    connection.execute("CREATE TABLE invoices (id)")
    connection.commit()
    connection.close()
    before = history.read_bytes()
    with pytest.raises(HistoryError, match="an SQLite file of another program"):
        import_results(history, written(tmp_path, run(0, board())))
    assert history.read_bytes() == before


def test_a_locked_history_is_named_and_works_again_later(history, tmp_path):
    first, second = written(tmp_path, run(0, board()), run(1, board()))
    add_results(history, first)
    with opened(history) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match=r"was in use by another program for more than 0\.05 s"):
            add_results(history, second, patience=0.05)
        connection.execute("ROLLBACK")
    assert add_results(history, second) is True
    assert count(history) == 2


def _add_to_full_disk(connection: sqlite3.Connection, file: Path) -> None:
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite reports it as it does a full disk
    add(connection, [read_run(file)])


def test_a_full_disk_adds_nothing_and_loses_nothing(history, tmp_path):
    import_results(history, written(tmp_path, run(0, board())))
    metrics = {f"latency.{number}": float(number) for number in range(3000)}
    (file,) = written(tmp_path, run(1, board(metrics=metrics)))
    with pytest.raises(HistoryError, match="there is no room for the history"), opened(history) as connection:
        _add_to_full_disk(connection, file)
    assert count(history) == 1


def test_reading_makes_no_file(history):
    with pytest.raises(HistoryError, match="there is no history"), opened(history):
        pass
    assert not history.parent.exists()


def test_a_history_of_the_first_version_is_brought_up_to_date(history, tmp_path, monkeypatch):
    files = written(tmp_path, run(0, board()))
    import_results(history, files)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, "ALTER TABLE runs ADD COLUMN colour TEXT"))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 1)
    with opened(history) as connection:
        assert connection.execute("SELECT key IS NOT NULL, colour FROM runs").fetchall() == [(1, None)]
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)


def test_a_history_without_comparisons_gets_their_table(history, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        patch.setattr(schema, "VERSION", 1)
        import_results(history, written(tmp_path, run(0, board())))
    with opened(history) as connection:
        assert comparisons(connection) == {}
        assert connection.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert count(history) == 1


def test_a_comparison_is_imported_with_its_run_and_exported(history, tmp_path):
    written(tmp_path, run(0, board()))
    started = "2026-01-01T23:00:00.000000+00:00"
    record = ComparisonRecord(board().mac, started, "ab" * 32, "cd" * 32, ("heap",))
    file = save_comparison(tmp_path, record)
    outcome = import_results(history, [tmp_path])
    assert (outcome.added, outcome.compared, outcome.errors) == (1, 1, [])
    assert import_results(history, [file]).compared == 0
    with opened(history) as connection:
        assert comparisons(connection) == {(record.board, started): record}
        lines = {line["metric"]: line["ab"] for line in json.loads(as_json(connection, Filter()))}
        assert lines == {"heap": "worse", "latency": "not worse"}
        remove(connection, [row.run for row in rows(connection, Filter())])
        assert comparisons(connection) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [("{", "is damaged: it is not JSON"), ('{"kind": "comparison", "schema": 9}', "has schema 9"), ("[]", "damaged")],
)
def test_a_bad_file_of_a_comparison_is_named(history, tmp_path, content, words):
    (tmp_path / "comparison-x.json").write_text(content)
    (error,) = import_results(history, [tmp_path]).errors
    assert words in str(error)


def test_a_migration_that_fails_changes_nothing(history, tmp_path, monkeypatch):
    import_results(history, written(tmp_path, run(0, board())))
    broken = "ALTER TABLE runs ADD COLUMN colour TEXT; ALTER TABLE none ADD COLUMN colour TEXT"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, broken))
        patch.setattr(schema, "VERSION", schema.VERSION + 1)
        with pytest.raises(HistoryError, match="cannot be used"), opened(history):
            pass
    with opened(history) as connection:
        assert "colour" not in str(connection.execute("PRAGMA table_info(runs)").fetchall())
    assert count(history) == 1


def test_a_board_with_a_name_is_shown_and_found_by_it(history, tmp_path):
    """The history goes by MAC, so that a board which is renamed, or named by its port, keeps its past."""
    files = written(
        tmp_path / "runs",
        run(1, board(name="old")),
        run(2, board(name="left", spec="left"), board("24:6f:28:aa:10:c5", spec="/dev/ttyUSB1")),
    )
    with opened(history, create=True) as connection:
        add(connection, map(read_run, files))
        assert [row.shown for row in rows(connection, Filter())] == ["left", "left", "24:6f:28:aa:10:c5"]
        assert {row.board for row in rows(connection, Filter(board="lef?"))} == {"24:6f:28:aa:10:c4"}
        assert rows(connection, Filter(board="old")) == []
        nights = board_nights(connection, Filter(board="left"))
        assert [(name, len(nights[name].nights), nights[name].shown) for name in nights] == [
            ("24:6f:28:aa:10:c4", 2, "left")
        ]
        assert "left" in trend_page(nights, trend(nights))
