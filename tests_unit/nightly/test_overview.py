"""A night on several boards as one table and one page."""

from __future__ import annotations

import pytest
from camrig.nightly.overview import board_nights, night_page, table
from camrig.report.json_report import TestRecord, write
from camrig.stages.stage import Stage, StageEnd

from tests_unit.report.html.test_page import Page
from tests_unit.report.samples import board_report, run_report

STARTED = "2026-01-02T03:00:00+00:00"


@pytest.fixture
def end(tmp_path):
    """Makes the end of a stage on a board; with outcomes of tests it has left results, and a page."""

    def make(board, name, code, *outcomes, gate=None, reached=True):
        path = None
        if outcomes:
            tests = [
                TestRecord(f"t.py::test_{number}", outcome, board, 1.0, 0.1, "E   why")
                for number, outcome in enumerate(outcomes)
            ]
            if gate:
                tests.append(TestRecord("gate::heap", "passed", board, 2.0, 0.1, ""))
                tests.append(TestRecord("gate::latency", "failed", board, 2.0, 0.1, "regressed"))
            boards = [board_report(board, spec=board)] if reached else []
            report = run_report(exit_code=code, boards=boards, outcomes=tests, blocked=[], gate=gate, correct="")
            path = write(report, tmp_path)
            path.with_suffix(".html").touch()
        return StageEnd(Stage(name, board, [], 1.0), code, 1.0, path, "")

    return make


@pytest.fixture
def ends(end):
    verdict = {"outcome": "regressed", "exit_code": 1, "metrics": [], "false_alarm": 0.01, "false_pass": 0.01}
    verdict["holds"] = True
    return [
        end("left", "suite", 0, "passed", "xfailed"),
        end("right", "suite", 1, "passed", "passed", gate={"baseline": "v1", "verdict": verdict}),
        end("attic", "suite", 1, "failed", "passed"),
        end("cellar", "suite", 6, "blocked", reached=False),
        end("shed", "suite", 6),
        end("left", "soak", 7),
        end("right", "soak", 0),
    ]


BOARDS = ("left", "right", "attic", "cellar", "shed", "barn")


def test_a_row_for_each_board_has_every_stage_and_its_verdict(ends):
    rows = [line.split("   ") for line in table(board_nights(BOARDS, ends)).splitlines()[3:]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["left", "1 passed, 1 failed as known", "–", "inconclusive", "inconclusive"],
        ["right", "2 passed", "regressed against v1", "passed", "failed"],
        ["attic", "1 of 2 failed", "–", "–", "failed"],
        ["cellar", "blocked", "–", "–", "blocked"],
        ["shed", "blocked", "–", "–", "blocked"],
        ["barn", "–", "–", "–", "blocked"],
    ]


def test_the_page_of_a_night_has_all_boards_and_links_to_their_own(ends):
    shown = Page(night_page(BOARDS, ends, 1, STARTED, 3600.0))
    assert (
        "Of 6 boards, right and attic failed, cellar, shed and barn were blocked, left was inconclusive" in shown.text
    )
    assert sum(link.startswith("run-") for link in shown.links) == 4
    assert "regressed against v1" in shown.text
    assert "on attic (1)" in shown.text
    assert not any(link.startswith("#board-") for link in shown.links)


def test_a_night_without_results_has_no_page(end):
    assert night_page(("left",), [end("left", "suite", 6)], 6, STARTED, 1.0) is None
