"""Whatever is wrong with a board or a bench ends in one sentence, the right exit code, and a free port."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from camrig.board import session
from camrig.board.session import Session
from camrig.errors import BoardSilentError
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT, Ended

WIFI = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse battery"}


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    """A board that is there before the run, as a real one is."""
    config = VirtualConfig(wifi_ssid=WIFI["CAMRIG_WIFI_SSID"], wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as board:
        yield board


@contextlib.contextmanager
def wire(answers: bytes | None, tmp_path: Path) -> Iterator[str]:
    """A port with something at its virtual end that says ``answers`` to whatever it hears; None: nobody is there."""
    near, far = os.openpty()
    tty.setraw(near)
    tty.setraw(far)
    path = tmp_path / "port"
    path.symlink_to(os.ttyname(far))
    stop_read, stop_write = os.pipe()

    def speak() -> None:
        import select

        while True:
            ready, _, _ = select.select([near, stop_read], [], [])
            if stop_read in ready:
                return
            os.read(near, 1024)
            if answers:
                os.write(near, answers)

    thread = threading.Thread(target=speak)
    thread.start()
    try:
        yield str(path)
    finally:
        os.write(stop_write, b"x")
        thread.join(10)
        for handle in (near, far, stop_read, stop_write):
            os.close(handle)


def app(tmp_path: Path, main: str) -> str:
    """A copy of the application with another main.py."""
    folder = tmp_path / "app"
    shutil.copytree(ROOT / "device", folder)
    (folder / "main.py").write_text(main)
    return str(folder)


def assert_blocked(ended: Ended, *words: str, code: int = 6) -> None:
    assert ended.code == code, ended.out
    for word in words:
        assert word.lower() in ended.out.lower(), ended.out
    assert not re.search(r"\brig/[\w/]+\.py", ended.out)  # no traceback of the rig
    assert " passed" not in ended.out
    assert WIFI["CAMRIG_WIFI_PASSWORD"] not in ended.out
    assert ended.left_running() == []


@pytest.fixture
def short_boot(hil):
    """Runs the suite on a board that never boots, and soon gives it up."""

    def call(path: str) -> Ended:
        return hil("--device", path, "-p", "tests_unit.bringup.short_boot", env=WIFI)

    return call


def assert_free(path: str) -> None:
    with open(path, "rb+", buffering=0) as port:
        fcntl.flock(port, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_missing_port_blocks(hil):
    ended = hil("--device", "/dev/ttyNOBOARD")
    assert_blocked(ended, "there is no port /dev/ttyNOBOARD", "1 blocked", "not run: 35 tests")


def test_evidence_of_an_earlier_run_is_removed(hil, tmp_path):
    old = tmp_path / "old.zip"
    old.write_bytes(b"of a run that passed")
    hil("--collect-only", "--hil-evidence", str(old))
    assert old.exists()
    assert_blocked(hil("--device", "/dev/ttyNOBOARD", "--hil-evidence", str(old)), "there is no port", "1 blocked")
    assert not old.exists()


NO_PORTS = {
    "simm": "there is no port simm. Did you mean sim?",
    "socket://127.0.0.1:1": "socket://127.0.0.1:1 cannot be opened",
    "socket://127.0.0.1": "socket://127.0.0.1 is not the address of a port. Write socket://HOST:PORT.",
    "rfc2217://": "rfc2217:// is not the address of a port. Write rfc2217://HOST:PORT.",
    "socket://127.0.0.1:abc": "socket://127.0.0.1:abc is not the address of a port. Write socket://HOST:PORT.",
}


def test_each_device_that_is_not_a_port_blocks_with_its_reason(hil, tmp_path):
    file = tmp_path / "file"
    file.touch()
    ended = hil(*(word for spec in (*NO_PORTS, str(file)) for word in ("--device", spec)), env=WIFI)
    assert_blocked(ended, *NO_PORTS.values(), f"{file} is not a serial port", "6 blocked")


def test_a_board_that_keeps_restarting_blocks(short_boot, tmp_path):
    banner = b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0xc (SW_CPU_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    with wire(banner, tmp_path) as path:
        assert_blocked(short_boot(path), "restarts over and over (SW_CPU_RESET)", path)


def test_a_busy_port_blocks(hil, board):
    with open(board.path, "rb+", buffering=0) as port:
        fcntl.flock(port, fcntl.LOCK_EX)
        assert_blocked(hil("--device", board.path, env=WIFI), "in use by another program", board.path)


def test_a_silent_port_blocks(short_boot, tmp_path):
    with wire(None, tmp_path) as path:
        assert_blocked(short_boot(path), path, "nothing answers on the serial line", "check power")
        assert_free(path)


def test_a_board_without_micropython_blocks(short_boot, tmp_path):
    with wire(b"AT+ERROR\r\nNodeMCU 3.0\r\n> ", tmp_path) as path:
        assert_blocked(short_boot(path), "not a MicroPython REPL", "NodeMCU 3.0")
        assert_free(path)


def test_a_program_that_catches_ctrl_c_is_named(short_boot, tmp_path):
    with wire(b"again, after KeyboardInterrupt('',)\r\ncamrig: serving http://10.0.0.2\r\n", tmp_path) as path:
        ended = short_boot(path)
        assert_blocked(ended, "Ctrl-C (KeyboardInterrupt) is caught", "press the board's reset button")
        assert "flash MicroPython" not in ended.out.lower()


@pytest.mark.parametrize("words", [
    b"tick 1\r\ncamrig: serving http://10.0.0.2\r\n",
    b"MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with ESP32\r\n",
    b"Traceback (most recent call last):\r\n  File \"main.py\", line 1, in work\r\nValueError: no\r\n",
])  # fmt: skip
def test_a_board_that_runs_micropython_is_not_to_be_flashed(tmp_path, monkeypatch, words):
    monkeypatch.setattr(session, "SECONDS_TO_START", 0.0)
    with wire(words, tmp_path) as path:
        line = Session(path, 115200, boots_in=0.5)
        with pytest.raises(
            BoardSilentError, match=r"goes on after Ctrl-C, .*press the board's reset button"
        ) as silent:
            line.repl()
        line.close()
    assert "flash" not in str(silent.value).lower()


def test_a_boot_py_that_never_returns_is_named_and_taken_over(hil, board, tmp_path):
    folder = app(tmp_path, "print('serving http://127.0.0.1:9')\n")
    (Path(folder) / "boot.py").write_text("import time\nwhile True:\n    time.sleep(1)\n")
    ended = hil("--device", board.path, "--hil-app", folder, "--hil-boot-timeout", "2", env=WIFI)
    assert_blocked(ended, "Ctrl-C found boot.py at /.camrig/boot.py:3 in <module>", "let boot.py end")
    ended = hil("--device", board.path, env=WIFI)  # the application that is repaired
    assert ended.code == 0, ended.out


@pytest.mark.parametrize("moment", ["joined", "ready", "request", "request*2"])
def test_a_panic_before_the_first_test_blocks(hil, moment):
    config = VirtualConfig(faults=(f"guru@{moment}",), wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as virtual:
        assert_blocked(
            hil("--device", virtual.path, env=WIFI), "the firmware crashed", "LoadProhibited", virtual.path
        )


def test_a_board_in_its_boot_loader_blocks(short_boot, tmp_path):
    with wire(b"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT)\r\nwaiting for download\r\n", tmp_path) as path:
        assert_blocked(short_boot(path), "boot loader", "IO0")


def test_missing_wifi_settings_block(hil, board):
    assert_blocked(hil("--device", board.path), "no Wi-Fi settings", "CAMRIG_WIFI_SSID", "camrig.wifi.toml")
    assert_free(board.path)


def test_a_wrong_password_blocks(hil, board):
    env = {**WIFI, "CAMRIG_WIFI_PASSWORD": "not the password"}
    ended = hil("--device", board.path, env=env)
    assert_blocked(ended, "wrong password", "'lab'", board.path)
    assert "not the password" not in ended.out
    assert_free(board.path)


def test_a_network_out_of_reach_blocks(hil, board):
    env = {**WIFI, "CAMRIG_WIFI_SSID": "attic"}
    assert_blocked(hil("--device", board.path, env=env), "does not find the Wi-Fi network 'attic'")


def test_a_main_that_raises_blocks_with_its_traceback(hil, board, tmp_path):
    main = "def start():\n    raise ValueError('no lens')\nstart()\n"
    ended = hil("--device", board.path, "--hil-app", app(tmp_path, main), env=WIFI)
    assert_blocked(ended, "main.py raised at boot: ValueError: no lens", 'File "main.py", line 2')


def test_a_main_that_ends_blocks(hil, board, tmp_path):
    ended = hil("--device", board.path, "--hil-app", app(tmp_path, "print('bye')\n"), env=WIFI)
    assert_blocked(ended, "main.py ended without serving")


def test_a_main_without_a_ready_line_blocks(hil, board, tmp_path):
    main = "import time\nwhile True:\n    time.sleep(1)\n"
    options = ("--device", board.path, "--hil-app", app(tmp_path, main), "--hil-boot-timeout", "2")
    assert_blocked(hil(*options, env=WIFI), "did not say within 2 s where it serves", "--hil-boot-timeout")


def test_a_server_that_never_answers_blocks(hil, board, tmp_path):
    main = "import time\nprint('serving http://127.0.0.1:9')\nwhile True:\n    time.sleep(1)\n"
    options = ("--device", board.path, "--hil-app", app(tmp_path, main), "--hil-boot-timeout", "1")
    assert_blocked(hil(*options, env=WIFI), "http://127.0.0.1:9 does not answer", "--hil-url")


def test_an_application_without_the_agent_blocks(hil, board, tmp_path):
    main = (ROOT / "device" / "main.py").read_text().replace("import rig_agent", "raise ImportError")
    ended = hil("--device", board.path, "--hil-app", app(tmp_path, main), env=WIFI)
    assert_blocked(ended, "the rig's agent is not attached", "rig_agent.attach(app)")


@pytest.mark.parametrize(("attached", "words"), [
    ("rig_agent.attach('app')", ("the rig's agent is off: ", "not a Microdot application", "rig_agent.attach(app)")),
    ("rig_agent.attach(app, cors=type(app.cors)(app))", ("the rig's agent is off: ", "two CORS objects", "app.cors")),
    ("del app.cors; rig_agent.attach(app)", ("knows no CORS object", "attach(app, cors=...)")),
    ("__import__('os').remove('/camrig_rig.json'); rig_agent.attach(app)", ("no token for the agent",)),
])  # fmt: skip
def test_an_agent_that_is_attached_wrongly_says_so(hil, board, tmp_path, attached, words):
    main = (ROOT / "device" / "main.py").read_text().replace("rig_agent.attach(app)", attached)
    ended = hil("--device", board.path, "--hil-app", app(tmp_path, main), env=WIFI)
    assert_blocked(ended, *words)


def test_an_application_that_does_not_compile_is_refused(hil, board, tmp_path):
    folder = app(tmp_path, "")
    (Path(folder) / "sensor.py").write_text("def broken(:\n")
    ended = hil("--device", board.path, "--hil-app", folder, env=WIFI)
    assert ended.code == 4, ended.out
    assert "sensor.py, line 1, does not compile" in ended.out


def test_a_module_on_the_board_that_hides_the_library_blocks(hil):
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])) as virtual:
        command = [sys.executable, "-m", "mpremote", "connect", virtual.path, "fs", "touch", ":microdot.py"]
        subprocess.run(command, check=True, timeout=60, capture_output=True)
        ended = hil("--device", virtual.path, env=WIFI)
        assert_blocked(ended, "/microdot.py on the board would be imported instead", "fs rm")


def test_a_full_flash_blocks(hil):
    config = VirtualConfig(flash_blocks=16, wifi_ssid="lab", wifi_password=WIFI["CAMRIG_WIFI_PASSWORD"])
    with VirtualBoard.start(config) as small:
        assert_blocked(hil("--device", small.path, env=WIFI), "flash is full", "bytes", "are free")
        assert_free(small.path)


def test_a_missing_interpreter_blocks(hil):
    ended = hil(env={"MICROPY_MICROPYTHON": "/nowhere/micropython"})
    assert_blocked(ended, "/nowhere/micropython", "MICROPY_MICROPYTHON")


def test_a_virtual_board_blocks_where_hardware_is_required(hil):
    assert_blocked(hil("--hil-require", "hardware"), "this is a virtual board", "--hil-require=hardware")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--hil-sim-hepa", "4M"], ["--hil-sim-hepa"]),
        (["--hil-sim-heap", "lots"], ["'lots'"]),
        (["--hil-url", "https://board"], ["--hil-url", "'https://board'"]),
        (["--hil-boot-timeout", "soon"], ["--hil-boot-timeout", "'soon'"]),
        (["--hil-require", "metal"], ["any, hardware"]),
        (["--hil-lib", "/nowhere"], ["--hil-lib", "not a folder"]),
    ],
)
def test_mistyped_options_are_usage_errors(hil, options, words):
    assert_blocked(hil(*options), *words, code=4)


def test_an_interrupt_leaves_nothing_running(run, tmp_path):
    interrupt = (" files sent", lambda process: process.send_signal(signal.SIGINT))
    ended = run("pytest", "tests_hil", "-p", "no:cacheprovider", "--hil-results", str(tmp_path), when=interrupt)
    assert ended.code == 2, ended.out
    assert ended.left_running() == []
