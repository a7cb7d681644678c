"""Firmware on trial in a run: kept after the first test that passed, else rolled back."""

from __future__ import annotations

import pytest
from camrig.bringup.board_run import BoardRun
from camrig.errors import FirmwareBootError
from camrig.settings.resolve import resolve
from camrig.steps import Steps

from tests_unit.ota.conftest import WIFI, firmware


@pytest.fixture
def run(virtual, tmp_path):
    """One board's run, with firmware of a version on trial; ``faults`` are what is wrong with it."""
    board_run = BoardRun(virtual.path, Steps())
    settings = resolve({"device": [virtual.path]}, WIFI, tmp_path)

    def start(version, **faults):
        board = stack.__enter__()
        board.over_the_air.install(firmware(version, **faults))
        board_run.boot(board, confirm=False)
        return board_run, board

    stack = board_run.reserved(settings)
    yield start
    stack.__exit__(None, None, None)


def test_firmware_is_kept_after_the_first_test_that_passed(run):
    board_run, board = run("v1.70.0")
    board_run.start_test("a test without requests")
    board_run.start_test("a test that fails")
    board_run.dut.request("GET", "/api/status")
    board_run.start_test("a test that passes")
    assert board.on_trial
    board_run.record_pass()
    board_run.start_test("the next one")
    assert not board.on_trial
    assert board_run.dut.request("GET", "/api/status").status == 200  # the application runs again
    board.session.repl()
    board.session.reset_chip()
    board.session.catch(10)
    assert board.session.ask("import os, json; print(json.dumps(os.uname()[2]))") == "1.70.0"


def test_a_crash_before_that_rolls_back_and_ends_the_run(run, virtual):
    board_run, board = run("v1.71.0")
    board_run.start_test("a test")
    virtual.fault("guru@now")
    assert board_run.dut.crash_monitor.wait(20) is not None
    with pytest.raises(FirmwareBootError, match=r"v1.71.0 .* rolled back"):
        board_run.start_test("the next one")
    with pytest.raises(FirmwareBootError):
        board_run.start_test("one more")
    assert not board.on_trial
    assert board.session.ask("import os, json; print(json.dumps(os.uname()[2]))") != "1.71.0"
