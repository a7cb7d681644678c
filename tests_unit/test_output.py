"""Output that cannot be written costs no verdict."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from camrig.output import LastingStream

from tests_unit.conftest import ROOT

SUITE = "tests_hil/test_policy_at_run_time.py"
COMMANDS = {
    "devices": (["camrig", "devices"], 0),
    "verdict": (["camrig", "verdict", "missing.zip"], None),
    "pytest": (["pytest", SUITE, "-p", "no:cacheprovider", "--device", "/dev/nowhere"], 6),
}


@pytest.fixture
def command(environment, tmp_path):
    """Runs ``python -m ARGUMENTS`` with a stdout of its own: the exit code, and what it says on stderr."""

    def run(arguments: list[str], stdout: object, **keywords: object) -> tuple[int, str]:
        ended = subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env={**environment, "CAMRIG_RESULTS": str(tmp_path), "CAMRIG_WIFI_SSID": "lab"},
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            **keywords,
        )
        return ended.returncode, ended.stderr

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_went_away_changes_no_exit_code(command, name):
    arguments, code = COMMANDS[name]
    reader, writer = os.pipe()
    os.close(reader)
    ended, text = command(arguments, writer)
    os.close(writer)
    assert ended == (command(arguments, subprocess.DEVNULL)[0] if code is None else code)
    assert "Traceback" not in text


@pytest.mark.parametrize("name", ["devices", "pytest"])
def test_closed_streams_change_no_exit_code(command, name):
    arguments, code = COMMANDS[name]
    ended, text = command(arguments, subprocess.DEVNULL, preexec_fn=lambda: (os.close(0), os.close(1)))
    assert ended == code
    assert "Traceback" not in text


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no full disk to write to")
def test_a_full_disk_is_reported_and_blocks(command):
    with open("/dev/full", "w") as full:
        ended, text = command(["camrig", "devices"], full)
    assert ended == 6
    assert text == "camrig: the output could not be written: No space left on device\n"


def test_what_follows_a_lost_line_goes_nowhere(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    stream = LastingStream(open(writer, "w"))  # noqa: SIM115
    print("first", file=stream, flush=True)
    print("second", file=stream, flush=True)
    assert isinstance(stream.lost, BrokenPipeError)
    assert stream.failure == ""
    stream.close()
