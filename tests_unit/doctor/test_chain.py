"""The doctor reports what is wrong with a board and what to do, and changes nothing on it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading
import tty
from collections.abc import Callable, Iterator

import pytest
from camrig.doctor.check import Check, State
from camrig.lab import lock
from camrig.lab.usb_ports import lock_key
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])) as virtual:
        yield virtual


@pytest.fixture
def camrig(run: Callable[..., Ended]) -> Callable[..., Ended]:
    def call(*arguments: str, **options: object) -> Ended:
        ended = run("camrig", *arguments, **options)
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


def assert_wrong(ended: Ended, *words: str) -> None:
    assert ended.code == 6, ended.out
    for word in words:
        assert word in ended.out, ended.out


def test_a_fresh_virtual_board_passes(camrig):
    ended = camrig("doctor")
    assert ended.code == 0, ended.out
    assert "all is well" in ended.out
    assert State.WRONG.value not in ended.out


def test_a_healthy_board_passes_without_local_wifi_settings(camrig, deployed):
    ended = camrig("doctor", "--device", deployed.path)
    assert ended.code == 0, ended.out
    assert "it serves at http://" in ended.out
    again = camrig("doctor", "--device", deployed.path, "--try-lines", env=WIFI)
    assert "no control lines" in again.out
    assert again.code == 0, again.out


def test_an_empty_board_gets_the_deploy_command(camrig):
    with VirtualBoard.start(VirtualConfig()) as empty:
        ended = camrig("doctor", "--device", empty.path)
        assert_wrong(
            ended, "there is no application on the board", f"camrig deploy --device {empty.path}\n", "not tried"
        )


def test_every_command_that_is_advised_repeats_the_options(camrig, tmp_path):
    (tmp_path / "with space").mkdir()
    with VirtualBoard.start(VirtualConfig()) as empty:
        link = tmp_path / "with space" / "board"
        link.symlink_to(empty.path)
        options = ("--device", str(link), "--hil-lib", "lib", "--hil-baud", "57600", "--hil-boot-timeout", "7")
        ended = camrig("doctor", *options)
        (command,) = [line.strip() for line in ended.out.splitlines() if line.strip().startswith("camrig deploy")]
        _, *words = shlex.split(command)
        assert sorted(words) == sorted(["deploy", *options])
        assert camrig(*words, env=WIFI).code in (0, 6)
        with lock.held(lock_key(str(link)), "a test"):
            busy = camrig("doctor", *options)
        (again,) = [line.strip() for line in busy.out.splitlines() if line.strip().startswith("camrig doctor --")]
        assert sorted(shlex.split(again)[1:]) == sorted(["doctor", *options, "--hil-wait", "60"])


def test_a_main_that_raises_is_quoted(camrig, deployed, tmp_path):
    (tmp_path / "main.py").write_text("def start():\n    raise ValueError('no lens')\nstart()\n")
    mpremote(deployed, "fs", "cp", str(tmp_path / "main.py"), ":main.py")
    assert_wrong(
        camrig("doctor", "--device", deployed.path, env=WIFI), "main.py raised at boot: ValueError: no lens", "line 2"
    )


def test_a_wrong_password_on_the_board_is_found_and_fixed(camrig, board):
    env = {**WIFI, "CAMRIG_WIFI_PASSWORD": "another password"}
    camrig("deploy", "--device", board.path, env=env)
    ended = camrig("doctor", "--device", board.path, env=WIFI)
    assert_wrong(ended, "another Wi-Fi password than this computer", "wrong password", "Check CAMRIG_WIFI_PASSWORD")
    assert "another password" not in ended.out
    fixed = camrig("doctor", "--device", board.path, "--deploy", env=WIFI)
    assert fixed.code == 0, fixed.out


def test_a_leftover_module_that_hides_the_library_is_named(camrig, deployed):
    mpremote(deployed, "fs", "touch", ":microdot.py")
    ended = camrig("doctor", "--device", deployed.path, env=WIFI)
    mpremote(deployed, "fs", "rm", ":microdot.py")
    assert_wrong(
        ended, "/microdot.py is imported instead", f"mpremote connect {deployed.path} fs rm -r :/microdot.py\n"
    )


def test_missing_wifi_settings_on_the_board_are_named(camrig, deployed):
    mpremote(deployed, "fs", "rm", ":camrig.json")
    assert_wrong(camrig("doctor", "--device", deployed.path), "no Wi-Fi settings in /camrig.json", "CAMRIG_WIFI_SSID")


def test_a_missing_and_a_busy_port_are_named(camrig, deployed):
    assert_wrong(camrig("doctor", "--device", "/dev/ttyNOBOARD"), "there is no port /dev/ttyNOBOARD", "not tried")
    mine = lock.take(lock_key(deployed.path), "a test")
    assert_wrong(camrig("doctor", "--device", deployed.path), "in use by", str(os.getpid()), "--hil-wait")
    mine.release()


@pytest.mark.parametrize(
    ("output", "finding"),
    [
        (b"", "nothing answers on the serial line"),
        (b"waiting for download\r\n", "boot loader"),
    ],
)
def test_a_port_without_micropython_is_named(camrig, tmp_path, output, finding):
    near, far = os.openpty()
    tty.setraw(far)
    (tmp_path / "port").symlink_to(os.ttyname(far))

    def speak() -> None:
        try:
            while os.read(near, 1024) != b"end":
                os.write(near, output)
        except OSError:
            pass

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        assert_wrong(camrig("doctor", "--device", str(tmp_path / "port")), finding)
    finally:
        os.write(far, b"end")
        thread.join(10)
        os.close(near)
        os.close(far)


def test_a_board_that_restarts_over_and_over_is_named(camrig, deployed, tmp_path):
    (tmp_path / "main.py").write_text("import machine, time\ntime.sleep(0.3)\nmachine.reset()\n")
    mpremote(deployed, "fs", "cp", str(tmp_path / "main.py"), ":main.py")
    deployed.power_cycle()
    assert_wrong(
        camrig("doctor", "--device", deployed.path, env=WIFI),
        "the board restarts over and over (SW_CPU_RESET)",
        "500 mA",
    )


def test_mistakes_on_the_command_line_end_with_code_4(camrig):
    assert camrig("doctor", "--hil-lines", "esp32").code == 4
    assert camrig("doctor", "--device", "sim", "--device", "auto").code == 4


def test_a_check_is_short_and_its_command_can_be_copied():
    details = "ets Jul 29 2019 12:21:46\nload:0x3fff0030,len:4892\nTraceback: this"
    text = str(Check("boot", State.WRONG, "word " * 40, "do this", "camrig " + "x" * 150, details))
    assert "camrig " + "x" * 150 in text.splitlines()[-2].strip()
    assert text.splitlines()[-1].endswith("| Traceback: this")
    assert "load:" not in text
