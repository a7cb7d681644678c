"""A serial line with a scripted peer at its far end."""

from __future__ import annotations

import contextlib
import os
import select
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


class Peer:
    """The far end of a pseudo-terminal, for a script that reads and writes in its own thread."""

    def __init__(self, path: Path) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        path.symlink_to(os.ttyname(self._slave))
        self.path = str(path)
        self._stop_read, self._stop_write = os.pipe()
        self._thread: threading.Thread | None = None
        self.failure: BaseException | None = None

    def script(self, play: Callable[[Peer], None]) -> None:
        def run() -> None:
            try:
                play(self)
            except EOFError:
                pass
            except BaseException as error:
                self.failure = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def read(self) -> bytes:
        """Some bytes from the host. Raises EOFError when the test is over."""
        ready, _, _ = select.select([self.master, self._stop_read], [], [], 20)
        if self._stop_read in ready or not ready:
            raise EOFError
        return os.read(self.master, 4096)

    def until(self, ending: bytes) -> bytes:
        data = b""
        while not data.endswith(ending):
            data += self.read()
        return data

    def say(self, data: bytes) -> None:
        os.write(self.master, data)

    def speed(self) -> int:
        """The termios constant of the speed to which the host has set the port."""
        return int(termios.tcgetattr(self.master)[4])

    def unplug(self) -> None:
        """Close both ends, as the host sees it when the USB cable is pulled."""
        for name in ("master", "_slave"):
            with contextlib.suppress(OSError):
                os.close(getattr(self, name))
            setattr(self, name, -1)

    def close(self) -> None:
        os.write(self._stop_write, b"x")
        if self._thread is not None:
            self._thread.join(20)
        for handle in (self.master, self._slave, self._stop_read, self._stop_write):
            with contextlib.suppress(OSError):
                os.close(handle)
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    scripted = Peer(tmp_path / "port")
    try:
        yield scripted
    finally:
        scripted.close()
