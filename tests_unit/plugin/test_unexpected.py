"""An exception of camrig's own blocks the run or the test, in every phase, and never looks like a failing library."""

from __future__ import annotations

import itertools
import json
import signal
from pkgutil import resolve_name

import pytest
from camrig import interruption
from camrig.plugin.unexpected import ending_pytest, is_own

from tests_unit.conftest import Ended
from tests_unit.unexpected_errors import ERRORS, raises, report_in

pytest_plugins = "pytester"

SUITE = """
import pytest

@pytest.fixture(scope="module")
def module():
    yield
    print("torn down")

def test_first(dut, module): pass
def test_second(dut, module): pass
"""
PHASES = {
    "configuration": "camrig.plugin.hooks.Run",
    "gate": "camrig.plugin.gate_items.GatePlugin.prepare",
    "start": "camrig.plugin.fixture_names._holder",
    "settings": "camrig.settings.resolve.resolve",
    "header": "camrig.bringup.in_force.run_header",
    "choice of a board": "camrig.plugin.run.Run.board_run",
    "start of a test": "camrig.bringup.board_run.BoardRun.start_test",
    "bring-up": "camrig.lab.device_spec.find_port",
    "recovery": "camrig.bringup.board_run.BoardRun.recover_if_down",
    "properties": "camrig.bringup.board_run.BoardRun.properties",
    "attribution": "camrig.plugin.attribution.attribute",
    "secrets": "camrig.plugin.sections.hide_secrets",
    "results": "camrig.plugin.results.run_report",
    "results file": "camrig.report.json_report.write_whole",
    "summary": "camrig.bringup.board_run.BoardRun.summary",
}
for target in PHASES.values():
    resolve_name(target)  # imported now: pytester forgets what its runs import, and its package does not
MATRIX = [*zip(PHASES, itertools.cycle(ERRORS)), *zip(PHASES, itertools.cycle(reversed(ERRORS)))]


@pytest.fixture
def suite(pytester, monkeypatch, tmp_path):
    """Runs a suite with a board that is not there; ``target`` raises or does what it is replaced with."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("CAMRIG_WIFI_SSID", "lab")
    monkeypatch.setenv("CAMRIG_WIFI_PASSWORD", "hunter2-of-the-bench")

    def run(target: str = "", replacement: object = None, source: str = SUITE, *options: str) -> pytest.RunResult:
        pytester.makepyfile(test_suite=source)
        with monkeypatch.context() as patch:
            if target:
                patch.setattr(target, replacement)
            return pytester.runpytest_inprocess("--device", "/dev/nowhere", "-p", "no:cacheprovider", *options)

    return run


@pytest.mark.parametrize(("phase", "error"), MATRIX, ids=lambda value: getattr(type(value), "__name__", None))
def test_an_unexpected_exception_blocks_a_run_in_every_phase(suite, phase, error):
    ended = suite(PHASES[phase], raises(error))
    text = ended.stdout.str() + ended.stderr.str()
    assert ended.ret == 6, text
    assert "INTERNALERROR" not in text
    assert "Traceback (most recent call last)" not in text
    assert "hunter2" not in text
    if phase != "results file" or not isinstance(error, OSError):
        assert f"unexpected {type(error).__name__}" in text
        report_in(text)


def test_an_unexpected_exception_ends_pytest_before_there_is_a_session(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as ended, ending_pytest():
        raise KeyError("lens")
    assert ended.value.code == 6
    text = capsys.readouterr().err
    assert text.startswith("camrig: unexpected KeyError: 'lens'")
    report_in(text)


def test_a_board_that_is_missing_is_reported_once_and_ends_the_run(suite):
    ended = suite(source=SUITE + "def test_after(): pass\n")
    assert ended.ret == 6
    ended.stdout.fnmatch_lines(["there is no port /dev/nowhere*", "not run: 1 test that needs the board"])
    assert "1 passed, 1 blocked" in ended.stdout.str()


def test_what_tests_share_is_torn_down_before_tests_that_are_left_out(suite, pytester):
    pytester.makepyfile(test_zz="def test_pure(): pass\ndef test_last(dut): pass\n")
    source = SUITE.replace("\n\ndef test_first", "\n\ndef test_zero(module): pass\ndef test_first")
    ended = suite("", None, source, "-s")
    assert ended.ret == 6
    ended.stdout.fnmatch_lines(["*torn down", "not run: 2 tests that need the board"])
    assert "2 passed, 1 blocked" in ended.stdout.str()


@pytest.mark.parametrize("moment", ["results", "results file", "summary"])
def test_ctrl_c_at_the_end_costs_no_results(suite, pytester, monkeypatch, moment):
    monkeypatch.setattr(interruption.atexit, "register", lambda *_: None)
    original = resolve_name(PHASES[moment])
    calls = []

    def interrupted(*arguments, **keywords):
        if not calls:
            signal.raise_signal(signal.SIGINT)
        calls.append(arguments)
        return original(*arguments, **keywords)

    ended = suite(PHASES[moment], interrupted)
    assert ended.ret == 2
    assert "Traceback" not in ended.stdout.str() + ended.stderr.str()
    (path,) = pytester.path.glob("results/run-*.json")
    assert json.loads(path.read_text())["exit_code"] == 2
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


CALLS = """
import camrig.dut
import pytest

@pytest.fixture
def broken(dut, monkeypatch, request):
    space = {"error": request.param}
    exec(compile("def heap(*arguments): raise error", camrig.dut.__file__, "exec"), space)  # as if in camrig
    monkeypatch.setattr("camrig.probe.agent.Agent.heap", space["heap"])

OWN = KeyError("lens"), RecursionError(), OSError(24, "Too many open files")

@pytest.mark.parametrize("broken", OWN, indirect=True)
def test_raises(dut, broken):
    dut.heap()

@pytest.mark.parametrize("broken", [ValueError("no such lens"), ConnectionResetError(104, "reset")], indirect=True)
def test_is_wrong(dut, broken):
    dut.heap()
"""


def test_an_exception_in_a_call_from_a_test_blocks_unless_it_answers(run, tmp_path):
    (tmp_path / "test_calls.py").write_text(CALLS)
    ended: Ended = run("pytest", str(tmp_path), "-p", "no:cacheprovider", "--device", "sim",
                       "--hil-results", str(tmp_path / "results"))  # fmt: skip
    assert "2 failed, 3 blocked" in ended.out, ended.out
    assert "unexpected KeyError: 'lens'" in ended.out
    assert ended.left_running() == []


def test_an_exception_of_a_function_that_a_test_passes_in_is_its_own():
    def callback():
        raise KeyError("lens")

    from camrig.redaction import hidden

    class Mapping(dict):
        def items(self):
            return callback()

    for error in (KeyError, TypeError):
        with pytest.raises(error) as raised:
            hidden(Mapping()) if error is KeyError else hidden()
        assert not is_own(raised.value)
