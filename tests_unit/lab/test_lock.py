"""One owner per board: a second run names the owner, waits if allowed, and a killed run leaves no lock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from camrig.errors import BlockedError, BoardBusyError
from camrig.lab import lock
from camrig.lab.usb_ports import UsbPort, lock_key
from camrig.virtual.board import VirtualBoard, VirtualConfig

from tests_unit.conftest import ROOT

HOLD = """
import sys
from camrig.lab import lock
board_lock = lock.take("board", "desk")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder():
    """Another process that holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_run_names_the_holder_and_since_when(holder):
    with pytest.raises(BoardBusyError) as raised:
        lock.take("board", "/dev/ttyUSB0")
    for word in (str(holder.pid), time.strftime("%Y-"), "--hil-wait", "/dev/ttyUSB0"):
        assert word in str(raised.value)
    assert lock.inspect("board")[0].pid == holder.pid


def test_a_waiting_run_reports_it_once(holder):
    messages: list[str] = []

    def notify(line: str) -> None:
        messages.append(line)
        threading.Thread(target=holder.stdin.close).start()  # the other run ends

    lock.take("board", "desk", 20, notify).release()
    assert len(messages) == 1
    assert str(holder.pid) in messages[0]


def test_waiting_ends_after_the_given_seconds(holder):
    with pytest.raises(BoardBusyError, match=r"and was for 0\.3 s"):
        lock.take("board", "desk", 0.3)


def test_a_killed_run_leaves_no_lock(holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    assert lock.inspect("board")[0] is None
    lock.take("board", "desk").release()


def test_one_run_cannot_take_a_board_twice():
    board_lock = lock.take("board", "/dev/ttyUSB0")
    with pytest.raises(BoardBusyError, match="this run already has that board, as /dev/ttyUSB0"):
        lock.take("board", "/dev/serial/by-id/x")
    board_lock.release()
    board_lock.release()
    lock.take("board", "again").release()


def test_the_identity_of_a_board_is_kept_after_its_run():
    with lock.held("board", "desk") as board_lock:
        board_lock.remember("ESP32", "24:0a:c4:00:01:10", "MicroPython 1.26.0")
    holder, record = lock.inspect("board")
    assert holder is None
    assert (record.chip, record.firmware) == ("ESP32", "MicroPython 1.26.0")
    assert lock.inspect("never") == (None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"holder": {"pid": 1}, "seen": 5}', '{"holder": 7}'])
def test_a_damaged_lock_file_does_not_prevent_locking(runtime, text):
    lock.take("board", "desk").release()
    (runtime / "camrig" / "board.lock").write_text(text)
    assert lock.inspect("board")[0] is None
    lock.take("board", "desk").release()
    assert json.loads((runtime / "camrig" / "board.lock").read_text())["holder"] is None


def test_a_lock_folder_of_another_user_is_refused(runtime):
    (runtime / "camrig").symlink_to(runtime)
    with pytest.raises(BlockedError, match="not this user's"):
        lock.take("board", "desk")


def port(name: str, serial: str = "") -> UsbPort:
    return UsbPort(name, "CP210x", serial, "10c4:ea60")


def test_two_paths_to_one_board_make_one_lock_name(tmp_path):
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    path, link = str(tmp_path / "ttyUSB0"), str(tmp_path / "by-id")
    assert lock_key(path, []) == lock_key(link, [])
    known = [port(path, "A1"), port("/dev/ttyUSB7", "B2")]
    assert lock_key(path, known) == lock_key(link, known) == "usb-10c4:ea60-A1"
    moved = [port("/dev/ttyUSB3", "A1")]
    assert lock_key("/dev/ttyUSB3", moved) == lock_key(path, known)


def test_ports_that_share_a_serial_number_have_different_locks():
    known = [port("/dev/ttyUSB0", "0001"), port("/dev/ttyUSB1", "0001"), port("/dev/ttyUSB2")]
    assert len({lock_key(usb_port.port, known) for usb_port in known}) == 3
    assert lock_key("rfc2217://lab:4000?ign_set_control", known) == lock_key("rfc2217://lab:4000", known)


def test_a_second_run_on_a_board_is_blocked_or_waits(hil, run, tmp_path):
    """The second run is blocked with a message; with --hil-wait it gets the board."""
    wifi = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse"}
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="correct horse")) as board:
        second_path = tmp_path / "another-path"
        second_path.symlink_to(os.path.realpath(board.path))
        board_lock = lock.take(lock_key(board.path), "the first run")
        blocked = hil("--device", str(second_path), env=wifi)
        assert blocked.code == 6
        assert "the board is in use by" in blocked.out
        assert str(os.getpid()) in blocked.out
        release = ("waiting up to 30 s", lambda process: board_lock.release())
        waited = hil("--device", str(second_path), "--hil-wait", "30", env=wifi, when=release)
        assert waited.code == 0, waited.out
        assert "waiting up to 30 s" in waited.out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports when a pseudo-terminal was created")
def test_a_reused_pseudo_terminal_name_makes_a_new_lock(runtime):
    def make() -> tuple[str, str, list[int]]:
        ends = list(os.openpty())
        name = os.ttyname(ends[1])
        return name, lock_key(name), ends

    first, key, ends = make()
    assert lock_key(first) == key
    stale = lock.take(key, "a board that is gone")
    for end in ends:
        os.close(end)
    for _ in range(20):
        second, new_key, ends = make()
        if second == first:
            break
        for end in ends:
            os.close(end)
    else:
        pytest.skip("another process took the name")
    with lock.held(new_key, "its successor"):
        assert lock.inspect(new_key)[0].board == "its successor"
        assert len(list((runtime / "camrig").iterdir())) == 2
    stale.release()
    for end in ends:
        os.close(end)
    with lock.held(f"{lock.TRANSIENT}later", "a later one"):
        assert len(list((runtime / "camrig").iterdir())) == 1


def test_a_lock_on_a_removed_file_does_not_count(runtime):
    key = f"{lock.TRANSIENT}x"
    lock.take(key, "first").release()
    waiting = lock._open(key)  # as a process has that opened the file just before it is removed
    lock.take(f"{lock.TRANSIENT}other", "another board").release()
    second = lock.take(key, "second")
    assert lock.try_lock(waiting)
    assert not lock._is_current(waiting, key)
    waiting.close()
    with pytest.raises(BoardBusyError):
        lock.take(key, "third")
    second.release()


@pytest.mark.parametrize("variable", ["", "/nowhere at all"])
def test_without_a_runtime_folder_locks_are_below_the_temporary_one(monkeypatch, tmp_path, variable):
    monkeypatch.setattr(lock.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", variable)
    assert lock.folder() == tmp_path / f"camrig-{os.getuid()}"
    assert os.stat(lock.folder()).st_mode & 0o077 == 0
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert lock.folder() == tmp_path / "camrig"
