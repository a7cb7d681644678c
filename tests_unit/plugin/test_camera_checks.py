"""The suite's checks of a camera fail for a camera that is at fault, each for its own."""

from __future__ import annotations

import re

import pytest
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}
SUITE = str(ROOT / "tests_hil" / "test_camera_shows_whole_new_pictures.py")
# By the fault: the tests that fail, and what one of them says.
FAULTS = {
    "camera-frozen": (
        {
            "test_pictures_of_the_stream_change",
            "test_captured_pictures_change",
            "test_a_picture_is_not_older_than_its_request",
        },
        "all 25 pictures are the same",
    ),
    "camera-stale@2": ({"test_a_picture_is_not_older_than_its_request"}, "they waited in a buffer of the driver"),
}


@pytest.fixture(scope="module")
def board():
    config = VirtualConfig(camera="class", wifi_ssid=WIFI["CAMRIG_WIFI_SSID"], wifi_password="correct horse battery")
    with VirtualBoard.start(config) as board:
        yield board


@pytest.mark.parametrize("fault", FAULTS)
def test_camera_at_fault_fails_the_suite(board, run, tmp_path, fault):
    board.clear()
    board.fault(fault)
    tests, words = FAULTS[fault]
    folder = ("--hil-results", str(tmp_path))
    ended = run("pytest", SUITE, "-q", "-p", "no:cacheprovider", "--device", board.path, *folder, env=WIFI)
    assert set(re.findall(r"^FAILED \S+::(\w+)", ended.out, re.MULTILINE)) == tests, ended.out
    assert words in ended.out
    assert ended.code == 1
    assert ended.left_running() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--camera", "polaroid"], "no camera firmware 'polaroid'"),
        (["--camera", "class", "--keep"], "that is kept has no camera module"),
    ],
)
def test_camera_that_a_virtual_board_cannot_have_is_refused(command, arguments, message):
    ended = command("sim", *arguments)
    assert message in ended.out
    assert ended.code == 4
