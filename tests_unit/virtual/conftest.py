"""A virtual board for a module's tests, and its serial port as mpremote sees it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from camrig.virtual.board import VirtualBoard, VirtualConfig
from mpremote.transport_serial import SerialTransport

SECONDS = 15


class SerialClient:
    """One client on the serial port, through mpremote's own transport."""

    def __init__(self, path: str) -> None:
        self.transport = SerialTransport(path)

    def until(self, ending: bytes, seconds: float = SECONDS) -> bytes:
        """Everything up to ``ending``; fails the test when that does not arrive."""
        data: bytes = self.transport.read_until(1, ending, timeout=seconds, timeout_overall=seconds)
        assert data.endswith(ending), f"{ending!r} did not arrive, but {data!r}"
        return data

    def listen(self, seconds: float = 0.2) -> bytes:
        """Everything until the line has been quiet for ``seconds``."""
        data: bytes = self.transport.read_until(1, b"never printed", timeout=seconds, timeout_overall=SECONDS)
        return data

    def type(self, keys: bytes) -> None:
        self.transport.serial.write(keys)

    def raw(self, soft_reset: bool = True) -> SerialTransport:
        self.transport.enter_raw_repl(soft_reset=soft_reset)
        return self.transport

    def run(self, code: str) -> str:
        """Output of ``code`` in the raw REPL after a soft reset."""
        return str(self.raw().exec(code), "utf8").replace("\r\n", "\n").strip()

    def put(self, name: str, text: str) -> None:
        self.raw().fs_writefile(name, text.encode())

    def hard_reset(self) -> None:
        self.raw().exec_raw_no_follow("import machine; machine.reset()")
        self.until(b"entry 0x400805b0\r\n")

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the board may have ended before its client
            self.transport.close()


@pytest.fixture(scope="module")
def board() -> Iterator[VirtualBoard]:
    with VirtualBoard.start(VirtualConfig()) as board:
        yield board


@pytest.fixture
def line(board: VirtualBoard) -> Iterator[SerialClient]:
    """A client of the module's board, without scripts of an earlier test."""
    line = SerialClient(board.path)
    try:
        line.raw().exec("import os\nfor n in ('main.py', 'boot.py'):\n try: os.remove(n)\n except OSError: pass")
        yield line
    finally:
        line.close()


@pytest.fixture
def connect() -> Iterator[Callable[[VirtualBoard], SerialClient]]:
    """Clients of boards that the test started itself."""
    opened: list[SerialClient] = []

    def open_line(board: VirtualBoard) -> SerialClient:
        opened.append(SerialClient(board.path))
        return opened[-1]

    yield open_line
    for line in opened:
        line.close()


@pytest.fixture
def mpremote(board: VirtualBoard) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line of mpremote, on the module's board."""

    def call(*args: str, check: bool = True, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mpremote", "connect", board.path, *args]
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, input=stdin)
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
        return result

    return call


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A small tree on the host."""
    (tmp_path / "pkg" / "deep").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").write_text("ANSWER = 42\n")
    (tmp_path / "pkg" / "deep" / "data.bin").write_bytes(bytes(range(256)) * 4)
    return tmp_path
