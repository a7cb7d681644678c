"""The file of results of real runs: what became of each test, where it ran, and what befell the board."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from camrig.bringup.surroundings import repository, without_secrets
from camrig.history.query import Filter, rows
from camrig.history.store import FILE, opened
from camrig.plugin.outcomes import TEXT
from camrig.report.packed_text import unpacked
from camrig.report.results_file import read_results
from jsonschema import Draft202012Validator

from tests_unit.conftest import ROOT
from tests_unit.plugin.crash_suites import SUITE

SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "results.schema.json").read_text()))
MIXED = """
import pytest
from cors_expectation import Cors, Exchange, expect_cors

def test_passes(dut, measure, note):
    measure("own.metric", [1.0, 2.0], unit="ms")
    note("odd", {"a": float("nan"), 2: {1, 2}, "b": object, "c": 10**40, "d": b"\\xff"})

def test_differs(dut):
    headers = [("Origin", "https://page.example")]
    response = dut.request("GET", "/api/status", headers)
    expect_cors(Exchange({"max_age": None}, "GET", "/api/status", headers, response), Cors(origin="*"))

def test_fails_at_length(dut):
    dut.request("GET", "/down/raise")
    dut.console.expect("no such lens")
    pytest.fail("begin " + "x" * 30_000 + " end")

@pytest.mark.xfail(reason="known")
def test_is_known_to_fail():
    assert False

@pytest.mark.skip(reason="not here")
def test_is_skipped():
    pass

@pytest.fixture
def broken():
    yield
    raise OSError("tear-down")

def test_passes_and_is_torn_down_badly(broken):
    pass

class OddError(AssertionError):
    differences = 3
    exchange = {"policy": "none", "request": "GET /"}

def test_has_an_odd_error(dut):
    raise OddError("odd")

def test_deselected():
    pass
