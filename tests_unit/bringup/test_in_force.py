"""The header says what is in force, and each hash changes with the content that it stands for, and only with that."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from camrig.bringup.in_force import run_header
from camrig.errors import SettingsError
from camrig.gate.limits import Limit
from camrig.settings.resolve import Settings

from tests_unit.conftest import ROOT

SHIPPED = ROOT / "lib/microdot/cors.py"
LIMITS = {"heap.free": Limit("-", 512, "B")}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("lib", "device"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    config = tmp_path / "camrig.toml"
    config.write_text('[limits]\nheap.free = "-512 B"\n')
    agent = tmp_path / "device" / "rig_agent.py"
    return Settings(
        lib=tmp_path / "lib", app=tmp_path / "device", agent=agent, config=config, limits={"heap": {"free": "-512 B"}}
    )


def hashes(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w[\w ]*?)  .*  ([0-9a-f]{8})$", text, re.MULTILINE))


def test_every_thing_in_force_has_its_line(settings, tmp_path):
    title, *lines = run_header(settings, LIMITS).splitlines()
    assert title == f"settings and limits of {tmp_path / 'camrig.toml'}"
    assert [line.split("  ")[1] for line in lines] == [
        "library",
        "application",
        "agent",
        "device",
        "config file",
        "limits",
    ]
    assert f"{tmp_path / 'lib/microdot/cors.py'}  " in lines[0]
    assert f"{tmp_path / 'device'}, 7 modules" in lines[1]
    assert lines[3].split() == ["device", "sim"]
    assert "1 of the config file" in lines[5]


@pytest.mark.parametrize(
    ("changed", "label"),
    [
        ("lib/microdot/cors.py", "library"),
        ("device/sensor.py", "application"),
        ("device/rig_agent.py", "agent"),
        ("camrig.toml", "config file"),
    ],
)
def test_a_change_of_a_file_changes_one_hash(settings, tmp_path, changed, label):
    before = hashes(run_header(settings, LIMITS))
    with (tmp_path / changed).open("a") as file:
        file.write("\n# changed\n")
    after = hashes(run_header(settings, LIMITS))
    assert {name for name in before if before[name] != after[name]} == {label}


def test_a_change_of_a_limit_or_a_name_changes_one_hash(settings, tmp_path):
    before = hashes(run_header(settings, LIMITS))
    after = hashes(run_header(settings, {"heap.free": Limit("-", 511, "B")}))
    assert {name for name in before if before[name] != after[name]} == {"limits"}
    (tmp_path / "device/sensor.py").rename(tmp_path / "device/camera.py")
    after = hashes(run_header(settings, LIMITS))
    assert {name for name in before if before[name] != after[name]} == {"application"}


def test_what_is_left_out_and_what_is_missing_has_a_line(settings, tmp_path):
    before = hashes(run_header(settings, None))["application"]
    (tmp_path / "device/README.md").touch()
    assert hashes(run_header(settings, None))["application"] == before
    (tmp_path / "device/index.html").touch()
    with open(tmp_path / "device/camera_server.py", "a") as module:
        module.write("import microdot.session\n")
    text = run_header(settings, None)
    assert "  application  " in text
    assert "device, 7 modules, 1 other file  " in text
    assert "  left out     1 file: README.md (documentation)\n" in text
    assert "  missing      microdot.session imports jwt, which neither " in text
    assert hashes(text)["application"] != before


def test_what_is_not_in_force_has_no_line(settings):
    text = run_header(replace(settings, config=None, limits={}), None, agent=False)
    assert text.startswith("the usual limits, as there is no camrig.toml\n")
    assert not {"agent", "config file", "limits"} & {line.split("  ")[1] for line in text.splitlines()[1:]}


def test_two_libraries_have_a_line_each_and_both_are_checked(settings, tmp_path):
    sides = {"candidate": (tmp_path / "lib", None), "baseline": (tmp_path / "lib", SHIPPED)}
    text = run_header(settings, LIMITS, sides)
    assert {"candidate", "baseline"} <= hashes(text).keys()
    assert f"  {SHIPPED}  " in text
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingsError, match="empty is not a library"):
        run_header(settings, LIMITS, {**sides, "baseline": (tmp_path / "empty", None)})


def test_an_unreadable_file_is_one_sentence(settings, tmp_path):
    agent = tmp_path / "gone.py"
    with pytest.raises(SettingsError, match=r"rig_agent\.py cannot be read: No such file"):
        run_header(replace(settings, agent=agent), LIMITS)
