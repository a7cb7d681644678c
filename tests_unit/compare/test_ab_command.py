"""Whole comparisons of two libraries on the virtual board."""

from __future__ import annotations

import re
import zipfile
from types import SimpleNamespace

import pytest
from camrig.cli.main import main
from camrig.compare import commands
from camrig.compare.commands import SUITE_BATCHES
from camrig.errors import PortError
from camrig.settings.resolve import Settings

from tests_unit.conftest import ROOT

LIB = str(ROOT / "lib")
WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}


def test_a_leaking_copy_is_regressed_where_it_is_worse(run, tmp_path):
    source = (ROOT / "lib/microdot/cors.py").read_text()
    source = source.replace("import re\n", "import re\n\n_KEPT = []\n", 1)
    first = "        origins = self._origins\n"
    source = source.replace(first, f"        _KEPT.append(bytearray(16))\n{first}", 1)
    (tmp_path / "leaks/microdot").mkdir(parents=True)
    (tmp_path / "leaks/microdot/cors.py").write_text(source)
    evidence = tmp_path / "ab.zip"
    options = ("--candidate", str(tmp_path / "leaks"), "--baseline", LIB, "--hil-evidence", str(evidence))
    ended = run("camrig", "ab", *options, "--hil-baselines", str(tmp_path), env=WIFI)
    assert ended.code == 1, ended.out
    found = dict(re.findall(r"^([a-z_.]+): (\w+): ", ended.out, re.MULTILINE))
    assert found["heap.preflight.allocated"] == found["heap.leak_slope"] == "regressed"
    assert found["latency.preflight.on_board"] != "regressed"
    assert "false alarms at most 1%" in ended.out
    assert ended.left_running() == []
    with zipfile.ZipFile(evidence) as file:
        assert not [name for name in file.namelist() if WIFI["CAMRIG_WIFI_PASSWORD"].encode() in file.read(name)]
    again = run("camrig", "verdict", str(evidence))
    assert again.code == 1
    assert "the verdict is the one that its samples and limits give" in again.out
    for out in (ended.out, again.out):
        assert re.search(r"^camrig virtual board .*\[VIRTUAL BOARD: no figure of hardware\]$", out, re.MULTILINE)


def test_a_library_that_refuses_the_page_is_named_and_not_measured(run, tmp_path):
    (tmp_path / "mute/microdot").mkdir(parents=True)
    (tmp_path / "mute/microdot/cors.py").write_text(
        "class CORS:\n    def __init__(self, app=None, allowed_origins=None, **more):\n"
        "        self.allowed_origins = allowed_origins\n        self.allow_credentials = self.max_age = None\n"
        "        self.allowed_methods = self.expose_headers = self.allowed_headers = None\n"
    )
    ended = run("camrig", "ab", "--candidate", LIB, "--baseline", str(tmp_path / "mute"), env=WIFI)
    assert ended.code == 6
    assert f"{tmp_path / 'mute'} answers a preflight wrongly (CORS-preflight fetch, step 7: " in ended.out
    assert "Traceback" not in ended.out
    assert ended.left_running() == []


@pytest.mark.parametrize("seconds", ["nan", "-5", "0", "soon"])
def test_times_are_taken_for_a_time_that_makes_sense(seconds, capsys):
    with pytest.raises(SystemExit, match="4"):
        main(["ab", "--candidate", LIB, "--baseline", LIB, "--seconds", seconds])
    assert f"argument --seconds: {seconds} is not " in capsys.readouterr().err


def test_evidence_that_cannot_be_written_is_an_error_before_any_board_is_touched(run, tmp_path):
    options = ("--candidate", LIB, "--baseline", LIB, "--hil-evidence", str(tmp_path))
    ended = run("camrig", "ab", *options, env=WIFI)
    assert ended.code == 4
    assert "connect" not in ended.out
    assert f"the evidence {tmp_path} cannot be written: " in ended.out


class Gone:
    """A board that was unplugged after everything had been measured."""

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __getattr__(self, name):
        raise PortError("the port went away")


def test_the_verdict_is_told_before_evidence_is_asked_of_the_board(monkeypatch, tmp_path):
    monkeypatch.setattr(commands, "_board", lambda settings: Gone())
    monkeypatch.setattr(commands, "Session", lambda *arguments: SimpleNamespace(run=lambda: None))
    monkeypatch.setattr(commands, "decide", lambda session: ("comparison", "verdict"))
    told = []
    settings = Settings(evidence=tmp_path / "e.zip")
    with pytest.raises(PortError):
        commands.compare(settings, LIB, LIB, 1.0, 0, lambda *what: told.append(what))
    assert told == [("comparison", "verdict")]
    assert list(tmp_path.iterdir()) == []


def test_calibration_writes_what_a_comparison_reads(run, tmp_path):
    limits = (
        'heap.preflight.allocated = "+0 B"\nheap.import.microdot.cors = "+0 B"\nlatency.preflight.relative = "+10%"\n'
    )
    (tmp_path / "camrig.toml").write_text(f"[limits]\n{limits}")
    options = ("--runs", "2", "--batches", "12", "--hil-baselines", str(tmp_path / "b"), "--hil-lib", LIB)
    app = ("--hil-app", str(ROOT / "device"))
    ended = run("camrig", "calibrate", *options, *app, cwd=tmp_path, env={**WIFI, "PYTHONPATH": str(ROOT / "rig")})
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


def test_the_reach_of_stored_runs_is_that_of_the_suites_batches():
    source = (ROOT / "tests_hil/test_preflight_costs.py").read_text()
    assert f"\nBATCHES = {SUITE_BATCHES} " in source
