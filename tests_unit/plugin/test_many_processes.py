"""Runs that xdist spreads over processes: a part of the samples is never judged, and blocked stays blocked."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from camrig.cli.main import main
from camrig.errors import SettingsError
from camrig.gate.evidence import boards_of
from camrig.gate.several import side_by_side
from camrig.plugin.fleet import check_processes, is_fleet
from camrig.plugin.many_processes import joined
from camrig.report.json_report import RunReport, TestRecord
from camrig.report.results_schema import fault_of
from camrig.settings.resolve import Settings


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


@pytest.mark.parametrize(
    ("boards", "number", "sentence"),
    [
        (("sim", "sim:2"), 3, "-n 3 is more than the 2 boards of this run"),
        (("sim", "COM3"), 4, "-n 4 is more than the 2 boards of this run"),
        (("sim", "sim:2"), 2, ""),
        (("COM3", "COM4"), 1, ""),
        (("COM3",), 1, ""),
        (("COM3",), 2, "with -n each process would need the board for itself"),
        (("sim",), 8, ""),
        (("COM3",), 0, ""),
    ],
)
def test_no_process_is_without_a_board_of_its_own(boards, number, sentence):
    settings = Settings(device=boards)
    assert is_fleet(settings, number) == (number in range(1, len(boards) + 1))
    if sentence:
        with pytest.raises(SettingsError, match=sentence):
            check_processes(settings, number)
    else:
        check_processes(settings, number)


FLEET = r"""
import os, time
from pathlib import Path

def test_first(dut):
    assert dut.request("GET", "/api/status").status == 200

def test_measured(dut, measure, request):
    start = time.monotonic()
    measure("my.time", [1.0, 2.0], unit="ms")
    if "[sim:3" in request.node.name:
        os._exit(9)
    time.sleep(0.3)
    with Path(__file__).with_name("times").open("a") as file:
        file.write(f"{start} {time.monotonic()} {os.getpid()}\n")

def test_last(dut):
    pass

def test_without_a_board():
    pass
"""


def test_boards_run_side_by_side_and_are_measured_in_turn(crash, tmp_path):
    devices = ("--device", "sim", "--device", "sim:2", "--device", "sim:3", "--device", "sim:none")
    # A file of that name makes pytest start twice. Its processes need to hear of all boards all the same.
    ended = crash(FLEET, *devices, "-n", "3", "--dist", "worksteal", "--maxfail", "9", "--hil-app", "device")
    assert ended.code == 6, ended.out
    (file,) = (tmp_path / "results").glob("run-*.json")
    data = json.loads(file.read_text())
    outcomes = Counter((test["board"], test["outcome"]) for test in data["outcomes"])
    passed, blocked = "passed", "blocked"
    assert outcomes == {
        ("sim", passed): 3,
        ("sim:2", passed): 3,
        ("sim:3", passed): 1,
        ("sim:3", blocked): 1,
        ("sim:none", blocked): 1,
        ("", passed): 1,
    }
    assert sorted(board["spec"] for board in data["boards"]) == ["sim", "sim:2"]
    assert (data["exit_code"], data["verdict"]["outcome"], data["selection"]["not_run"]) == (6, "blocked", 3)
    assert len(data["blocked"]) == 2
    assert "sim:3: the process of this board ended while it ran test_suite.py::test_measured[sim:3]" in ended.out
    assert "not run: 3 tests that need the board" in ended.out
    lines = [line.split() for line in (tmp_path / "times").read_text().splitlines()]
    (first, second) = sorted((float(start), float(end), process) for start, end, process in lines)
    assert first[1] <= second[0]
    assert first[2] != second[2]


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


JUDGED = """
import os

def test_serves(dut):
    assert dut.request("GET", "/api/status").status == 200

def test_bytes(dut, measure, request):
    is_worse = os.environ.get("WORSE") and "[sim:2]" in request.node.name
    measure("my.bytes", [150.0 if is_worse else 100.0] * 5, unit="B")
"""


def test_each_board_is_judged_by_its_own_baseline_and_evidence_is_one(crash, tmp_path, capsys):
    (tmp_path / "camrig.toml").write_text('[limits]\n"my.bytes" = "+10 B"\n')
    evidence, page = tmp_path / "all.zip", tmp_path / "page.html"
    words = ("--device", "sim", "--device", "sim:2", "-n", "auto", "--hil-baselines", str(tmp_path))
    assert crash(JUDGED, *words, "--hil-save", "night").code == 0
    assert sorted(path.name for path in tmp_path.glob("night*")) == ["night@sim%3A2.json", "night@sim.json"]
    judging = ("--hil-compare", "night", "--hil-evidence", str(evidence), "--hil-report", str(page))
    ended = crash(JUDGED, *words, *judging, env={"WORSE": "1"})
    assert ended.code == 1, ended.out
    assert "regressed: my.bytes: +50 B" in ended.out
    assert ended.out.count("gate::my.bytes[sim:2]") >= 1
    assert f"evidence: {evidence}" in ended.out
    file = max((tmp_path / "results").glob("run-*.json"))
    data = json.loads(file.read_text())
    outcomes = {board: verdict["outcome"] for board, verdict in data["gate"]["boards"].items()}
    assert outcomes == {"sim": "pass", "sim:2": "regressed"}
    assert data["gate"]["verdict"]["outcome"] == "regressed"
    assert [(row["board"], row["outcome"]) for row in data["gate"]["verdict"]["metrics"]] == [*outcomes.items()]
    assert fault_of(data) == ""
    assert boards_of(evidence) == {"sim": "sim", "sim:2": "sim%3A2"}
    assert main(["verdict", str(evidence)]) == 1
    assert capsys.readouterr().out.count("my.bytes: ") == 2
    assert page.read_text().count("MicroPython 1.") >= 2


VERDICT = {"metrics": [{"metric": "a"}], "false_alarm": 0.01, "false_pass": 0.03, "holds": True}


@pytest.mark.parametrize(
    ("outcomes", "worst", "code"),
    [
        (["pass", "pass"], "pass", 0),
        (["pass", None], "blocked", 6),
        ([None, "regressed"], "regressed", 1),
        (["inconclusive", None], "blocked", 6),
        (["inconclusive", "pass"], "inconclusive", 7),
        (["blocked", "regressed"], "regressed", 1),
    ],
)
def test_a_board_without_a_verdict_lets_no_run_pass(outcomes, worst, code):
    verdicts = [outcome and {**VERDICT, "outcome": outcome} for outcome in outcomes]
    data = side_by_side("night", dict(zip("ab", verdicts, strict=True)))
    assert (data["verdict"]["outcome"], data["verdict"]["exit_code"]) == (worst, code)


def test_a_run_of_undecided_boards_has_none():
    assert side_by_side("night", {"a": None, "b": None})["verdict"] is None
