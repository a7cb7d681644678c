"""``camrig soak`` on the virtual board."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.bringup.board_run import BoardRun
from camrig.cli.main import main
from camrig.history.store import FILE, opened
from camrig.report.results_file import read_results
from camrig.settings.resolve import resolve
from camrig.soak.metrics import record
from camrig.soak.outcome import checks
from camrig.soak.run import SoakRun
from camrig.soak.session import Soak, SoakOptions
from camrig.steps import Steps

from benchmarks.application import WIFI as WIFI_OF_BENCH
from benchmarks.worse import GRANTS_NOTHING, LEAKS_OBJECTS, PLAIN, worse_library
from tests_unit.conftest import ROOT

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
KINDS = {
    "preflight",
    "actual",
    "preflight_refused",
    "actual_refused",
    "picture",
    "stream",
    "error",
    "preflight_unseen",
}


@pytest.fixture
def soak(run, tmp_path):
    """Runs the command for ``time``, and gives its end and its results."""

    def call(time: str, *options: str, **keywords):
        results = tmp_path / "results"
        words = ("--rate", "400", "--hil-results", str(results), "--time", time, *options)
        ended = run("camrig", "soak", *words, env=WIFI, **keywords)
        assert "Traceback" not in ended.out
        assert ended.left_running() == []
        files = list(results.glob("run-*.json"))
        return ended, read_results(files[0]) if files else None

    return call


def test_a_soak_leaves_results_like_those_of_a_run(soak):
    ended, results = soak("8s", "--seed", "3")
    assert results["arguments"][:3] == ["camrig", "soak", "--rate"]
    page = re.search(r"^page: (.*)$", ended.out, re.MULTILINE)[1]
    assert "<code>camrig soak --rate 400 " in Path(page).read_text()
    assert ended.code == results["exit_code"]
    assert ended.code == (7 if "Leak: not decided" in ended.out else 0), ended.out
    (board,) = results["boards"]
    metrics = {metric["name"]: metric for metric in board["metrics"]}
    for kind in KINDS:
        assert metrics[f"soak.latency.{kind}.total"]["unit"] == "ms"
        assert metrics[f"soak.latency.{kind}.on_board"]["n"] > 0
    assert metrics["soak.latency.preflight.drift"]["unit"] == "ms/h"
    assert metrics["soak.heap.free"]["median"] > 1_000_000
    note = board["notes"]["soak"]
    assert note["seed"] == 3
    assert note["requests"] == sum(kind["n"] for window in note["windows"] for kind in window["kinds"].values())
    controls = sum(window["kinds"].get("control", {"n": 0})["n"] for window in note["windows"])
    assert abs(note["requests"] / 2 - controls) <= 1
    assert "Correct: all " in ended.out
    assert "more on the board" in ended.out
    assert "[VIRTUAL BOARD: no figure of hardware]" in ended.out
    assert results["tests"]["passed"] >= len(KINDS)


def test_ctrl_c_ends_a_soak_with_what_it_has(soak):
    ended, results = soak("1h", when=("ready  ", lambda process: process.send_signal(signal.SIGINT)))
    assert ended.code == 2, ended.out
    assert "interrupted: the results are being written; Ctrl-C again stops at once" in ended.out
    assert results["exit_code"] == 2


def test_what_was_measured_before_ctrl_c_is_in_the_results(faulty, tmp_path, monkeypatch, capsys):
    virtual = faulty(wifi_ssid=WIFI_OF_BENCH.ssid, wifi_password=WIFI_OF_BENCH.password)
    settings = replace(resolve({}, {}, ROOT), wifi=WIFI_OF_BENCH, device=(virtual.path,), results=tmp_path)

    def interrupted(soak):
        if soak._rounds == 2:
            signal.raise_signal(signal.SIGINT)
        return True

    monkeypatch.setattr(Soak, "_may_go_on", interrupted)
    assert SoakRun(settings, SoakOptions(3600, 1000), Steps()).run(100) == 2
    (path,) = tmp_path.glob("run-*.json")
    (board,) = read_results(path)["boards"]
    assert board["notes"]["soak"]["requests"] == 2 * 2 * len(
        [m for m in board["metrics"] if ".total" in m["name"]][1:]
    )
    out = capsys.readouterr().out
    assert "Interrupted after " in out
    assert f"page: {path.with_suffix('.html')}" in out
    with opened(tmp_path / FILE) as connection:
        assert connection.execute("SELECT ending FROM runs").fetchall() == [("interrupted",)]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_ctrl_c_stops_at_once(faulty, tmp_path, monkeypatch):
    virtual = faulty(wifi_ssid=WIFI_OF_BENCH.ssid, wifi_password=WIFI_OF_BENCH.password)
    settings = replace(resolve({}, {}, ROOT), wifi=WIFI_OF_BENCH, device=(virtual.path,), results=tmp_path)
    monkeypatch.setattr(Soak, "_may_go_on", lambda soak: signal.raise_signal(signal.SIGINT))
    monkeypatch.setattr(SoakRun, "_checks", lambda soak_run: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        SoakRun(settings, SoakOptions(3600, 1000), Steps()).run(100)
    assert not list(tmp_path.glob("run-*"))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_service_manager_ends_a_soak_as_ctrl_c_does(soak):
    ended, results = soak("1h", when=("ready  ", lambda process: process.terminate()))
    assert ended.code == results["exit_code"] == 2, ended.out


def test_a_crash_fails_the_soak_which_goes_on(soak, faulty):
    board = faulty("guru@request*100", wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    ended, results = soak("8s", "--device", board.path)
    assert ended.code == 1, ended.out
    assert "Not correct: the firmware crashed (Guru Meditation" in ended.out
    (report,) = results["boards"]
    assert [crash["between"] for crash in report["crashes"]] == [False]
    assert report["recovery"]
    assert report["notes"]["soak"]["requests"] > 0


def test_a_supply_that_fails_blocks_and_fails_nobody(soak, faulty):
    board = faulty("brownout@request*100", wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    ended, _ = soak("8s", "--device", board.path)
    assert ended.code == 6, ended.out
    assert "Not decided: the firmware crashed (Brownout detector was triggered)" in ended.out


def test_a_board_that_dies_for_good_ends_the_soak_as_blocked(soak, faulty):
    board = faulty("port-lost@request*900", wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    ended, results = soak("1h", "--device", board.path)
    assert ended.code == 6, ended.out
    assert results["blocked"]
    assert results["boards"][0]["notes"]["soak"]["requests"] > 0


@pytest.mark.parametrize(("change", "outcome"), [(PLAIN, {"passed", "inconclusive"}), (LEAKS_OBJECTS, {"failed"})])
def test_a_leak_fails_the_soak_and_an_even_heap_does_not(faulty, tmp_path, monkeypatch, change, outcome):
    virtual = faulty(wifi_ssid=WIFI_OF_BENCH.ssid, wifi_password=WIFI_OF_BENCH.password)
    settings = replace(resolve({}, {}, ROOT), wifi=WIFI_OF_BENCH, lib=worse_library(tmp_path / "copy", change))
    board_run = BoardRun(virtual.path, Steps())
    with board_run.reserved(settings) as board:
        soak = Soak(board_run, board, board_run.boot(board), SoakOptions(3600, 1000))
        monkeypatch.setattr(soak, "_may_go_on", lambda: soak._rounds < 40)  # however fast this machine is
        monkeypatch.setattr(soak.course, "is_due", lambda now: True)
        soak.run()
        record(soak, board_run.recorder)
    made = checks(list(soak.course.totals), soak.wrong, soak.incidents, "", board_run.recorder.metrics)
    assert {check.outcome for check in made if check.name == "no memory is leaked"} <= outcome
    assert {check.outcome for check in made if check.name != "no memory is leaked"} == {"passed"}


def test_wrong_answers_fail_the_soak_and_are_named(soak, tmp_path):
    ended, results = soak("3s", "--hil-lib", str(worse_library(tmp_path / "mute", GRANTS_NOTHING)))
    assert ended.code == 1, ended.out
    assert "Not correct: " in ended.out
    assert results["tests"]["failed"] >= 3
    assert "failed: answers of preflight: a preflight: CORS-preflight fetch, step 7" in ended.out


def test_another_application_is_soaked_with_a_page_of_the_rig(run, tmp_path):
    words = ("camrig", "soak", "--time", "3s", "--rate", "400", "--hil-results", str(tmp_path))
    ended = run(*words, cwd=ROOT / "examples" / "own-firmware", env={**WIFI, "PYTHONPATH": str(ROOT / "rig")})
    assert ended.code in (0, 7), ended.out  # so short a soak may not decide
    assert "the application has no /api/status: a page of the rig stands in for it" in ended.out
    assert "Correct: all " in ended.out


def test_an_application_without_a_server_is_not_soaked(run, tmp_path):
    words = ("camrig", "soak", "--time", "8s", "--hil-results", str(tmp_path))
    ended = run(*words, cwd=ROOT / "examples" / "serial-only", env={**WIFI, "PYTHONPATH": str(ROOT / "rig")})
    assert ended.code == 6, ended.out
    assert ended.out.count("so no agent tells its policy, heap and times on the board") == 1, ended.out
    assert "after 0 s" not in ended.out


def test_without_a_board_the_soak_is_blocked_and_says_so_in_results(soak):
    ended, results = soak("8s", "--device", "/dev/nowhere")
    assert ended.code == results["exit_code"] == 6
    assert results["boards"] == []
    assert "there is no port /dev/nowhere" in results["blocked"][0]


@pytest.mark.parametrize("words", [["--time", "2"], ["--time", "0s"], ["--rate", "0"], ["--rate", "nan"]])
def test_a_wrong_option_is_one_sentence(words, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["soak", *words])
    assert f"argument {words[0]}: {words[1]} " in capsys.readouterr().err


def test_several_boards_need_several_soaks(capsys):
    assert main(["soak", "--device", "sim", "--device", "sim:slow-chip"]) == 4
    assert "soak takes one --device. Start it once for each board" in capsys.readouterr().err
