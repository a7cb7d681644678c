"""Runs that xdist spreads over processes: a part of the samples is never judged, and blocked stays blocked."""

from __future__ import annotations

import pytest
from camrig.plugin.many_processes import joined
from camrig.report.json_report import RunReport, TestRecord


@pytest.mark.parametrize("option", ["--hil-save", "--hil-compare", "--hil-evidence"])
@pytest.mark.parametrize("many", [("-n", "2"), ("--dist", "load", "--tx", "2*popen")])
def test_what_needs_the_whole_run_is_refused(hil, tmp_path, option, many):
    ended = hil(*many, option, str(tmp_path / "all.zip") if option == "--hil-evidence" else "all")
    assert ended.code == 4
    assert (
        "with -n no process has all samples, so there is no baseline, comparison or evidence. Leave out -n."
        in ended.out
    )
    assert "Traceback" not in ended.out
    assert list(tmp_path.iterdir()) == []


def test_n_0_behaves_as_without_xdist(hil, tmp_path):
    assert hil("-n", "0", "--hil-evidence", str(tmp_path / "all.zip"), "--collect-only").code == 0


def test_a_board_that_is_named_belongs_to_one_process(hil, tmp_path):
    ended = hil("-n", "2", "--device", str(tmp_path))
    assert ended.code == 4
    assert "with -n each process would need the board for itself. Leave out -n." in ended.out


def test_what_blocks_in_a_worker_blocks_the_run_and_is_reported(hil):
    ended = hil("-n", "2", "--hil-require", "hardware")
    assert ended.code == 6
    assert "the rig is blocked" in ended.out
    assert ended.out.count("--hil-require=hardware requires a real one. Name a board with --device.") == 1


def part(started: str, seconds: float, *tests: tuple[str, float], **fields: object) -> RunReport:
    outcomes = [TestRecord(name, "passed", "sim", start, 0.5, "") for name, start in tests]
    return RunReport("0.1", f"2026-01-01T00:00:{started}+00:00", seconds, 1, {}, [], [], outcomes=outcomes, **fields)


def test_the_reports_of_processes_are_one_of_all_their_time_and_tests():
    late = part("04", 10.0, ("b", 1.0), ("d", 9.0), interrupted=True)
    early = part("01.5", 6.0, ("a", 0.5), ("c", 5.0))
    run = joined([late, early], 7, {"passed": 4}, "All passed.")
    assert (run.started, run.seconds) == ("2026-01-01T00:00:01.500000+00:00", 12.5)
    assert [(test.test, test.start) for test in run.outcomes] == [("a", 0.5), ("b", 3.5), ("c", 5.0), ("d", 11.5)]
    assert (run.exit_code, run.tests, run.correct, run.interrupted) == (7, {"passed": 4}, "All passed.", True)


def test_what_blocks_several_processes_is_said_once():
    reports = [RunReport("0.1", "2026-01-01T00:00:00+00:00", 1.0, 6, {}, list(text), []) for text in ("ab", "bc")]
    assert joined(reports, 6, {}, "").blocked == ["a", "b", "c"]
