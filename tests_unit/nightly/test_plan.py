"""The commands of a night: each can be typed, and the gate takes the board's own baseline."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import replace

import pytest
from camrig.cli.parser import parser
from camrig.gate.baseline import Baseline, save_baseline
from camrig.gate.provenance import Provenance
from camrig.gate.samples import recorded_samples
from camrig.lab import lock
from camrig.measure.recorder import Recorder
from camrig.nightly import plan
from camrig.nightly.plan import Gate, gate_of, soaks, stages
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings
from camrig.stages import words
from camrig.stages.words import file_name, forwarded

MAC = "24:6f:28:aa:10:c4"
VIRTUAL = f"virtual on {platform.machine()}, {os.cpu_count()} cores"
FLAGS = {"fast": "460800", "elf": "/a.elf", "lib": "/lib", "device": ["a"], "tests": [], "compare_anyway": "yes"}
NO_GATE = Gate(None, "")


def baseline(folder, name, mac, taken="2026-11-01T00:00:00+00:00"):
    recorder = Recorder()
    recorder.record("heap.alive", [1, 2], "B")
    fields = dict.fromkeys(("rig", "machine", "firmware", "build", "mpy", "library_sha256"), "x")
    provenance = Provenance(
        taken=taken, mac=mac, virtual=False, rssi=None, channel=None, power_save=None, settings={}, **fields
    )
    save_baseline(folder / f"{name}.json", Baseline(provenance, recorded_samples(recorder.metrics)))


@pytest.fixture
def settings(tmp_path):
    return Settings(results=tmp_path, baselines=tmp_path / "baselines")


@pytest.fixture
def seen(monkeypatch):
    """A board that is known from an earlier run."""
    record = lock.BoardRecord("ESP32", MAC, "1.26", "2026-11-28")
    monkeypatch.setattr(words, "find_port", lambda spec: spec)
    monkeypatch.setattr(words, "lock_key", lambda port: "usb-x")
    monkeypatch.setattr(lock, "inspect", lambda key: (None, record))


def test_without_baselines_there_is_no_gate(settings):
    assert gate_of("sim", settings) == Gate(None, "no baseline is stored")


def test_the_baseline_that_is_set_is_taken(settings):
    assert gate_of("sim", replace(settings, compare="v1.4")).baseline == "v1.4"


def test_the_latest_baseline_of_the_board_is_taken(settings, seen):
    baseline(settings.baselines, "v1.3", MAC, "2026-10-01T00:00:00+00:00")
    baseline(settings.baselines, "v1.4", MAC, "2026-11-01T00:00:00+00:00")
    baseline(settings.baselines, "z", "24:6f:28:00:00:00", "2026-11-09T00:00:00+00:00")
    baseline(settings.baselines, "desk", VIRTUAL)
    (settings.baselines / "damaged.json").write_text("{")
    assert gate_of("/dev/ttyUSB0", settings).baseline == "v1.4"
    assert gate_of("sim", settings).baseline == "desk"


def test_baselines_of_other_boards_are_not_taken(settings, seen):
    baseline(settings.baselines, "z", "24:6f:28:00:00:00")
    assert gate_of("/dev/ttyUSB0", settings) == Gate(None, "none of 1 baselines is of this board")


def test_a_board_that_was_never_seen_has_no_gate_yet(settings):
    baseline(settings.baselines, "z", MAC)
    assert gate_of("/dev/nowhere", settings).baseline is None


def test_every_word_of_the_suite_is_an_option_of_pytest(settings):
    settings = replace(settings, device=("/dev/a", "/dev/b"), url=("http://a:80", "http://b:80"))
    made = stages(settings, FLAGS, ["tests"], {"/dev/a": Gate("v1", ""), "/dev/b": NO_GATE}, "20261129T010000")
    flags = {option.long_flag for option in OPTIONS}
    for stage in made:
        assert stage.words[:2] == ["pytest", "tests"]
        assert {word.partition("=")[0] for word in stage.words[2:]} <= flags
    first, second = (stage.words for stage in made)
    assert "--hil-compare=v1" in first
    assert f"--hil-evidence={settings.results}/evidence-20261129T010000-dev_a.zip" in first
    assert "--hil-url=http://b:80" in second
    assert not [word for word in second if word.startswith(("--hil-compare=", "--hil-evidence="))]
    assert "--hil-device=/dev/b" in second


def test_the_soak_of_each_board_can_be_typed(settings):
    made = soaks(replace(settings, device=("/dev/a", "/dev/b")), FLAGS, 7200)
    for stage, device in zip(made, ("/dev/a", "/dev/b"), strict=True):
        parsed = parser(stage.words[1:]).parse_args(stage.words[1:])
        assert (parsed.time.seconds, parsed.device, parsed.fast) == (7200, [device], "460800")
        assert stage.seconds > 7200


@pytest.mark.parametrize("names", [words.OF_SUITE, words.OF_SOAK, plan.OF_AB])
def test_every_name_that_is_passed_on_is_an_option(names):
    assert set(names) <= {option.name for option in OPTIONS}
    assert forwarded(dict.fromkeys(names), names) == []


@pytest.mark.parametrize("spec", ["/dev/ttyUSB0", "id:A50285BI", "rfc2217://bench:4000", "COM3", "sim", "//"])
def test_a_specification_makes_a_name_that_pruning_knows(spec):
    assert re.fullmatch(r"\w{1,40}", file_name(spec))
