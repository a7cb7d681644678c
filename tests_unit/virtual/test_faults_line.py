"""A bad line: slow, garbled, lossy, flooded or unplugged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import serial
from camrig.deadline import Deadline
from mpremote.transport import TransportError

BANNER = b'camrig virtual board with ESP32\r\nType "help()" for more information.\r\n>>> '
TEXT = "print('the quick brown fox' * 500)"
TEXT_BYTES = b"the quick brown fox" * 500


def receive(line, board, fault):
    """What arrives of TEXT_BYTES while ``fault`` is active."""
    raw = line.raw()
    raw.exec_raw_no_follow(f"import sys\nsys.stdin.read(1)\n{TEXT}")
    board.fault(fault)
    line.type(b"!" * 200)  # at least one arrives intact
    return line.listen()


def test_garbled_bytes_are_the_same_every_time(line, board):
    received = []
    for _ in range(2):
        received.append(receive(line, board, "garble@0.01")[: len(TEXT_BYTES)])
        board.clear()
        line.type(b"\x03\x03")
    assert received[0] == received[1]
    wrong = sum(a != b for a, b in zip(received[0], TEXT_BYTES, strict=True))
    assert 50 < wrong < 150


def test_lost_bytes_are_missing(line, board):
    received = receive(line, board, "lose@0.05")
    board.clear()
    line.type(b"\x03\x03")
    assert 0.93 * len(TEXT_BYTES) < len(received) < 0.97 * len(TEXT_BYTES)
    assert line.run("print(6*7)") == "42"


def test_keys_are_garbled_too(line, board):
    board.fault("garble@1")
    with pytest.raises(TransportError, match="could not enter raw repl"):
        line.transport.enter_raw_repl(timeout_overall=1)
    board.clear()
    assert line.run("print(6*7)") == "42"


@pytest.mark.parametrize("baud", [115200, 921600])
def test_a_slow_line_keeps_to_its_baud_rate(line, board, baud):
    size = baud // 20  # half a second of bytes
    raw = line.raw()
    board.fault(f"baud@{baud}")
    began = time.monotonic()
    assert len(raw.exec(f"print(end='x' * {size})")) == size
    assert time.monotonic() - began > 0.99 * 10 * size / baud
    began = time.monotonic()
    raw.exec("'" + "x" * size + "'")
    assert time.monotonic() - began > 0.95 * 10 * size / baud
    board.clear()


def test_mpremote_works_on_a_slow_line(mpremote, board, tmp_path):
    board.fault("baud@460800")
    data = os.urandom(6_000)
    (tmp_path / "data").write_bytes(data)
    mpremote("fs", "cp", str(tmp_path / "data"), ":data", "+", "fs", "cp", ":data", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data
    mpremote("mount", str(tmp_path), "exec", "print(len(open('back', 'rb').read()))")
    mpremote("fs", "rm", ":data")
    board.clear()


def test_ctrl_c_gets_through_a_slow_line_that_is_full(line, board):
    board.fault("baud@115200")
    line.raw().exec_raw_no_follow("while True: print('x' * 100)")
    line.until(b"xxx\r\n")
    line.type(b"\x03")
    line.until(b"KeyboardInterrupt: \r\n")
    board.clear()
    assert line.run("print(6*7)") == "42"


def test_a_flood_interrupts_all_output_until_a_hard_reset(line, board):
    line.put("main.py", "print('main runs')\n")
    board.fault("flood@20000")
    line.until(b"cam_hal: EV-VSYNC-OVF\r\nE (")
    line.type(b"\x03\x04")
    line.until(b"cam_hal: EV-VSYNC-OVF\r\nE (")
    board.power_cycle()
    line.until(b"main runs\r\n")
    assert b"cam_hal" not in line.until(BANNER)


def test_a_flood_without_a_reader_does_not_block_the_board(line, board, connect):
    line.close()
    board.fault("flood@1000000")
    board.fault("baud@9600")
    assert board.alive
    board.clear()
    reconnected = connect(board)
    assert reconnected.run("print(6*7)") == "42"


def test_a_port_can_be_unplugged_and_plugged_in_again(line, board, connect):
    line.raw().exec("kept = 'still here'")
    board.fault("port-lost@now")
    assert not Path(board.path).exists()
    with pytest.raises(OSError):  # noqa: PT012 - which of the two raises depends on the system
        line.type(b"\r")
        line.transport.serial.read(1)
    command = [sys.executable, "-m", "mpremote", "connect", board.path, "eval", "1"]
    assert subprocess.run(command, capture_output=True, timeout=30).returncode == 1
    board.clear()
    reconnected = connect(board)
    reconnected.type(b"\x03\x02kept\r")  # the board did not notice: its variables are still there
    reconnected.until(b"'still here'\r\n")


def test_a_port_comes_back_by_itself(board):
    board.fault("port-lost@0.2@now")
    until = Deadline.after(10)
    while not Path(board.path).exists():
        assert not until.passed
        time.sleep(0.01)
    with serial.Serial(board.path, exclusive=True):
        pass
    assert board.struck()[-1].fault == "port-lost@0.2@now"
