"""Boards of a bench file in a run: names in all that it writes, and what known issues excuse and what never."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from camrig.report.results_file import read_results

BENCH = """
[board.left]
device = "sim"
access_point = "ap-1"
known_issues = [
  { tests = "test_lens", what = "its lens is loose", until = 9999-12-31 },
  { tests = "test_fine", what = "is over", until = 9999-12-31 },
  { tests = "test_late", what = "was late", until = 2020-01-31 },
  { tests = "test_down", what = "it goes down", until = 9999-12-31 },
  { tests = "test_gone", what = "nobody knows it", until = 9999-12-31 },
]
[board.right]
device = "sim"
[board.absent]
device = "socket://127.0.0.1:1"
known_issues = [{ tests = "*", what = "is never there", until = 9999-12-31 }]
"""
SUITE = """
from camrig.errors import BlockedError

def test_fine(dut):
    pass

def test_lens(dut):
    assert dut.session.name == "right", "left has no lens"

def test_late(dut):
    assert dut.session.name == "right"

def test_gone(dut):
    if dut.session.name == "left":
        raise BlockedError("the rig is out of order")

def test_down(dut):
    if dut.session.name == "left":
        dut.request("GET", "/down/panic")
"""


@pytest.fixture
def on_bench(crash, tmp_path):
    def call(*options: str):
        (tmp_path / "camrig.toml").write_text(BENCH)
        (tmp_path / ".git").mkdir(exist_ok=True)
        return crash(SUITE, *options)

    return call


def test_a_run_on_all_boards_of_a_bench(on_bench, tmp_path):
    junit = tmp_path / "junit.xml"
    ended = on_bench("--device", "all", "--junitxml", str(junit))
    (path,) = (tmp_path / "results").glob("run-*.json")
    data = read_results(path)
    outcomes = {test["test"].partition("::")[2]: test for test in data["outcomes"]}
    words = {name: test["outcome"] for name, test in outcomes.items()}
    assert ended.code == 1, ended.out
    assert {name: word for name, word in words.items() if "right" in name} == {
        f"test_{name}[right]": "passed" for name in ("fine", "lens", "late", "gone", "down")
    }
    assert words["test_lens[left]"] == "xfailed"
    assert outcomes["test_lens[left]"]["text"].startswith("known issue of left until 9999-12-31: its lens is loose\n")
    assert "left has no lens" in outcomes["test_lens[left]"]["text"]
    assert words["test_late[left]"] == "failed"  # the issue is over
    assert words["test_gone[left]"] == "blocked"  # a rig that is blocked is never excused
    assert words["test_down[left]"] == "failed"  # nor a board that went down
    assert words["test_fine[absent]"] == "blocked"
    left, right = data["boards"]
    assert (left["spec"], left["name"], left["access_point"], right["name"]) == ("left", "left", "ap-1", "right")
    assert left["known_issues"] == [
        "1 test failed by a known issue of left until 9999-12-31: its lens is loose",
        "left: test_suite.py::test_fine[left] passed in spite of the known issue 'is over' of test_fine: take it out",
        "left: the known issue 'was late' of test_late was to end by 2020-01-31 and excuses nothing since: fix "
        "it, give it a new date, or take it out",
    ]
    assert all(sentence in ended.out for sentence in left["known_issues"])
    assert "Of 3 boards, left failed, absent was blocked, 1 passed." in data["verdict"]["sentence"]
    assert "boards side by side" in ended.out
    cases = {case.get("name"): case for case in ElementTree.parse(junit).iter("testcase")}
    assert "its lens is loose" in cases["test_lens[left]"].find("skipped").get("message")
    properties = {entry.get("name"): entry.get("value") for entry in cases["test_fine[left]"].iter("property")}
    assert properties["name"] == "left"


def test_an_unknown_board_ends_the_run_before_any_test(on_bench):
    ended = on_bench("--device", "lefft")
    assert ended.code == 4
    assert "--device lefft names neither a board of camrig.toml nor a port. Did you mean left?" in ended.out
    assert "Traceback" not in ended.out
