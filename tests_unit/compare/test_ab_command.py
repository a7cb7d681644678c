"""The commands ``camrig ab`` and ``camrig calibrate`` on the virtual board."""

from __future__ import annotations

import re
import zipfile
from types import SimpleNamespace

import pytest
from camrig.board.events import Frame
from camrig.cli.main import main
from camrig.compare import ab
from camrig.compare.calibrate import SUITE_BATCHES
from camrig.compare.libraries import owner_of
from camrig.deploy.hang import Hang
from camrig.deploy.layers import LIBRARY
from camrig.errors import PortError
from camrig.probe import lost_exchanges
from camrig.prove.faulty_copy import Change
from camrig.settings.resolve import Settings

from benchmarks.worse import GRANTS_NOTHING, LEAKS_OBJECTS, worse_library
from tests_unit.conftest import ROOT

LIB = str(ROOT / "lib")
WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
FEW_LIMITS = """
[limits]
heap.preflight.allocated = "+0 B"
heap.leak_slope = "< 1 B/request"
latency.preflight.on_board = "+10%"
"""


def test_a_leaking_copy_regresses_only_in_bytes_and_leaks(run, tmp_path):
    leaking = worse_library(tmp_path / "leaks", LEAKS_OBJECTS)
    evidence = tmp_path / "ab.zip"
    (tmp_path / "camrig.toml").write_text(FEW_LIMITS)
    options = ("--candidate", str(leaking), "--baseline", LIB, "--hil-evidence", str(evidence), "--seconds", "30")
    ended = run("camrig", "ab", *options, "--hil-baselines", str(tmp_path), env=WIFI, cwd=tmp_path)
    assert ended.code == 1, ended.out
    verdicts = dict(re.findall(r"^([a-z_.]+): (\w+): ", ended.out, re.MULTILINE))
    assert verdicts["heap.preflight.allocated"] == verdicts["heap.leak_slope"] == "regressed"
    assert verdicts["latency.preflight.on_board"] != "regressed"
    assert "false alarms at most 1%" in ended.out
    assert ended.left_running() == []
    with zipfile.ZipFile(evidence) as file:
        assert not [name for name in file.namelist() if WIFI["CAMRIG_WIFI_PASSWORD"].encode() in file.read(name)]
    again = run("camrig", "verdict", str(evidence))
    assert again.code == 1
    assert "the verdict is the one that its samples and limits give" in again.out
    for out in (ended.out, again.out):
        assert re.search(r"^camrig virtual board .*\[VIRTUAL BOARD: no figure of hardware\]$", out, re.MULTILINE)


@pytest.mark.parametrize(("side", "exit_code"), [("candidate", 1), ("baseline", 6)])
def test_a_candidate_that_hangs_fails_and_a_baseline_blocks(tmp_path, monkeypatch, capsys, side, exit_code):
    monkeypatch.setattr(lost_exchanges, "SECONDS_PER_EXCHANGE", 2.0)
    monkeypatch.setattr(lost_exchanges, "SECONDS_TO_RETURN", 1.0)
    (tmp_path / "camrig.toml").write_text(FEW_LIMITS)
    for name, value in WIFI.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    hang = "while request.method == 'OPTIONS': time.sleep(1)"
    hanging = worse_library(tmp_path / "hanging", Change("import time", per_response=hang))
    libraries = {"candidate": LIB, "baseline": LIB, side: str(hanging)}
    assert main(["ab", *(f"--{name}={library}" for name, library in libraries.items())]) == exit_code
    text = "".join(capsys.readouterr())
    assert re.search(rf"{hanging} hangs: Ctrl-C found it at lib/microdot/cors\.py:\d+ in \w+\. Fix it first", text)
    assert f"  {hang}\n" in text


@pytest.mark.parametrize(("file", "side"), [
    ("lib/microdot/camrig_a.py", "a"), ("/lib/microdot/camrig_b.mpy", "b"), ("lib/microdot/cors.py", ""),
])  # fmt: skip
def test_the_library_that_hangs_beside_another_is_known_by_its_file(file, side):
    assert owner_of(Hang(LIBRARY, Frame(file, 1, "f"), None, "")) == side


