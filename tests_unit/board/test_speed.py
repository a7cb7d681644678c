"""A higher line speed: both ends change together, a line with errors steps down, and the board is never lost."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import tty
from collections.abc import Iterator

import pytest
from camrig.board.session import Session
from camrig.board.speed import at_speed
from camrig.errors import BoardResetError
from camrig.virtual.board import VirtualBoard, VirtualConfig

# A substitute for the UART of an ESP32's REPL, on a board that has none; ``speeds`` is its history.
UART = """
import machine
speeds = []
class UART:
    def __init__(self, n, baudrate):
        speeds.append(baudrate)
machine.UART = UART
"""
NAMES = {termios.B115200: 115200, termios.B230400: 230400, termios.B460800: 460800, termios.B921600: 921600}


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig()) as virtual_board:
        yield virtual_board


@contextlib.contextmanager
def cable(board: VirtualBoard, path, corrupts_above: int) -> Iterator[tuple[str, list[int]]]:
    """A cable to the board that corrupts data above a speed; and the speeds that the host used."""
    near, far = os.openpty()
    tty.setraw(far)
    path.symlink_to(os.ttyname(far))
    end = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
    stop, wake = os.pipe()
    speeds: list[int] = []

    def relay() -> None:
        while True:
            ready, _, _ = select.select([near, end, stop], [], [])
            if stop in ready:
                return
            speed = NAMES.get(termios.tcgetattr(near)[4], 0)  # 0: before the first host
            if speed and speeds[-1:] != [speed]:
                speeds.append(speed)
            for source, target in ((near, end), (end, near)):
                if source in ready:
                    data = os.read(source, 4096)
                    if speed > corrupts_above:
                        data = bytes(byte ^ 0x91 for byte in data)
                    os.write(target, data)

    thread = threading.Thread(target=relay)
    thread.start()
    try:
        yield str(path), speeds
    finally:
        os.write(wake, b"x")
        thread.join(10)
        for handle in (near, far, end, stop, wake):
            os.close(handle)


@contextlib.contextmanager
def session(path: str, prepare: str = UART) -> Iterator[Session]:
    board_session = Session(path, 115200)
    try:
        board_session.repl()
        board_session.exec(prepare)
        yield board_session
    finally:
        board_session.close()


def test_both_ends_change_speed_together_and_go_back(board, tmp_path):
    with cable(board, tmp_path / "port", 4_000_000) as (path, speeds), session(path) as line:
        with at_speed(line.transport, 921600) as speed:
            assert speed == 921600
            assert line.exec("print('fast')").strip() == "fast"
        assert line.ask("import json\nprint(json.dumps(speeds))") == [921600, 115200]
        assert speeds == [115200, 921600, 115200]


def test_a_line_that_corrupts_data_steps_down(board, tmp_path):
    with cable(board, tmp_path / "port", 300_000) as (path, _), session(path) as line:
        with at_speed(line.transport, 921600) as speed:
            assert speed == 230400
            assert line.exec("print('well' * 500)").strip() == "well" * 500
        raised = [speed for speed in line.ask("import json\nprint(json.dumps(speeds))") if speed != 115200]
        assert raised == [921600, 460800, 230400]


def test_a_line_that_supports_no_higher_speed_stays_as_it_was(board, tmp_path):
    with cable(board, tmp_path / "port", 115200) as (path, _), session(path) as line:
        with at_speed(line.transport, 460800) as speed:
            assert speed == 115200
        assert line.exec("print('slow')").strip() == "slow"


@pytest.mark.parametrize(
    "prepare", ["", "import machine\ndef UART(n, baudrate): raise ValueError\nmachine.UART = UART"]
)
def test_a_board_that_cannot_change_its_speed_stays_as_it_was(board, tmp_path, prepare):
    with cable(board, tmp_path / "port", 4_000_000) as (path, speeds), session(path, prepare) as line:
        with at_speed(line.transport, 460800) as speed:
            assert speed == 115200
        assert line.exec("print(6 * 7)").strip() == "42"
        assert speeds[-1] == 115200


def test_the_host_follows_a_board_that_restarts(board, tmp_path):
    with cable(board, tmp_path / "port", 4_000_000) as (path, speeds), session(path) as line:
        with pytest.raises(BoardResetError), at_speed(line.transport, 921600):
            line.exec("import machine\nmachine.reset()")
        line.repl()
        assert line.exec("print(6 * 7)").strip() == "42"
        assert speeds == [115200, 921600, 115200]


def test_without_a_requested_speed_nothing_changes(board, tmp_path):
    with session(board.path) as line, at_speed(line.transport, None) as speed:
        assert speed == 115200
        assert line.ask("import json\nprint(json.dumps(speeds))") == []
