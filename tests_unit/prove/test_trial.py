"""What a command's exit code and output say of a fault, which tests are tried, and what cannot be tried."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from camrig.cli.prove import exit_code, record, rendered, selected
from camrig.errors import BlockedError, SettingsError
from camrig.prove.faulty_copy import Change, changed_library, demand_compiles
from camrig.prove.outcome import METRICS, judged_by_metrics, judged_by_tests
from camrig.prove.trial import CATALOGUE, KINDS, Suite, Trials, find_tests

LIBRARY = Path("lib")
FAULTS = {fault.kind: fault for fault in CATALOGUE}
VARY = next(fault for fault in CATALOGUE if fault.name == "vary is missing")
FAILED_VARY = "FAILED tests/test_cors.py::test_vary - AssertionError"
FAILED_REASON = "FAILED tests/test_a.py::test_b - CorsMismatchError: Vary is missing where 'Origin' is expected"
FAILED_CRASH = "FAILED tests/test_a.py::test_b - board crashed"
TESTS = (
    (VARY, 0, "", "missed", 1),
    (VARY, 1, FAILED_VARY, "caught", 0),
    (VARY, 1, FAILED_REASON, "caught", 0),
    (VARY, 1, f"{FAILED_CRASH}\n{FAILED_VARY}", "caught", 0),
    (VARY, 1, FAILED_CRASH, "wrong reason", 1),
    (VARY, 1, "FAILED tests/test_cors.py::test_origin - AssertionError", "wrong reason", 1),
    (VARY, 1, "ERROR tests/test_cors.py::test_vary - no board", "wrong reason", 1),
    (VARY, 2, "Interrupted", "wrong reason", 1),
    (VARY, 6, "camrig: no board", "blocked", 6),
    (FAULTS["harmless"], 0, "", "passed", 0),
    (FAULTS["harmless"], 1, FAILED_VARY, "false alarm", 1),
)
COMPARISONS = (
    ("time", 0, "", "missed", 1),
    ("time", 1, "latency.preflight.added: regressed: +30%", "caught", 0),
    ("time", 1, "heap.preflight.allocated: regressed: +64 B", "wrong reason", 1),
    ("bytes", 1, "heap.preflight.allocated: regressed: +64 B", "caught", 0),
    ("bytes", 1, "heap.leak_slope: regressed: 8 B", "wrong reason", 1),
    ("leaks", 1, "heap.leak_slope: regressed: 8 B", "caught", 0),
    ("leaks", 1, "camrig: the candidate answers wrongly", "wrong reason", 1),
    ("leaks", 7, "heap.leak_slope: inconclusive: 8 B", "inconclusive", 7),
    ("leaks", 7, "latency.first.on_board: inconclusive: 1 %", "missed", 1),
    ("bytes", 7, "heap.actual.allocated: inconclusive: 1 B", "inconclusive", 7),
    ("bytes", 6, "camrig: no board", "blocked", 6),
    ("harmless", 0, "", "passed", 0),
    ("harmless", 1, "heap.leak_slope: regressed: 8 B", "false alarm", 1),
    ("harmless", 7, "heap.leak_slope: inconclusive: 8 B", "inconclusive", 0),
)


@pytest.mark.parametrize(("fault", "code", "text", "result", "expected"), TESTS)
def test_tests_find_a_fault_if_one_that_names_it_fails(fault, code, text, result, expected):
    check(judged_by_tests(fault, code, text), result, expected)


@pytest.mark.parametrize(("kind", "code", "text", "result", "expected"), COMPARISONS)
def test_a_comparison_finds_a_cost_if_a_metric_of_its_kind_regresses(kind, code, text, result, expected):
    check(judged_by_metrics(FAULTS[kind], code, text), result, expected)


def check(outcome, result, expected):
    assert outcome.result == result
    assert exit_code([outcome]) == expected
    assert outcome.fault.name in rendered([outcome])
    assert json.loads(json.dumps(record(outcome)))["result"] == result


def test_every_failed_test_that_names_the_fault_is_recorded():
    outcome = judged_by_tests(VARY, 1, f"{FAILED_CRASH}\n{FAILED_VARY}\n{FAILED_REASON}")
    assert record(outcome)["evidence"] == [FAILED_VARY[7:], FAILED_REASON[7:]]


def test_a_quick_run_has_faults_of_each_kind():
    assert {fault.kind for fault in selected(None, quick=True)} == set(KINDS)
    assert len(selected(None, quick=True)) <= 3 * len(KINDS)
    assert {fault.kind for fault in selected("time", quick=False)} == {"time"}
    for kind in KINDS:
        assert selected(kind, quick=True)


def test_faults_of_behaviour_are_for_a_library_that_passes_the_tests():
    assert {fault.kind for fault in selected(None, quick=False, is_tested=False)} == set(KINDS) - {"behaviour"}


def test_costs_are_judged_by_metrics_and_behaviour_by_tests():
    assert set(KINDS) - set(METRICS) == {"behaviour", "harmless"}


@pytest.mark.parametrize("source", ["class CORS\n", "x = (\n", "def f():\nreturn 1\n", b"\xff\xfe"])
def test_a_library_that_does_not_compile_is_one_sentence(tmp_path, source):
    path = tmp_path / "microdot/cors.py"
    path.parent.mkdir()
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    with pytest.raises(SettingsError, match="does not compile"):
        demand_compiles(tmp_path)


def test_a_folder_without_a_library_is_one_sentence(tmp_path):
    for function in (demand_compiles, lambda folder: changed_library(folder, tmp_path / "copy", Change())):
        with pytest.raises(SettingsError, match=r"has no microdot/cors\.py"):
            function(tmp_path)


def pytest_that_returns(monkeypatch, *codes):
    """Stands in for pytest's collection; the commands that were run."""
    commands, left = [], list(codes)

    def run(command, **_options):
        commands.append(command)
        return SimpleNamespace(returncode=left.pop(0), stdout="ImportError: no module named x\n", stderr="")

    monkeypatch.setattr("camrig.prove.trial.subprocess.run", run)
    return commands