@pytest.mark.parametrize(("side", "exit_code"), [("candidate", 1), ("baseline", 6)])
def test_a_candidate_that_answers_wrongly_fails_and_a_baseline_blocks(run, tmp_path, side, exit_code):
    mute = worse_library(tmp_path / "mute", GRANTS_NOTHING)
    libraries = {"candidate": LIB, "baseline": LIB, side: str(mute)}
    ended = run("camrig", "ab", *(f"--{name}={library}" for name, library in libraries.items()), env=WIFI)
    assert ended.code == exit_code
    assert f"{mute} answers a preflight wrongly (CORS-preflight fetch, step 7: " in ended.out
    assert "Traceback" not in ended.out
    assert ended.left_running() == []


@pytest.mark.parametrize("seconds", ["nan", "-5", "0", "soon"])
def test_seconds_must_be_a_positive_number(seconds, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["ab", "--candidate", LIB, "--baseline", LIB, "--seconds", seconds])
    assert f"argument --seconds: {seconds} " in capsys.readouterr().err


def test_unwritable_evidence_is_an_error_before_any_board_is_touched(run, tmp_path):
    options = ("--candidate", LIB, "--baseline", LIB, "--hil-evidence", str(tmp_path))
    ended = run("camrig", "ab", *options, env=WIFI)
    assert ended.code == 4
    assert "connect" not in ended.out
    assert f"the evidence {tmp_path} cannot be written: " in ended.out


class UnpluggedBoard:
    """A board that was unplugged after everything had been measured."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __getattr__(self, name):
        raise PortError("the port went away")


def test_the_verdict_is_shown_before_the_board_is_read_for_evidence(monkeypatch, tmp_path):
    comparison = SimpleNamespace(decide=lambda: "verdict", candidate=None)
    session = SimpleNamespace(losses="", run=lambda: None, comparison=lambda: comparison)
    monkeypatch.setattr(ab, "Board", lambda *arguments: UnpluggedBoard())
    monkeypatch.setattr(ab, "AbSession", lambda *arguments: session)
    shown = []
    settings = Settings(evidence=tmp_path / "e.zip")
    with pytest.raises(PortError):
        ab.run_ab(settings, LIB, LIB, 1.0, 0, lambda *arguments: shown.append(arguments))
    assert shown == [(comparison, "verdict")]
    assert list(tmp_path.iterdir()) == []


def test_calibration_writes_the_files_that_comparisons_read(run, tmp_path):
    limits = (
        'heap.preflight.allocated = "+0 B"\nheap.import.microdot.cors = "+0 B"\nlatency.preflight.relative = "+10%"\n'
    )
    (tmp_path / "camrig.toml").write_text(f"[limits]\n{limits}")
    options = ("--runs", "2", "--batches", "12", "--hil-baselines", str(tmp_path / "b"), "--hil-lib", LIB)
    app = ("--hil-app", str(ROOT / "device"))
    environment = {**WIFI, "PYTHONPATH": str(ROOT / "rig"), "COLUMNS": "120"}
    ended = run("camrig", "calibrate", *options, *app, cwd=tmp_path, env=environment)
    assert ended.code == 0, ended.out
    assert ended.out.startswith(f"settings and limits of {tmp_path / 'camrig.toml'}\n")
    assert "[VIRTUAL BOARD: no figure of hardware]" in ended.out
    paired, stored = ended.out.split("two libraries in one session")[1].split(
        "one run against another, of 16 batches"
    )
    for table in (paired, stored):
        assert re.search(r"heap\.preflight\.allocated\s+B\s+24\s+0\s+0\s", table)
        assert re.search(r"heap\.import\.microdot\.cors\s+B\s+4\s", table)
        assert re.search(r"latency\.preflight\.relative\s+x\s+24\s", table)
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "calibration.ab.json",
        "calibration.runs.json",
    ]


def test_stored_runs_are_calibrated_for_the_batches_of_the_suite():
    source = (ROOT / "tests_hil/test_preflight_costs.py").read_text()
    assert f"\nBATCHES = {SUITE_BATCHES} " in source
