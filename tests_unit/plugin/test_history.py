"""A run of pytest goes into the history at its end, and trouble with the history changes nothing else."""

from __future__ import annotations

from camrig.history.query import Filter, figures, rows
from camrig.history.store import opened


def test_a_run_goes_into_the_history_beside_its_results(hil, tmp_path):
    ended = hil("-q")
    assert ended.code == 0, ended.out
    with opened(tmp_path / "history.sqlite") as connection:
        (row,) = rows(connection, Filter())
    assert (row.ending, row.board) == ("passed", "sim")
    assert len(list(tmp_path.glob("run-*.json"))) == 1


def test_a_blocked_run_is_kept_as_blocked(hil, tmp_path):
    ended = hil("-q", "--device", str(tmp_path / "none"))
    assert ended.code == 6, ended.out
    with opened(tmp_path / "history.sqlite") as connection:
        (row,) = rows(connection, Filter())
        assert row.ending == "blocked"
        assert list(figures(connection, Filter())) == []


def test_a_history_that_cannot_be_used_costs_neither_verdict_nor_results(hil, tmp_path):
    history = tmp_path / "history.sqlite"
    history.write_bytes(b"no database" * 1000)
    ended = hil("-q")
    assert ended.code == 0, ended.out
    assert f"camrig: the run is not in the history: the history {history} is damaged" in ended.out
    assert ended.out.count("history.sqlite") == 1
    assert "Traceback" not in ended.out
    assert history.read_bytes() == b"no database" * 1000
    assert len(list(tmp_path.glob("run-*.json"))) == 1
