"""A run of several boards: how it ended for each, one sentence, and the boards beside each other."""

from __future__ import annotations

import pytest
from camrig.history.record import run_of
from camrig.report.board_endings import board_endings, board_sentence
from camrig.report.html.page import page
from camrig.report.json_report import TestRecord, data_of
from camrig.report.results_file import checked_results
from camrig.report.side_by_side import columns_of, rows_of, side_by_side_text
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.report.html.test_page import Page
from tests_unit.report.samples import TEXTS, board_report, run_report

OUTCOMES = ("passed", "failed", "error", "skipped", "blocked", "inconclusive", "xfailed", "xpassed")
TESTS = st.lists(st.tuples(st.sampled_from(["left", "right", "attic", ""]), st.sampled_from(OUTCOMES)), max_size=8)


def results(boards, tests, exit_code=1, **fields):
    """Results of a run on ``boards``, of which some may not have been reached; ``tests`` are board and outcome."""
    outcomes = [
        TestRecord(f"t.py::test_{number}[{board}]", outcome, board, 0.0, 0.1, "E   why" * (outcome != "passed"))
        for number, (board, outcome) in enumerate(tests)
    ]
    reports = [board if not isinstance(board, str) else board_report(board, spec=board) for board in boards]
    report = run_report(exit_code=exit_code, boards=reports, outcomes=outcomes, correct="", blocked=[], **fields)
    return checked_results(data_of(report), "a run")


@pytest.mark.parametrize(
    ("endings", "sentence"),
    [
        ({"a": "failed"}, ""),
        ({"a": "passed", "b": "passed"}, "All 2 boards passed"),
        ({"a": "passed", "b": "failed"}, "Of 2 boards, b failed, 1 passed"),
        ({"a": "failed", "b": "failed", "c": "failed"}, "Of 3 boards, a, b and c failed"),
        (
            {"a": "blocked", "b": "failed", "c": "inconclusive", "d": "interrupted", "e": "blocked"},
            "Of 5 boards, b failed, a and e were blocked, c was inconclusive, d was interrupted",
        ),
        (
            {str(number): "failed" for number in range(40)} | {"x": "passed"},
            "Of 41 boards, 0, 1, 2, 3, 4, 5 and 34 others failed, 1 passed",
        ),
    ],
)
def test_the_sentence_names_boards_that_failed_or_did_not_run(endings, sentence):
    assert board_sentence(endings) == sentence


@given(TESTS, st.sampled_from(["passed", "failed", "blocked", "inconclusive", "interrupted"]))
def test_each_board_ends_by_its_own_tests(tests, ending):
    endings = board_endings(["left", "right"], tests, ending)
    assert list(endings)[:2] == ["left", "right"]
    assert set(endings) == {"left", "right"} | ({board for board, _ in tests} & {"attic"})
    for board in ("left", "right"):
        own = {outcome for place, outcome in tests if place == board}
        if own & {"failed", "error"}:
            assert endings[board] == "failed"
        elif endings[board] == "passed" and own:
            assert ending != "interrupted"
            assert not own & {"blocked", "inconclusive"}
    assert endings.get("attic", "blocked") in ("blocked", "interrupted")  # it was never reached


def test_verdict_table_page_and_history_say_the_same_of_each_board():
    tests = [("left", "passed"), ("left", "xfailed"), ("right", "passed"), ("right", "failed"), ("attic", "blocked")]
    left = board_report("left", name="left", access_point="ap-1", about="wide lens", known_issues=["left: is known"])
    data = results([left, "right"], tests)
    endings = {"left": "passed", "right": "failed", "attic": "blocked"}
    assert {column.name: column.ending for column in columns_of(data)} == endings
    assert {board.spec: board.ending for board in run_of(data, "x").boards} == endings
    assert data["verdict"]["sentence"].endswith("Of 3 boards, right failed, attic was blocked, 1 passed.")
    assert [board["answers"]["correct"] for board in data["boards"]] == [
        "Correct as far as it was tested: 1 test passed, 1 expected to fail.",
        "Not correct: 1 of 2 tests failed.",
    ]
    text = side_by_side_text(data, 100)
    assert [line.split()[:2] for line in text.splitlines()[3:]] == [[*entry] for entry in endings.items()]
    assert "1 passed, 1 failed as known" in text
    shown = Page(page(data))
    assert [link for link in shown.links if link.startswith("#board-")] == ["#board-left", "#board-right"]
    assert {"board-left", "board-right"} <= set(shown.ids)
    for words in ("wide lens", "ap-1", "left: is known", "on right (1)", "Boards side by side"):
        assert words in shown.text


def test_one_board_has_no_table_beside_itself():
    data = results(["left"], [("left", "failed")])
    assert side_by_side_text(data, 100) == ""
    assert "Boards side by side" not in page(data)
    assert "Of 1" not in data["verdict"]["sentence"]


@given(TEXTS, TEXTS)
def test_any_names_are_shown_beside_each_other(first, second):
    data = results([board_report(first), board_report(second)], [(first, "failed"), (second, "passed")])
    columns = columns_of(data)
    assert all(len(cells) == len(columns) for _, cells in rows_of(columns))
    side_by_side_text(data, 80)
    page(data)
