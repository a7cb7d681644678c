"""The file of the open night, and the lock that keeps two nights apart."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from camrig.errors import BlockedError, ResultsError
from camrig.nightly import state
from camrig.report.results_file import read_results

STARTED, AT = "2026-11-29T01:00:00+00:00", "2026-11-29T02:30:00+00:00"


def saved(folder, **fields):
    night = state.OpenNight(4711, STARTED, AT, stage="sim  soak")
    state.save(folder, night)
    data = {**json.loads((folder / state.FILE).read_text()), "at": AT, **fields}
    (folder / state.FILE).write_text(json.dumps(data))
    return state.cut_off(folder)


def test_a_night_that_was_cut_off_is_closed_as_interrupted(tmp_path):
    sentence, path = state.close_cut_off(tmp_path, saved(tmp_path))
    assert sentence == (
        f"the night of {STARTED} was cut off in 'sim  soak', 1 h 30 min after it began: its process 4711 is gone"
    )
    results = read_results(path)
    assert (results["exit_code"], results["interrupted"], results["seconds"]) == (2, True, 5400)
    assert results["started"] == STARTED
    assert "was cut off in 'sim  soak'" in results["blocked"][0]
    assert state.cut_off(tmp_path) is None


def test_a_computer_that_restarted_is_named(tmp_path):
    sentence, _ = state.close_cut_off(tmp_path, saved(tmp_path, boot="another start"))
    assert sentence.endswith("this computer restarted")


def test_results_that_its_run_has_left_are_enough(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    _, path = state.close_cut_off(tmp_path, saved(tmp_path, results=[str(tmp_path / "run.json")]))
    assert path is None
    assert not list(tmp_path.glob("run-*"))


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"pid": 1}', "null", "[" * 9999, json.dumps({"pid": 1, "started": "x", "at": "y"})],
)
def test_a_damaged_file_of_the_open_night_is_named(tmp_path, content):
    (tmp_path / state.FILE).write_text(content)
    with pytest.raises(
        ResultsError, match=r"nightly\.json is damaged: when it began is not known\. Runs that it has"
    ):
        state.cut_off(tmp_path)


def test_without_a_file_no_night_is_open(tmp_path):
    assert state.cut_off(tmp_path) is None
    assert state.cut_off(tmp_path / "none") is None


HOLD = """
import sys
from pathlib import Path
from camrig.nightly import state
with state.taken(Path(sys.argv[1]), 0, print):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_night_is_refused_and_names_the_first(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        naming = rf"another night is at work in .*\(process {first.pid}\) since 20"
        with pytest.raises(BlockedError, match=naming), state.taken(tmp_path, 0, print):
            pass
        with state.taken(tmp_path / "another", 0, print):
            pass
        first.stdin.close()
    with state.taken(tmp_path, 0, print):
        pass


def test_a_second_night_waits_where_it_may(tmp_path):
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "held\n"
        said = []

        def say(line):
            said.append(line)
            first.stdin.close()

        with state.taken(tmp_path, 60, say):
            assert f"(process {first.pid}) since 20" in said[0]
            assert "waiting up to 60 s" in said[0]
