"""The files that start a night: a unit and a timer of systemd, a line of cron, a workflow of GitHub Actions."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from camrig.cli.parser import parser
from camrig.settings.options import OPTIONS

from tests_unit.conftest import ROOT

EXAMPLES = ROOT / "examples" / "nightly"
CAMRIG = Path(sys.executable).with_name("camrig")
VARIABLES = {name for option in OPTIONS for name in option.env} | {"CAMRIG_WIFI_SSID", "CAMRIG_WIFI_PASSWORD"}
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # of a line of cron


def parsed(line: str):
    """The arguments of a line of a shell that runs camrig. Ends the test if it cannot be typed."""
    words = shlex.split(line)
    assert words[0].endswith("camrig")
    return parser(words[1:]).parse_args(words[1:])


@pytest.fixture
def units():
    made = {}
    for name in ("service", "timer"):
        unit = configparser.ConfigParser(strict=True, interpolation=None)
        unit.optionxform = str
        unit.read_string((EXAMPLES / f"camrig-nightly.{name}").read_text(encoding="utf-8"))
        made[name] = unit
    return made


def test_the_units_start_a_command_that_can_be_typed(units):
    service, timer = units["service"], units["timer"]
    arguments = parsed(service["Service"]["ExecStart"])
    assert (arguments.command, arguments.soak.seconds) == ("nightly", 7200)
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["KillMode"] == "mixed"
    assert timer["Install"]["WantedBy"] == "timers.target"
    assert timer["Timer"]["Persistent"] == "true"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not here")
def test_systemd_finds_no_mistake_in_the_units(tmp_path):
    for name in ("camrig-nightly.service", "camrig-nightly.timer"):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        text, replaced = re.subn(r"^ExecStart=\S+", f"ExecStart={CAMRIG}", text, flags=re.MULTILINE)
        assert replaced == name.endswith("service")
        (tmp_path / name).write_text(text)
    files = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, timeout=60)
    ours = [line for line in done.stderr.splitlines() if "camrig-nightly" in line]
    assert ours == []
    (tmp_path / "camrig-nightly.timer").write_text("[Timer]\nOnCalendar=when the moon is full\n")
    done = subprocess.run(["systemd-analyze", "verify", *files], capture_output=True, text=True, timeout=60)
    assert "camrig-nightly.timer:2: " in done.stderr  # it does find a mistake


def test_the_timer_names_a_time_of_the_night(units):
    assert re.fullmatch(r"\*-\*-\* 0[0-5]:[0-5]\d:00", units["timer"]["Timer"]["OnCalendar"])


def test_the_line_of_cron_can_be_typed():
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line and not line.startswith("#") and not re.match(r"[A-Z]+=", line)]
    (line,) = commands
    *fields, command = line.split(None, 5)
    for field, (low, high) in zip(fields, FIELDS, strict=True):
        assert field == "*" or low <= int(field) <= high
    assert "%" not in command  # which cron takes for the end of the line
    folder, _, night = command.partition(" && ")
    assert re.fullmatch(r"cd /[\w/]+", folder)
    assert parsed(night).command == "nightly"


def test_the_workflow_parses_and_each_of_its_commands_exists():
    workflow = yaml.safe_load((EXAMPLES / "nightly.yml").read_text(encoding="utf-8"))
    triggers = workflow[True]  # what YAML makes of the word on
    (schedule,) = triggers["schedule"]
    assert len(schedule["cron"].split()) == 5
    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["cancel-in-progress"] is False
    (job,) = workflow["jobs"].values()
    assert "self-hosted" in job["runs-on"]
    assert set(job["env"]) <= VARIABLES
    commands = [step["run"] for step in job["steps"] if "run" in step]
    nights = [parsed(command) for command in commands if "camrig nightly" in command]
    assert [(night.soak.seconds, night.require) for night in nights] == [(7200, "hardware")]
    assert "python3 -m venv .venv" in commands
    assert ".venv/bin/pip install camrig" in commands
    assert job["timeout-minutes"] * 60 > nights[0].soak.seconds
    results = job["env"]["CAMRIG_RESULTS"]
    (upload,) = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    assert upload["if"] == "always()"
    assert all(line.startswith(f"{results}/") for line in upload["with"]["path"].split())


def test_the_page_shows_the_line_of_cron_as_it_is():
    page = (ROOT / "docs" / "nightly.md").read_text(encoding="utf-8")
    line = next(line for line in (EXAMPLES / "crontab").read_text().splitlines() if "camrig nightly" in line)
    assert f"    {line}\n" in page
    for path in EXAMPLES.iterdir():
        assert f"(../examples/nightly/{path.name})" in page
