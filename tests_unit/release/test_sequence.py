"""A release on hardware, with stages that end as the test says: the order, what is left, and the exit code."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from camrig.errors import SettingsError
from camrig.gate.archive import load_members
from camrig.gate.evidence import Evidence, write_evidence
from camrig.release import conditions
from camrig.release import run as release_run
from camrig.release.evidence import recompute_release
from camrig.release.run import Release, ReleaseOptions
from camrig.settings.resolve import Settings
from camrig.stages.sequence import StageSequence
from camrig.stages.stage import StageEnd
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.gate.test_json_files import PROVENANCE
from tests_unit.release.good_release import IMAGE, SOURCE, comparison, soak, suite


class Image:
    """Of the image's file, what a release needs."""

    name, data, sha256 = "firmware.bin", b"image", IMAGE


STAGES = ("flash", "deploy", "suite", "soak")


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Runs a release whose stages end with ``codes`` by name, and leave what ``changes`` say."""
    monkeypatch.setenv("CAMRIG_RELEASE", "")  # put back at the end
    image = tmp_path / "firmware.bin"
    image.write_bytes(b"image")
    settings = Settings(device=("/dev/ttyUSB0",), firmware=image, results=tmp_path / "results")
    monkeypatch.setattr(release_run, "load_image", lambda path: Image)
    monkeypatch.setattr(conditions, "sources", lambda settings: {"library": SOURCE, "application": SOURCE})
    for name in ("baseline_of", "demand_board", "demand_whole_suite"):
        monkeypatch.setattr(conditions, name, lambda *_: None)
    started = []

    def call(codes=None, key=None, verified=True, interrupt="", words="a reason", log="", **changes):
        codes = codes or {}

        def end(sequence, stages):
            (stage,) = stages
            started.append(stage)
            image.write_bytes(b"another one, which no stage may take")
            images = [word.rpartition("=")[2] for word in stage.words if word.endswith("firmware.bin")]
            assert [Path(path).read_bytes() for path in images] == [b"image"]
            if stage.name == interrupt:
                raise KeyboardInterrupt
            code = codes.get(stage.name, 0)
            printed = f"  verified: the flash has all of x, SHA-256 {IMAGE}\n" if verified else "flashed\n"
            sequence._log_of(stage).write_text(log or printed)
            results = None
            if stage.name in ("suite", "soak"):
                results = settings.results / f"run-{stage.name}.json"
                made = {"suite": suite, "soak": soak}[stage.name](exit_code=code, **changes.get(stage.name, {}))
                results.write_text(json.dumps(made))
            if stage.name == "suite" and "no_evidence" not in changes:
                (path,) = [word.partition("=")[2] for word in stage.words if word.startswith("--hil-evidence=")]
                files, compared = {"/main.py": "ab" * 32}, comparison()
                extra = {"run": {"exit_code": code}}
                write_evidence(
                    Path(path),
                    Evidence(compared.candidate, {}, {}, files, "", compared, compared.decide(), extra),
                )
            sequence._keep(StageEnd(stage, code, 1.0, results, "" if code == 0 else words))

        monkeypatch.setattr(StageSequence, "run", end)
        said = []
        options = ReleaseOptions("v1", soak=7200.0, key=key)
        code = Release(settings, {}, options, said.append).run()
        return code, "\n".join(said), settings.results, [stage.name for stage in started]

    return call


def test_a_release_on_hardware(release):
    code, text, results, started = release()
    assert (code, started) == (0, list(STAGES))
    assert text.splitlines()[-1].startswith("released (exit code 0) after ")
    assert "rehearsal" not in text
    (evidence,) = results.glob("release-*.zip")
    material, decision = recompute_release(evidence)
    assert decision.outcome == "released"
    assert material.record.firmware.read_back == IMAGE
    (page,) = results.glob("release-*.html")
    text = page.read_text()
    assert "<title>Released: camrig release of firmware.bin" in text
    assert "rehearsal" not in text.lower()
    assert IMAGE in text
    (record,) = results.glob("release-*.json")
    assert record.read_bytes() == load_members(evidence)["release.json"]


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("code", [1, 2, 6, 7])
def test_a_stage_that_does_not_pass_ends_the_release(release, name, code):
    ended, text, results, started = release({name: code})
    assert ended == code
    assert started == list(STAGES[: STAGES.index(name) + 1])
    word = {1: "refused", 2: "interrupted", 6: "blocked", 7: "refused"}[code]
    assert text.splitlines()[-1].startswith(f"{word} (exit code {code}) after ")
    assert len(list(results.glob("release-*.zip"))) == (name in ("suite", "soak"))
    (page,) = results.glob("release-*.html")
    assert f"<title>{word.capitalize()}: camrig release" in page.read_text()
    (record,) = results.glob("release-*.json")
    assert json.loads(record.read_text())["decision"]["outcome"] == word


def test_the_summary_of_a_job_has_the_decision(release, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    release({"flash": 6})
    text = (tmp_path / "summary").read_text().replace("\\", "")
    assert text.startswith("## camrig release: blocked\n\n- flash blocked: a reason")


def test_settings_that_a_stage_refuses_are_said_in_its_words(release):
    code, text, _, _ = release({"flash": 6}, words="wrong settings", log="camrig: the image is for another chip.\n")
    assert code == 6
    assert "flash blocked: the image is for another chip" in text


@pytest.mark.parametrize("name", STAGES)
def test_an_interrupted_release_is_none(release, monkeypatch, name):
    code, text, results, started = release(interrupt=name)
    assert code == 2
    assert started[-1] == name
    assert "interrupted (exit code 2)" in text
    assert not list(results.glob("release-*.zip")) or name == "soak"


def test_an_image_that_the_flash_does_not_confirm(release):
    code, text, _, _ = release(verified=False)
    assert code == 6
    assert "the image was not read back from the board" in text


def test_a_suite_without_evidence(release):
    code, text, results, _ = release(no_evidence=True)
    assert code == 6
    assert "evidence: none" in text
    assert not list(results.glob("*.zip"))


def test_evidence_that_is_not_signed_is_not_released(release, tmp_path, monkeypatch):
    def refuse(path, key):
        raise SettingsError("the key went away")

    monkeypatch.setattr(release_run, "demand_key", lambda key: None)
    monkeypatch.setattr(release_run, "sign_file", refuse)
    code, text, _, _ = release(key=tmp_path / "key")
    assert code == 6
    assert "not signed: the key went away" in text


def test_the_commands_know_what_they_are_part_of(release):
    release()
    assert os.environ["CAMRIG_RELEASE"] == "release"


def test_a_virtual_board_behind_a_port_is_found(tmp_path):
    baseline = type("Baseline", (), {"provenance": PROVENANCE})
    with VirtualBoard.start(VirtualConfig()) as board:
        settings = Settings(device=(board.path,), ready=re.compile("x"))
        with pytest.raises(SettingsError, match="is a virtual board, which releases nothing"):
            conditions.demand_board(settings, baseline, "v1")