def test_functional_tests_are_preferred(monkeypatch, tmp_path):
    commands = pytest_that_returns(monkeypatch, 0)
    assert find_tests([str(tmp_path)]) == ("-m", "functional")
    assert str(tmp_path) in commands[0]


def test_all_tests_are_tried_where_none_is_marked(monkeypatch):
    pytest_that_returns(monkeypatch, 5, 0)
    assert find_tests([]) == ()


@pytest.mark.parametrize(("codes", "words"), [((5, 5), "has no tests"), ((2,), "cannot collect.*no module named x")])
def test_a_folder_without_tests_is_one_sentence(monkeypatch, tmp_path, codes, words):
    pytest_that_returns(monkeypatch, *codes)
    with pytest.raises(SettingsError, match=words):
        find_tests([str(tmp_path)])


def test_a_folder_that_does_not_exist_is_one_sentence(tmp_path):
    with pytest.raises(SettingsError, match="does not exist"):
        find_tests([str(tmp_path / "nowhere")])


def ending(monkeypatch, *ends):
    """Trials whose commands end with these exit codes and outputs."""
    left = list(ends)
    trials = Trials(Suite(LIBRARY))
    monkeypatch.setattr(trials, "_ended", lambda command: left.pop(0))
    monkeypatch.setattr("camrig.prove.trial.changed_library", lambda library, folder, change: folder)
    return trials


def test_tests_that_fail_without_a_fault_prove_nothing(monkeypatch):
    with pytest.raises(SettingsError, match=r"fail with the library as it is.*test_vary"):
        ending(monkeypatch, (1, FAILED_VARY)).check_clean(FAULTS["harmless"])
    ending(monkeypatch, (0, "")).check_clean(FAULTS["harmless"])


def test_a_rig_that_cannot_run_the_tests_blocks(monkeypatch):
    with pytest.raises(BlockedError, match="no board"):
        ending(monkeypatch, (6, "camrig: no board")).check_clean(FAULTS["harmless"])


def test_a_harmless_change_passes_tests_and_comparison(monkeypatch):
    results = []
    for ends in (((0, ""), (0, "")), ((0, ""), (1, "heap.leak_slope: regressed")), ((1, FAILED_VARY),)):
        trials = ending(monkeypatch, *ends)
        trials.run([FAULTS["harmless"]], lambda outcome, count: None)
        results.append(trials.outcomes[0].result)
    assert results == ["passed", "false alarm", "false alarm"]
