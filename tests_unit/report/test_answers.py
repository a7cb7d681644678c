"""The three sentences above the figures, and the table that fits a terminal."""

from __future__ import annotations

import re

import pytest
from camrig.measure.recorder import Recorder
from camrig.report.answers import correctness, cost, leak
from camrig.report.metrics_table import metrics_table
from camrig.report.step_table import step_table
from camrig.report.summary import MAIN_METRICS, OF_THE_SUITE, ROWS, main_metrics
from camrig.steps import Step

from tests_unit.conftest import ROOT

NAMED = re.compile(r"\bmeasure\(f?\"([a-z_.]+)")


@pytest.mark.parametrize(
    ("tests", "sentence"),
    [
        ({"passed": 396}, "Correct: all 396 tests passed."),
        ({"passed": 1}, "Correct: 1 test passed."),
        ({"passed": 3, "deselected": 393}, "Correct as far as it was tested: 3 tests passed, 393 not selected."),
        ({"passed": 3, "skipped": 1}, "Correct as far as it was tested: 3 tests passed, 1 skipped."),
        ({"passed": 3, "xfailed": 2}, "Correct as far as it was tested: 3 tests passed, 2 expected to fail."),
        ({"passed": 390, "failed": 6}, "Not correct: 6 of 396 tests failed."),
        ({"failed": 1, "blocked": 35}, "Not correct: 1 of 1 test failed, 35 did not run."),
        ({"skipped": 5}, "Not decided: no test ran."),
        ({"blocked": 36}, "Not decided: 36 tests did not run."),
        ({}, "Not decided: no test ran."),
    ],
)
def test_the_first_sentence_says_whether_the_library_is_correct(tests, sentence):
    assert correctness(tests) == sentence


@pytest.mark.parametrize("outcome", ["blocked", "error", "inconclusive", "not_run"])
def test_a_test_that_did_not_run_is_never_a_pass(outcome):
    assert correctness({"passed": 7, outcome: 2, "skipped": 1}) == "Not decided: 7 tests passed, 2 did not run."


def test_the_second_sentence_says_what_cors_costs():
    recorder = Recorder()
    assert cost(recorder.metrics) == "Cost: not measured by the tests that ran."
    recorder.record("heap.import.microdot.cors", 4448, "B")
    assert cost(recorder.metrics) == "Cost: the library's import keeps 4,448 B."
    recorder.record("latency.preflight.on_board", [3.5, 3.75, 4.0], "ms")
    assert cost(recorder.metrics) == "Cost: the library's import keeps 4,448 B."
    recorder.record("latency.control.without_cors.on_board", [1.25, 1.5, 1.75], "ms")
    recorder.record("heap.preflight.added", 1216, "B")
    assert cost(recorder.metrics) == (
        "Cost: a preflight takes 2.25 ms more on the board (3.75 ms) and allocates 1,216 B more than the same request"
        " without CORS; the library's import keeps 4,448 B."
    )


FILLED = [60_000 + 320 * min(n, 15) for n in range(60)]  # a cache that filled and stopped
LEVEL, RISING = [60_000] * 26, [60_000 + 320 * n for n in range(26)]


@pytest.mark.parametrize(
    ("series", "free", "sentence"),
    [
        ([], 1600, "Leak: not looked for by the tests that ran."),
        ([LEVEL], 1600, "Leak: none in 1 series of requests, at most 0 B/request."),
        ([LEVEL, LEVEL], None, "Leak: none in 2 series of requests, at most 0 B/request."),
        ([FILLED], None, "Leak: none in 1 series of requests, at most 0 B/request."),
        ([RISING], None, "Leak: heap.s0 16 B/request (16 to 16)."),
        (
            [LEVEL, RISING],
            1600,
            "Leak: heap.s1 16 B/request (16 to 16); the 1,600 B free last for at least 100 and at most 100 requests.",
        ),
        ([LEVEL[:21] + [61_600] * 5, LEVEL], 1600, "Leak: not decided, heap.s0 0 B/request (0 to 4.21)."),
        ([[60_000, 60_320]], 1600, "Leak: not decided, heap.s0 16 B/request (unbounded to unbounded)."),
    ],
)
def test_the_third_sentence_says_whether_bytes_stay(series, free, sentence):
    recorder = Recorder()
    for number, points in enumerate(series):
        recorder.record(f"heap.s{number}", points, "B/request", at=[20 * n for n in range(len(points))])
    if free is not None:
        recorder.record("heap.free", free, "B")
    assert leak(recorder.metrics) == sentence


def metrics_named(names):
    recorder = Recorder()
    for name in names:
        recorder.record(name, [float(value) for value in range(1_000_000, 1_000_200)], "B/request")
    return recorder.metrics


def test_the_users_own_metrics_have_the_first_rows():
    suite = [*(f"heap.import.module{number}" for number in range(20)), "camera.picture.bytes"]
    names = [*suite, *MAIN_METRICS, "boot.time", "motor.rpm"]
    assert [metric.name for metric in main_metrics(metrics_named(names))] == [
        "boot.time",
        "motor.rpm",
        *MAIN_METRICS[: ROWS - 2],
    ]
    few = metrics_named(names[: ROWS - 1])
    assert main_metrics(few) == few


def test_every_figure_of_the_suite_is_known_as_one():
    names = [name for path in (ROOT / "tests_hil").rglob("*.py") for name in NAMED.findall(path.read_text())]
    assert len(names) > 10
    assert [name for name in names if not name.startswith(OF_THE_SUITE)] == []


@pytest.mark.parametrize("columns", range(20, 121, 5))
@pytest.mark.parametrize("names", [["boot"], MAIN_METRICS, ["latency.control.without_cors.first_byte"] * 2])
def test_a_table_has_one_line_a_row_and_fits_from_40_columns_on(columns, names):
    metrics = metrics_named(dict.fromkeys(names))
    lines = metrics_table(metrics, columns).splitlines()
    assert len([line for line in lines if "1,000," in line]) == len(metrics)
    assert columns < 40 or max(map(len, lines)) <= columns
    assert all("1,000,100" in line for line in lines if "…" in line or "boot" in line)


@pytest.mark.parametrize(
    ("longest", "names"), [(0, ["deploy", "reset", "build", "all"]), (2, ["deploy", "reset", "all"])]
)
def test_the_steps_of_the_chain_are_summed_up(longest, names):
    steps = [Step("build", 0.5, "", True), Step("deploy", 6.0, "", True), Step("reset", 1.0, "", True)]
    table = step_table([*steps, Step("reset", 2.5, "again", False)], longest, 80)
    rows = [line.split() for line in table.splitlines() if line.split()[:1] and line.split()[0] in names]
    assert [row[0] for row in rows] == names
    assert rows[1] == ["reset", "2", "3.50", "2.50", "35", "%"]
    assert rows[-1] == ["all", "10.00"]
