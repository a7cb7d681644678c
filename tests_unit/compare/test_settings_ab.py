"""Two settings of an application on the virtual board, and what the command says of others."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import pytest
from camrig.bringup.board import Board
from camrig.cli.main import main
from camrig.compare.settings_ab import demand_power_save, settings_boots, settings_session
from camrig.compare.side_settings import differing, find_settings
from camrig.compare.whole_metrics import BOOT, FREE, IDF_LOWEST, MEASURED_WHOLE, usual_limits, whole_limits
from camrig.errors import BlockedError, CandidateError, SettingsError
from camrig.gate.limits import parse_limits
from camrig.gate.verdict import Outcome
from camrig.settings.resolve import Settings, resolve

from benchmarks.application import WIFI
from tests_unit.compare.simulated_boots import PROVENANCE
from tests_unit.conftest import ROOT

LIB = str(ROOT / "lib")
ENVIRONMENT = {"CAMRIG_WIFI_SSID": WIFI.ssid, "CAMRIG_WIFI_PASSWORD": WIFI.password}
SETTINGS_THAT_ACT = """
    if settings["broken"]:
        raise ValueError("broken by a setting")

    @app.before_request
    async def act(request):
        import time

        time.sleep_ms(settings["slow_ms"] if not request.path.startswith("/rig/") else 0)
        bytearray(settings["bytes"])
