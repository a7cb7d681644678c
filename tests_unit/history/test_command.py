"""``camrig history``: list, filter, import, prune, export."""

from __future__ import annotations

import csv
import io
import json

import pytest
from camrig.cli.main import main

from tests_unit.history.results import board, run, written

OTHER = "24:6f:28:aa:10:c5"


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def results(tmp_path):
    """Four nights of two boards: the third failed, the fourth was blocked before it reached a board."""
    runs = [run(0, board(), board(OTHER)), run(1, board(), board(OTHER)), run(2, board(), board(OTHER), exit_code=1)]
    written(tmp_path, *runs, run(3, exit_code=6, blocked=["there is no board"], tests={"blocked": 7}))
    assert main(["history", "import", str(tmp_path), "--hil-results", str(tmp_path)]) == 0
    return tmp_path


@pytest.fixture
def call(results, capsys):
    """Runs ``camrig history`` on these results: exit code, output, error output."""

    def run_command(*words):
        capsys.readouterr()
        code = main(["history", *words, "--hil-results", str(results)])
        return (code, *capsys.readouterr())

    return run_command


def test_the_list_fits_80_columns_and_has_a_row_for_each_board(call):
    code, out, _ = call()
    assert code == 0
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert len([line for line in lines if "2026-01-0" in line]) == 7
    assert lines[-1].split() == ["2026-01-04", "23:00", "blocked", "–", "–", "7", "blocked"]
    assert lines[-2].split()[2:5] == ["failed", OTHER, "1.26.0"]
    assert lines[-2].endswith("1 failed, 2 passed")


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (("--board", OTHER.upper()), 3),
        (("--board", "*:c?"), 6),
        (("--outcome", "failed"), 2),
        (("--since", "2026-01-02"), 5),
        (("--since", "2026-01-02", "--board", OTHER, "--outcome", "passed"), 1),
        (("--metric", "heap*"), 6),
        (("--limit", "2"), 2),
    ],
)
def test_filters_work_together(call, words, rows):
    code, out, _ = call(*words)
    assert code == 0
    assert len([line for line in out.splitlines() if "2026-01-0" in line]) == rows


def test_a_metric_is_listed_with_its_figures(call):
    _, out, _ = call("--metric", "latency", "--board", OTHER)
    assert max(map(len, out.splitlines())) <= 80
    assert out.splitlines()[-1].split() == ["latency", "ms", "2026-01-03", "23:00", OTHER, "1.50", "-0.50", "3.50"]


def test_a_filter_that_nothing_passes_says_so(call):
    assert call("--board", "none")[:2] == (0, "no run passes this filter\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--since", "yesterday"), "--since 'yesterday' is neither a date nor an age"),
        (("--outcome", "green"), "--outcome 'green' is not an ending of a run"),
        (("--board", OTHER, "prune", "--older-than", "1"), "prune goes by age alone"),
        (("import", "nowhere", "--board", OTHER), "import takes all runs of its files"),
    ],
)
def test_a_wrong_word_is_a_sentence(call, words, sentence):
    code, out, err = call(*words)
    assert (code, out) == (4, "")
    assert sentence in err


def test_an_import_says_how_many_were_new_and_names_a_bad_file(call, results):
    written(results, run(9, board()))
    (results / "run-bad.json").write_text("{")
    code, out, err = call("import", str(results))
    assert code == 4
    assert out == f"1 run added to {results / 'history.sqlite'}, 4 were there already\n"
    assert f"not added: {results / 'run-bad.json'} is not a file of results: it is not JSON" in err


def test_prune_only_says_so_until_it_may(call):
    words = ("prune", "--older-than", "1", "--keep", "1")
    assert call(*words)[1] == (
        "would remove 2 runs from 2026-01-01 23:00 to 2026-01-02 23:00; "
        "2 stay, 2 of them old: the last 1 of each board are kept\n"
        "--yes removes them; their files of results stay in any case\n"
    )
    assert call("export")[1].count("latency") == 6
    assert call(*words, "--yes")[1].startswith("removed: 2 runs from")
    assert [line.split()[0] for line in call()[1].splitlines()[3:]] == ["2026-01-03", "2026-01-03", "2026-01-04"]
    assert call("export")[1].count("latency") == 2


def test_prune_keeps_the_last_runs_of_each_board(call):
    assert call("prune", "--older-than", "1", "--yes")[1].startswith("no run goes: 4 stay, 4 of them old")


def test_the_export_has_each_figure_and_each_run(call, results):
    _, out, _ = call("export")
    lines = list(csv.DictReader(io.StringIO(out)))
    assert len(lines) == 13
    assert lines[-1]["ending"] == "blocked"
    assert lines[-1]["metric"] == ""
    assert {(line["metric"], line["median"]) for line in lines[:-1]} == {("heap", "2048.0"), ("latency", "1.5")}
    _, out, _ = call("export", "--json", "--board", OTHER, "--metric", "heap")
    assert [line["median"] for line in json.loads(out)] == [2048.0] * 3


def test_an_export_overwrites_nothing(call, results):
    file = results / "out.json"
    assert call("export", str(file))[0] == 0
    before = file.read_text()
    assert len(json.loads(before)) == 13
    code, _, err = call("export", str(file), "--board", OTHER)
    assert code == 4
    assert "cannot be written: File exists" in err
    assert file.read_text() == before


def test_without_a_history_the_next_step_is_named(tmp_path, capsys):
    assert main(["history", "--hil-results", str(tmp_path)]) == 4
    assert "there is no history" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
