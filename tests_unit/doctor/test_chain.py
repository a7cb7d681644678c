"""The doctor says what is wrong with a board and what to do, and changes nothing on it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator

import pytest
from camrig.doctor.check import WRONG, Check
from camrig.lab import lock
from camrig.lab.usb_ports import lock_key
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])) as found:
        yield found


@pytest.fixture
def camrig(run: Callable[..., Ended]) -> Callable[..., Ended]:
    def call(*arguments: str, **other: object) -> Ended:
        ended = run("camrig", *arguments, **other)
        assert 'File "/' not in ended.out  # no traceback of the rig
        assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
        assert ended.left_running() == []
        return ended

    return call


@pytest.fixture
def deployed(camrig, board) -> VirtualBoard:
    assert camrig("deploy", "--device", board.path, env=WIFI).code == 0
    return board


def mpremote(board: VirtualBoard, *words: str) -> None:
    command = [sys.executable, "-m", "mpremote", "connect", board.path, *words]
    subprocess.run(command, check=True, timeout=60, capture_output=True)


def wrong(ended: Ended, *words: str) -> None:
    assert ended.code == 6, ended.out
    for word in words:
        assert word in ended.out, ended.out


def test_a_fresh_virtual_board_is_well(camrig):
    ended = camrig("doctor")
    assert ended.code == 0, ended.out
    assert "all is well" in ended.out
    assert WRONG not in ended.out


def test_a_healthy_board_is_well_without_wifi_settings_here(camrig, deployed):
    ended = camrig("doctor", "--device", deployed.path)
    assert ended.code == 0, ended.out
    assert "it serves at http://" in ended.out
    again = camrig("doctor", "--device", deployed.path, "--try-lines", env=WIFI)
    assert "no control lines" in again.out
    assert again.code == 0, again.out


def test_an_empty_board(camrig):
    with VirtualBoard.start(VirtualConfig()) as empty:
        ended = camrig("doctor", "--device", empty.path)
        wrong(ended, "there is no application on the board", f"camrig deploy --device {empty.path}\n", "not tried")


def test_a_main_that_raises(camrig, deployed, tmp_path):
    (tmp_path / "main.py").write_text("def start():\n    raise ValueError('no lens')\nstart()\n")
    mpremote(deployed, "fs", "cp", str(tmp_path / "main.py"), ":main.py")
    wrong(
        camrig("doctor", "--device", deployed.path, env=WIFI), "main.py raised at boot: ValueError: no lens", "line 2"
    )


def test_a_wrong_password_on_the_board(camrig, board):
    env = {**WIFI, "CAMRIG_WIFI_PASSWORD": "another password"}
    camrig("deploy", "--device", board.path, env=env)
    ended = camrig("doctor", "--device", board.path, env=WIFI)
    wrong(ended, "another Wi-Fi password than this computer", "wrong password", "Check CAMRIG_WIFI_PASSWORD")
    assert "another password" not in ended.out
    mended = camrig("doctor", "--device", board.path, "--deploy", env=WIFI)
    assert mended.code == 0, mended.out


def test_a_forgotten_module_hides_the_library(camrig, deployed):
    mpremote(deployed, "fs", "touch", ":microdot.py")
    ended = camrig("doctor", "--device", deployed.path, env=WIFI)
    mpremote(deployed, "fs", "rm", ":microdot.py")
    wrong(ended, "/microdot.py is imported instead", f"mpremote connect {deployed.path} fs rm -r :/microdot.py\n")


def test_no_wifi_settings_on_the_board(camrig, deployed):
    mpremote(deployed, "fs", "rm", ":camrig.json")
    wrong(camrig("doctor", "--device", deployed.path), "no Wi-Fi settings in /camrig.json", "CAMRIG_WIFI_SSID")


def test_a_missing_and_a_busy_port(camrig, deployed):
    wrong(camrig("doctor", "--device", "/dev/ttyNOBOARD"), "there is no port /dev/ttyNOBOARD", "not tried")
    mine = lock.take(lock_key(deployed.path), "a test")
    wrong(camrig("doctor", "--device", deployed.path), "in use by", str(os.getpid()), "--hil-wait")
    mine.release()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (b"", "nothing answers on the wire"),
        (b"waiting for download\r\n", "boot loader"),
    ],
)
def test_a_port_without_micropython(camrig, tmp_path, words, found):
    near, far = os.openpty()
    tty.setraw(far)
    (tmp_path / "port").symlink_to(os.ttyname(far))

    def speak() -> None:
        try:
            while os.read(near, 1024) != b"end":
                os.write(near, words)
        except OSError:
            pass

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        wrong(camrig("doctor", "--device", str(tmp_path / "port")), found)
    finally:
        os.write(far, b"end")
        thread.join(10)
        os.close(near)
        os.close(far)


def test_a_board_that_restarts_over_and_over(camrig, deployed, tmp_path):
    (tmp_path / "main.py").write_text("import machine, time\ntime.sleep(0.3)\nmachine.reset()\n")
    mpremote(deployed, "fs", "cp", str(tmp_path / "main.py"), ":main.py")
    deployed.power_cycle()
    wrong(camrig("doctor", "--device", deployed.path, env=WIFI), "it restarts over and over (SW_CPU_RESET)", "5 V")


def test_mistakes_on_the_command_line(camrig):
    assert camrig("doctor", "--hil-lines", "esp32").code == 4
    assert camrig("doctor", "--device", "sim", "--device", "auto").code == 4


def test_a_check_is_short_and_its_command_can_be_copied():
    details = "ets Jul 29 2019 12:21:46\nload:0x3fff0030,len:4892\nTraceback: this"
    text = str(Check("boot", WRONG, "word " * 40, "do this", "camrig " + "x" * 150, details))
    assert "camrig " + "x" * 150 in text.splitlines()[-2].strip()
    assert text.splitlines()[-1].endswith("| Traceback: this")
    assert "load:" not in text
