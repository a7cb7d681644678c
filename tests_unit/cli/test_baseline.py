"""``camrig baseline``: list, show and remove."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from camrig.cli.main import main
from camrig.gate.baseline import Baseline, save_baseline
from camrig.gate.samples import MetricKind, Samples
from camrig.measure.batch import SampleBatch

from tests_unit.gate.test_json_files import PROVENANCE


@pytest.fixture
def folder(tmp_path):
    """One baseline of three sessions, one of a single session, and one of schema 1; a calibration beside them."""

    def session(level, day):
        samples = Samples("ms", MetricKind.TIMED, (SampleBatch((level, level)),))
        return Baseline(replace(PROVENANCE, taken=f"2026-01-0{day}T00:00:00+00:00"), {"latency.preflight": samples})

    good = session(5.25, 1).with_session(session(5.5, 2), "good").with_session(session(5.75, 3), "good")
    save_baseline(tmp_path / "good.json", good)
    save_baseline(tmp_path / "young.json", session(7.0, 4))
    (tmp_path / "old.json").write_text(json.dumps({"kind": "baseline", "schema": 1, "metrics": {}}))
    (tmp_path / "calibration.runs.json").write_text("{}")
    return tmp_path


def test_list_names_each_baseline_with_its_sessions(folder, capsys):
    assert main(["baseline", "list", "--hil-baselines", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    good, young, old = (next(line for line in lines if name in line) for name in ("good", "young", "old.json"))
    assert good.split()[:3] == ["good", "3", "2026-01-03T00:00:00+00:00"]
    assert young.split()[:4] == ["young", "1", "of", "3"]
    assert "is from before sessions were kept" in old
    assert not any("calibration" in line for line in lines)


def test_show_has_the_median_of_each_session(folder, capsys):
    assert main(["baseline", "show", "good", "--hil-baselines", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "session 2: 2026-01-02T00:00:00+00:00" in shown
    (row,) = (line.split() for line in shown.splitlines() if "latency.preflight" in line)
    assert row == ["latency.preflight", "ms", "5.25", "5.50", "5.75"]
    assert "--hil-save" not in shown
    assert main(["baseline", "show", "young", "--hil-baselines", str(folder)]) == 0
    assert "times can be judged from 3 sessions on: add some with --hil-save young" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none", "../good", "calibration.runs"])
@pytest.mark.parametrize("action", ["show", "remove"])
def test_a_name_that_is_not_a_baseline_is_refused(folder, capsys, action, name):
    assert main(["baseline", action, name, "--hil-baselines", str(folder)]) == 4
    assert f"there is no baseline {name}" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == 4


def test_a_baseline_of_an_older_schema_is_refused_and_removed(folder, capsys):
    assert main(["baseline", "show", "old", "--hil-baselines", str(folder)]) == 4
    error = capsys.readouterr().err
    assert "is from before sessions were kept (schema 1). Remove it, and save one with --hil-save." in error
    assert error.count("\n") == 1
    assert main(["baseline", "remove", "old", "--hil-baselines", str(folder)]) == 0
    assert not (folder / "old.json").exists()


def test_an_empty_bench_says_how_to_begin(tmp_path, capsys):
    assert main(["baseline", "list", "--hil-baselines", str(tmp_path / "none")]) == 0
    assert "--hil-save NAME" in capsys.readouterr().out