"""


def checked(folder: Path) -> dict:
    """The only results in ``folder``, which fit the schema and can be read."""
    (path,) = (folder / "results").glob("run-*.json")
    data = json.loads(path.read_text())
    assert [error.message for error in SCHEMA.iter_errors(data)] == []
    return read_results(path)


def test_each_test_has_its_outcome_and_what_explains_it(crash, tmp_path):
    summary, xml = tmp_path / "summary.md", tmp_path / "junit.xml"
    options = ("-k", "not deselected", "--junitxml", str(xml), "--token=hunter2hunter2", "-p", "no:cacheprovider")
    (tmp_path / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addoption('--token')\n")
    env = {"PYTHONPATH": str(ROOT / "tests_hil"), "GITHUB_STEP_SUMMARY": str(summary)}
    ended = crash(MIXED, *options, env=env)
    assert ended.code == 1, ended.out
    data = checked(tmp_path)
    tests = {test["test"].rpartition("::")[2]: test for test in data["outcomes"]}
    assert {name: test["outcome"] for name, test in tests.items()} == {
        "test_passes": "passed",
        "test_differs": "failed",
        "test_fails_at_length": "failed",
        "test_is_known_to_fail": "xfailed",
        "test_is_skipped": "skipped",
        "test_passes_and_is_torn_down_badly": "error",
        "test_has_an_odd_error": "failed",
    }
    assert [test["start"] for test in data["outcomes"]] == sorted(test["start"] for test in data["outcomes"])
    assert tests["test_passes"]["board"] == "sim"
    assert (tests["test_passes"]["text"], tests["test_is_skipped"]["board"]) == ("", "")
    assert tests["test_is_skipped"]["text"] == "Skipped: not here"
    differs = tests["test_differs"]
    assert any("Access-Control-Allow-Origin" in text for text in differs["differences"])
    assert differs["exchange"]["request"]["headers"] == [["Origin", "https://page.example"]]
    assert differs["exchange"]["response"]["status"] == 200
    assert differs["exchange"]["expected"]["headers"]["Access-Control-Allow-Origin"] == "*"
    long = tests["test_fails_at_length"]
    assert len(long["text"]) < TEXT + 100
    assert "characters left out" in long["text"]
    assert "ValueError: no such lens" in long["console"]
    assert len(long["console"].splitlines()) <= 20
    odd = tests["test_has_an_odd_error"]
    assert (odd["differences"], odd["exchange"]) == ([], None)
    # Where and how.
    assert data["verdict"]["outcome"] == "failed"
    assert "scoped" in data["verdict"]["sentence"]
    selection = data["selection"]
    assert (selection["keyword"], selection["deselected"], selection["collected"]) == ("not deselected", 1, 8)
    assert "--token=***" in data["arguments"]
    assert "hunter2" not in json.dumps(data)
    assert data["host"]["python"].startswith("3.")
    assert len(data["repository"]["commit"]) == 40
    (board,) = data["boards"]
    assert board["notes"]["odd"] == {"a": None, "2": [1, 2], "b": "<class 'object'>", "c": str(10**40), "d": "\\xff"}
    assert board["sensor"] == {"name": "synthetic", "synthetic": True, "error": "this firmware has no camera module"}
    assert (board["application"], len(board["application_sha256"])) == ("app", 64)
    assert "serving http://" in unpacked(board["console"])
    assert "Not correct" in board["answers"]["correct"]
    # What other programs get of it.
    properties = {
        entry.get("name"): entry.get("value") for entry in ElementTree.parse(xml).getroot().iter("property")
    }
    assert properties["sim: own.metric [ms]"] == "1.5"
    assert properties["verdict"] == "failed"
    assert properties["pictures"] == "synthetic"
    assert properties["sim: pictures"] == "synthetic, this firmware has no camera module"
    assert "camrig: failed" in summary.read_text()
    assert "Pictures: synthetic, this firmware has no camera module" in summary.read_text()
    assert "pictures: synthetic, this firmware has no camera module" in ended.out


def test_a_crash_and_its_recovery_are_on_the_timeline(crash, tmp_path):
    ended = crash(SUITE.format(kind="panic"), "--hil-require", "any")
    assert ended.code == 1, ended.out
    data = checked(tmp_path)
    (board,) = data["boards"]
    kinds = [entry["kind"] for entry in board["timeline"]]
    assert kinds[0] == "crash"
    assert "recovery" in kinds
    assert [entry["at"] for entry in board["timeline"]] == sorted(entry["at"] for entry in board["timeline"])
    down, after = data["outcomes"]
    first = board["timeline"][0]
    assert first["test"].endswith("test_goes_down")
    assert down["start"] <= first["at"] <= after["start"]
    assert "Guru Meditation" in first["console"]
    assert "Guru Meditation" in down["console"]
    assert (down["outcome"], after["outcome"]) == ("failed", "passed")


def test_an_interrupted_run_says_so(crash, tmp_path):
    source = "def test_a(dut):\n    pass\ndef test_b(dut):\n    raise KeyboardInterrupt\ndef test_c():\n    pass\n"
    ended = crash(source)
    assert ended.code == 2, ended.out
    data = checked(tmp_path)
    assert data["interrupted"] is True
    assert data["verdict"]["outcome"] == "interrupted"
    assert [(test["test"].rpartition("::")[2], test["outcome"]) for test in data["outcomes"]] == [
        ("test_a", "passed")
    ]
    assert data["boards"][0]["metrics"] == []
    assert "serving http://" in unpacked(data["boards"][0]["console"])


def test_a_blocked_run_has_results_and_summary_that_say_why(crash, tmp_path):
    source = "def test_a(dut):\n    pass\ndef test_b(dut):\n    pass\n"
    summary = tmp_path / "summary.md"
    ended = crash(source, "--device", str(tmp_path / "no-port"), env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert ended.code == 6, ended.out
    data = checked(tmp_path)
    assert data["verdict"]["outcome"] == "blocked"
    assert data["verdict"]["sentence"].count("no-port") == 1
    assert [test["outcome"] for test in data["outcomes"]] == ["blocked"]
    assert data["selection"]["not_run"] == 1
    assert data["boards"] == []
    assert "camrig: blocked" in summary.read_text()


def test_processes_of_xdist_are_one_run_with_one_page_and_one_summary(crash, tmp_path):
    summary, xml = tmp_path / "summary.md", tmp_path / "junit.xml"
    source = "def test_a(dut):\n    pass\ndef test_b(dut):\n    assert False\n"
    words = ("-n", "2", "--junitxml", str(xml), "--hil-report", str(tmp_path / "page.html"))
    ended = crash(source, *words, env={"GITHUB_STEP_SUMMARY": str(summary)})
    assert ended.code == 1, ended.out
    results = tmp_path / "results"
    (file,) = results.glob("run-*.json")
    data = json.loads(file.read_text())
    assert [error.message for error in SCHEMA.iter_errors(data)] == []
    assert sorted(test["outcome"] for test in data["outcomes"]) == ["failed", "passed"]
    assert [board["spec"] for board in data["boards"]] == ["sim", "sim"]
    assert (data["exit_code"], data["interrupted"], data["tests"]["passed"]) == (1, False, 1)
    assert data["correct"] == "Not correct: 1 of 2 tests failed."
    assert summary.read_text().count("camrig: failed") == 1
    assert f"results: {file}" in ended.out
    assert (tmp_path / "page.html").read_text().count("test_b") > 0
    with opened(results / FILE) as connection:
        assert {row.run for row in rows(connection, Filter())} == {1}
    assert len(list(ElementTree.parse(xml).getroot().iter("properties"))) == 3  # of the run and of the tests


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["--api-key", "abc", "x"], ["--api-key", "***", "x"]),
        (["--my-password=a=b"], ["--my-password=***"]),
        (["--TOKEN", "-k", "x"], ["--TOKEN", "-k", "x"]),
        (["-k", "secret", "tests"], ["-k", "secret", "tests"]),
        (["--client-secret"], ["--client-secret"]),
    ],
)
def test_values_of_secret_options_are_hidden(words, kept):
    assert without_secrets(words) == kept


@pytest.fixture
def git(tmp_path, monkeypatch):
    """Runs git in a repository of its own, without settings of whoever runs the tests."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    def call(*words: str) -> str:
        own = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        done = subprocess.run(["git", *own, "-C", str(tmp_path), *words], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    return call


def test_the_repository_is_that_of_the_library(git, tmp_path, monkeypatch):
    library = tmp_path / "lib"
    library.mkdir()
    assert repository(library) is None
    git("init", "-q")
    assert repository(library) is None  # without a commit
    (library / "cors.py").write_text("1\n")
    (tmp_path / ".gitignore").write_text("/ignored/\n")
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert repository(library) == {"commit": commit, "dirty": False}
    (tmp_path / "notes.txt").write_text("not the library's\n")
    assert repository(library) == {"commit": commit, "dirty": False}
    (library / "new.py").write_text("2\n")
    assert repository(library) == {"commit": commit, "dirty": True}
    (library / "new.py").unlink()
    (library / "cors.py").write_text("3\n")
    assert repository(library) == {"commit": commit, "dirty": True}
    ignored = tmp_path / "ignored" / "lib"
    ignored.mkdir(parents=True)
    assert repository(ignored) is None
    assert repository(tmp_path / "none") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert repository(library) is None