"""
ACTS = {"slow_ms": 0, "bytes": 64, "broken": False, "power_save": False}


@pytest.fixture
def application(tmp_path):
    """The application with settings that slow it down, take memory, and break it."""
    folder = tmp_path / "device"
    shutil.copytree(ROOT / "device", folder, ignore=shutil.ignore_patterns("__pycache__"))
    source = (folder / "main.py").read_text()
    line = "    app = create_app(settings)\n"
    assert source.count(line) == 1
    (folder / "main.py").write_text(source.replace(line, line + SETTINGS_THAT_ACT))
    (folder / "camrig.json").write_text(json.dumps(ACTS))
    return folder


@pytest.fixture
def write(tmp_path):
    """``write(changes)``: the name of a file with them."""

    def call(changes, name="candidate.json"):
        (tmp_path / name).write_text(json.dumps(changes))
        return str(tmp_path / name)

    return call


@pytest.fixture
def measure(faulty, application, write):
    """``measure(limits, candidate, baseline)``: the session of a few pairs of boots, and its boots."""

    def call(limits, candidate, baseline=None, pairs=2):
        board = faulty(wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)
        settings = replace(resolve({}, {}, ROOT), wifi=WIFI, lib=ROOT / "lib", app=application)
        files = write(candidate), baseline and write(baseline, "baseline.json")
        sides = dict(zip("ab", (find_settings(application, file) for file in files), strict=True))
        differences = differing(*sides.values())
        with Board(board.path, settings) as opened:
            boots = settings_boots(opened, sides, differences, parse_limits(limits))
            session = settings_session(boots, differences, parse_limits(limits), pairs=pairs)
            session.run()
            return session, boots

    return call


def test_bytes_of_one_setting_regress_and_only_these(measure):
    limits = {"heap.actual.allocated": "+0 B", "heap.alive": "+512 B", "heap.idf.lowest": "-1 B"}
    session, boots = measure(limits, {"bytes": 1088, "power_save": True})
    assert boots.losses == ""
    assert [boots.provenances[side].power_save for side in "ab"] == [1, 0]
    comparison = session.comparison()
    metrics = {metric.metric: metric for metric in comparison.decide().metrics}
    assert metrics["heap.actual.allocated"].outcome is Outcome.REGRESSED
    assert metrics["heap.actual.allocated"].effect.value == pytest.approx(1024, abs=32)
    assert metrics["heap.alive"].outcome is metrics["heap.idf.lowest"].outcome is Outcome.PASS
    recorded = comparison.candidate.metrics
    assert set(MEASURED_WHOLE) - {name for name in MEASURED_WHOLE if name.endswith(".tail")} - set(recorded) == {
        name for name in MEASURED_WHOLE if name.endswith(".allocated") and name not in limits
    }
    assert len(recorded["latency.picture.total"].batches) == 2
    assert 0 < recorded[BOOT].values[0] < 60


@pytest.mark.parametrize(("candidate", "baseline", "error"), [
    ({"broken": True}, None, CandidateError), ({}, {"broken": True}, BlockedError),
])  # fmt: skip
def test_a_candidate_that_does_not_boot_fails_and_a_baseline_blocks(measure, candidate, baseline, error):
    with pytest.raises(error, match=r"with the settings of .*: main\.py raised at boot: ValueError") as raised:
        measure({FREE: "-1 B"}, candidate, baseline)
    assert type(raised.value).exit_code == error.exit_code == (1 if error is CandidateError else 6)


def test_power_save_that_the_board_does_not_switch_blocks(measure, application):
    source = (application / "main.py").read_text()
    (application / "main.py").write_text(source.replace('sleeps=settings["power_save"]', "sleeps=False"))
    with pytest.raises(BlockedError, match="the board reports the modes 0 and 0 of its radio"):
        measure({FREE: "-1 B"}, {"power_save": True})


def test_a_setting_that_slows_requests_regresses(run, application, write, tmp_path):
    (tmp_path / "camrig.toml").write_text('[limits]\nlatency.actual.on_board = "+10%"\n')
    options = ("--candidate-settings", write({"slow_ms": 3, "power_save": True}), "--hil-lib", LIB)
    evidence = ("--hil-evidence", str(tmp_path / "e.zip"), "--hil-app", str(application))
    ended = run("camrig", "ab", *options, *evidence, env=ENVIRONMENT, cwd=tmp_path)
    assert ended.code == 1, ended.out
    assert re.search(r"^latency\.actual\.on_board: regressed: \+\d", ended.out, re.MULTILINE)
    assert re.search(r"^  slow_ms  3 instead of 0$", ended.out, re.MULTILINE)
    assert "compared: different Wi-Fi power-save modes: 1 and 0\n" in ended.out
    assert ended.out.count("\nreset ") == 2  # the steps of the first boots only
    assert ended.left_running() == []
    again = run("camrig", "verdict", str(tmp_path / "e.zip"))
    assert again.code == 1
    assert "the verdict is the one that its samples and limits give" in again.out
    assert "compared: different settings of app.slow_ms: 3 and 0" in again.out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "there is nothing to compare. Give --candidate and --baseline, --candidate-settings, or"),
        (["--candidate", LIB], "there is nothing to compare"),
        (["--candidate", LIB, "--candidate-settings", "x.json"], "are compared one at a time"),
        (["--candidate-settings", "x.json", "--baseline-firmware", "x.bin"], "are compared one at a time"),
        (["--candidate-firmware", "x.bin"], "there is nothing to compare"),
        (["--candidate-settings", "none.json"], "there is no file of settings none.json"),
        (["--candidate-settings", "same.json"], "there is nothing to compare"),
        (["--candidate-settings", "same.json", "--baseline-settings", "same.json"], "there is nothing to compare"),
        (["--baseline-settings", "typo.json"], "did you mean power_save"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(tmp_path, monkeypatch, capsys, options, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "same.json").write_text('{"power_save": false}')
    (tmp_path / "typo.json").write_text('{"power_safe": true}')
    assert main(["ab", *options, "--hil-app", str(ROOT / "device"), "--hil-lib", LIB]) == 4
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("modes", "compared", "words"),
    [
        ((1, 0), True, None),
        ((0, 0), False, None),
        ((None, None), False, None),
        ((0, 0), True, "the board reports the modes 0 and 0"),
        ((None, None), True, "unknown and unknown"),
        ((1, None), True, "1 and unknown"),
        ((1, 0), False, "although no setting power_save does"),
    ],
)
def test_power_save_must_differ_exactly_where_it_is_compared(modes, compared, words):
    provenances = {side: replace(PROVENANCE, power_save=mode) for side, mode in zip("ab", modes, strict=True)}
    differences = {"power_save" if compared else "rate": (1, 2)}
    if words is None:
        demand_power_save(provenances, differences, "board")
        return
    with pytest.raises(BlockedError, match=words):
        demand_power_save(provenances, differences, "board")


def test_limits_are_on_whole_requests_and_others_are_reported():
    said = []
    limits = {"latency.error.added": "+15 points", "latency.error.total": "+1 ms", "mine.rate": "+1 x"}
    assert list(whole_limits(Settings(limits=limits, device=("sim",)), said.append)) == ["latency.error.total"]
    assert [line.split()[0] for line in said] == ["latency.error.added", "mine.rate"]
    assert set(usual_limits()) <= set(MEASURED_WHOLE)
    assert str(usual_limits()[IDF_LOWEST]).startswith("-")


@pytest.mark.parametrize(
    "limits", [{"latency.error.totl": "+1 ms"}, {"boot.tme": "+1 s"}, {"latency.error.added": "+1 x"}]
)
def test_misspelt_limits_and_none_at_all_are_refused(limits):
    with pytest.raises(SettingsError):
        whole_limits(Settings(limits=limits, device=("sim",)), print)
    with pytest.raises(SettingsError, match="one --device"):
        whole_limits(Settings(device=("sim", "sim")), print)
