"""One owner per board: the second says who has it, waits if it may, and a killed run leaves nothing behind."""

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
mine = lock.take("board", "desk")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def holder():
    """Another process that has the board."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_the_second_is_told_who_has_it_since_when(holder):
    with pytest.raises(BoardBusyError) as raised:
        lock.take("board", "/dev/ttyUSB0")
    for word in (str(holder.pid), time.strftime("%Y-"), "--hil-wait", "/dev/ttyUSB0"):
        assert word in str(raised.value)
    assert lock.look("board")[0].pid == holder.pid


def test_it_waits_and_says_so(holder):
    told: list[str] = []

    def tell(line: str) -> None:
        told.append(line)
        threading.Thread(target=holder.stdin.close).start()  # the other run ends

    lock.take("board", "desk", 20, tell).release()
    assert len(told) == 1
    assert str(holder.pid) in told[0]


def test_its_patience_ends(holder):
    with pytest.raises(BoardBusyError, match=r"and was for 0\.3 s"):
        lock.take("board", "desk", 0.3)


def test_a_killed_run_leaves_no_lock(holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(10)
    assert lock.look("board")[0] is None
    lock.take("board", "desk").release()


def test_the_same_board_named_twice_in_one_run():
    mine = lock.take("board", "/dev/ttyUSB0")
    with pytest.raises(BoardBusyError, match="this run has that board already, as /dev/ttyUSB0"):
        lock.take("board", "/dev/serial/by-id/x")
    mine.release()
    mine.release()
    lock.take("board", "again").release()


def test_what_a_board_said_is_remembered_after_its_run():
    with lock.held("board", "desk") as mine:
        mine.remember("ESP32", "24:0a:c4:00:01:10", "MicroPython 1.26.0")
    found, seen = lock.look("board")
    assert found is None
    assert (seen.chip, seen.firmware) == ("ESP32", "MicroPython 1.26.0")
    assert lock.look("never") == (None, None)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"holder": {"pid": 1}, "seen": 5}', '{"holder": 7}'])
def test_a_damaged_lock_file_is_no_hindrance(runtime, text):
    lock.take("board", "desk").release()
    (runtime / "camrig" / "board.lock").write_text(text)
    assert lock.look("board")[0] is None
    lock.take("board", "desk").release()
    assert json.loads((runtime / "camrig" / "board.lock").read_text())["holder"] is None


def test_a_folder_of_somebody_else_is_refused(runtime):
    (runtime / "camrig").symlink_to(runtime)
    with pytest.raises(BlockedError, match="not this user's"):
        lock.take("board", "desk")


def port(name: str, serial: str = "") -> UsbPort:
    return UsbPort(name, "CP210x", serial, "10c4:ea60")


def test_a_board_is_one_by_whatever_path(tmp_path):
    (tmp_path / "ttyUSB0").touch()
    (tmp_path / "by-id").symlink_to(tmp_path / "ttyUSB0")
    one, link = str(tmp_path / "ttyUSB0"), str(tmp_path / "by-id")
    assert lock_key(one, []) == lock_key(link, [])
    known = [port(one, "A1"), port("/dev/ttyUSB7", "B2")]
    assert lock_key(one, known) == lock_key(link, known) == "usb-10c4:ea60-A1"
    moved = [port("/dev/ttyUSB3", "A1")]
    assert lock_key("/dev/ttyUSB3", moved) == lock_key(one, known)


def test_batches_with_one_serial_number_are_told_apart():
    known = [port("/dev/ttyUSB0", "0001"), port("/dev/ttyUSB1", "0001"), port("/dev/ttyUSB2")]
    assert len({lock_key(found.port, known) for found in known}) == 3
    assert lock_key("rfc2217://lab:4000?ign_set_control", known) == lock_key("rfc2217://lab:4000", known)


def test_two_runs_on_one_board(hil, run, tmp_path):
    """The second run is blocked with a sentence; with patience it has its turn."""
    wifi = {"CAMRIG_WIFI_SSID": "lab", "CAMRIG_WIFI_PASSWORD": "correct horse"}
    with VirtualBoard.start(VirtualConfig(wifi_ssid="lab", wifi_password="correct horse")) as board:
        other = tmp_path / "another-path"
        other.symlink_to(os.path.realpath(board.path))
        mine = lock.take(lock_key(board.path), "the first run")
        blocked = hil("--device", str(other), env=wifi)
        assert blocked.code == 6
        assert "the board is in use by" in blocked.out
        assert str(os.getpid()) in blocked.out
        release = ("waiting up to 30 s", lambda process: mine.release())
        waited = hil("--device", str(other), "--hil-wait", "30", env=wifi, when=release)
        assert waited.code == 0, waited.out
        assert "waiting up to 30 s" in waited.out


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells when a pseudo-terminal was made")
def test_a_pseudo_terminal_is_not_the_one_that_had_its_name_before(runtime):
    def made() -> tuple[str, str, list[int]]:
        ends = list(os.openpty())
        name = os.ttyname(ends[1])
        return name, lock_key(name), ends

    first, key, ends = made()
    assert lock_key(first) == key
    mine = lock.take(key, "a board that is gone")
    for end in ends:
        os.close(end)
    for _ in range(20):
        second, other, ends = made()
        if second == first:
            break
        for end in ends:
            os.close(end)
    else:
        pytest.skip("the name is taken by somebody else")
    with lock.held(other, "its successor"):
        assert lock.look(other)[0].board == "its successor"
        assert len(list((runtime / "camrig").iterdir())) == 2
    mine.release()
    for end in ends:
        os.close(end)
    with lock.held(f"{lock.FLEETING}later", "a later one"):
        assert len(list((runtime / "camrig").iterdir())) == 1


def test_a_lock_whose_file_was_swept_away_is_no_lock(runtime):
    key = f"{lock.FLEETING}x"
    lock.take(key, "first").release()
    waiting = lock._open(key)  # as somebody has who came just before the file goes
    lock.take(f"{lock.FLEETING}other", "somebody else").release()
    second = lock.take(key, "second")
    assert lock._try(waiting)
    assert not lock._there(waiting, key)
    waiting.close()
    with pytest.raises(BoardBusyError):
        lock.take(key, "third")
    second.release()
