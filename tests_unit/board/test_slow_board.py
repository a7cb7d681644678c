"""A slow board: it answers late, queues the keys sent meanwhile, and boots without output."""

from __future__ import annotations

import os
import re
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from camrig.board.recovery import AT_BOOT, CTRL_C, Ladder, rungs
from camrig.board.session import Session
from camrig.errors import BoardSilentError

BANNER = b"MicroPython v1.26.0 on 2025-08-09; Generic ESP32 module with SPIRAM with ESP32\r\n"
FRIENDLY = BANNER + b'Type "help()" for more information.\r\n>>> '
RAW = b"raw REPL; CTRL-B to exit\r\n>"


class SlowBoard:
    """The REPLs of py/pyexec.c at the far end of a pseudo-terminal. Keys are handled in order, and none is lost.

    ``boot`` is the time in seconds until the first prompt, ``late`` the time until a Ctrl-A is answered.
    """

    def __init__(self, path: str, boot: float = 0.0, late: float = 0.0) -> None:
        self.near, self.far = os.openpty()
        tty.setraw(self.near)
        tty.setraw(self.far)
        os.symlink(os.ttyname(self.far), path)
        self.path, self.boot, self.late = path, boot, late
        self.raw, self.typed = False, b""
        self.stop_read, self.stop_write = os.pipe()
        self.thread = threading.Thread(target=self._live)
        self.thread.start()

    def close(self) -> None:
        os.write(self.stop_write, b"x")
        self.thread.join(10)
        for handle in (self.near, self.far, self.stop_read, self.stop_write):
            os.close(handle)

    def _live(self) -> None:
        if self._rest(self.boot):
            return
        os.write(self.near, FRIENDLY)
        while True:
            ready, _, _ = select.select([self.near, self.stop_read], [], [])
            if self.stop_read in ready:
                return
            for key in os.read(self.near, 1024):
                if self._take(bytes([key])):
                    return

    def _rest(self, seconds: float) -> bool:
        return bool(select.select([self.stop_read], [], [], seconds)[0])

    def _take(self, key: bytes) -> bool:
        """Handle one key; true if the test is over."""
        if key == b"\x01":
            if self._rest(self.late):
                return True
            paste, self.raw, self.typed = self.typed == b"\x05A", True, b""
            os.write(self.near, b"R\x00" if paste else RAW)
        elif key == b"\x03":
            self.typed = b""
            os.write(self.near, b"" if self.raw else b"\r\n>>> ")
        elif key == b"\x04" and self.raw:
            self._run()
        else:
            self.typed += key
        return False

    def _run(self) -> None:
        code, self.typed = self.typed.strip(), b""
        if not code:
            os.write(self.near, b"OK\r\nMPY: soft reboot\r\n" + RAW)
            return
        match = re.fullmatch(rb"print\((?:'(\w+)'|6\*7)\)", code)
        assert match, code
        os.write(self.near, b"OK" + (match[1] or b"42") + b"\r\n\x04\x04>")


@pytest.fixture
def slow(tmp_path) -> Iterator[Callable[..., Session]]:
    with ExitStack() as stack:

        def start(boots_in: float = 4.0, **delays: float) -> Session:
            board = SlowBoard(str(tmp_path / "board"), **delays)
            stack.callback(board.close)
            session = Session(board.path, 115200, boots_in=boots_in)
            stack.callback(session.close)
            return session

        yield start


def works(session: Session) -> bool:
    return [session.exec("print(6*7)").strip() for _ in range(2)] == ["42", "42"]


@pytest.mark.parametrize("late", [0.0, 0.7, 1.3])
def test_a_late_answer_to_ctrl_a_does_not_confuse_the_session(slow, late):
    session = slow(late=late)
    session.interrupt(8)
    assert session.transport.use_raw_paste
    assert works(session)


@pytest.mark.parametrize("late", [0.0, 0.7])
def test_keys_queued_during_boot_do_not_confuse_the_session(slow, late):
    session = slow(boot=0.8, late=late)
    session.catch(8)
    assert works(session)


def test_repl_of_a_board_that_boots_without_output(slow):
    session = slow(boot=1.5)
    session.repl()
    assert works(session)


def test_a_silent_board_without_control_lines_gets_its_whole_boot_time(slow):
    session = slow(boots_in=0.5, boot=30)
    start = time.monotonic()
    with pytest.raises(BoardSilentError, match="nothing answers"):
        session.repl()
    assert time.monotonic() - start < 10


@pytest.mark.parametrize("first", [AT_BOOT, CTRL_C])
def test_the_ladder_brings_back_a_board_that_is_booting(slow, first):
    session = slow(boot=1.0, late=0.3)
    ladder = Ladder(session, rungs(session, pulse=lambda: False, boot=4.0))
    assert ladder.climb(first).rung == first
    assert works(session)
