"""Whatever is raised in a sub-command ends in one sentence, a file with the traceback, and never in exit code 1."""

from __future__ import annotations

import sys

import pytest
from camrig.__main__ import main
from camrig.redaction import register

from tests_unit.unexpected_errors import ERRORS, raises, report_in

COMMANDS = {
    "sim": ([], "camrig.virtual.board.find_interpreter"),
    "deploy": ([], "camrig.bringup.in_force.contents_for"),
    "devices": ([], "camrig.lab.listing.list_usb_ports"),
    "doctor": (["--device", "/dev/nowhere"], "camrig.lab.device_spec.find_port"),
    "ab": (["--candidate", "lib", "--baseline", "lib"], "camrig.bringup.in_force.contents_for"),
    "calibrate": ([], "camrig.bringup.in_force.contents_for"),
    "baseline": (["list"], "camrig.cli.baseline.render_baselines"),
    "verdict": (["x.zip"], "camrig.release.evidence.is_release"),
    "prove": ([], "camrig.cli.prove.demand_compiles"),
    "report": (["x.json"], "camrig.cli.report.read_results"),
}


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """Runs a sub-command in which ``target`` raises an error: its exit code, and what it says on stderr."""
    register("hunter2-of-the-bench")
    monkeypatch.setenv("CAMRIG_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr("camrig.output.prepare_streams", lambda: None)

    def run(name: str, arguments: list[str], target: str, error: BaseException) -> tuple[int, str]:
        monkeypatch.setattr(target, raises(error))
        monkeypatch.setattr(sys, "argv", ["camrig", name, *arguments])
        code = main()
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", COMMANDS)
def test_an_unexpected_exception_ends_a_command_as_blocked(command, name, error):
    code, text = command(name, *COMMANDS[name], error)
    assert code == 6
    assert text.count("\n") == 1
    assert text.startswith(f"camrig: unexpected {type(error).__name__}")
    assert "hunter2" not in text
    report_in(text)


def test_a_missing_package_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("camrig.output.prepare_streams", lambda: None)
    monkeypatch.delitem(sys.modules, "camrig.cli.main")
    monkeypatch.setitem(sys.modules, "camrig.cli.ab", None)
    assert main() == 6
    text = capsys.readouterr().err
    assert "install camrig again" in text.lower()
    report_in(text)


def test_without_room_for_the_traceback_the_place_is_named(command, monkeypatch):
    monkeypatch.setattr("camrig.bug_report.write_whole", raises(OSError(28, "No space left on device")))
    code, text = command("devices", *COMMANDS["devices"], KeyError("lens"))
    assert code == 6
    assert "KeyError: 'lens' (camrig/lab/listing.py:" in text
    assert "could not be written" in text
