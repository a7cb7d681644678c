"""A serial line of a given speed for a virtual board: a pty in front of its port that paces the bytes.

Each direction carries ``baud / 10`` bytes a second, as 8N1 does. Nothing is lost or reordered.
"""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import threading
import time
import tty
from collections import deque
from pathlib import Path

CHUNK = 4096
TICK = 0.001  # seconds of bytes that are delivered together; a USB adapter delivers no finer


class _Direction:
    """One direction: bytes are due when the line would have carried them."""

    def __init__(self, source: int, sink: int, rate: float) -> None:
        self.source, self.sink, self.rate = source, sink, rate
        self.waiting: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        self._piece = max(1, int(rate * TICK))

    def read(self, now: float) -> None:
        try:
            data = os.read(self.source, CHUNK)
        except (BlockingIOError, OSError):
            return
        for start in range(0, len(data), self._piece):
            piece = data[start : start + self._piece]
            self._free_at = max(self._free_at, now) + len(piece) / self.rate
            self.waiting.append((self._free_at, piece))

    def write(self, now: float) -> None:
        while self.waiting and self.waiting[0][0] <= now:
            due, piece = self.waiting[0]
            try:
                sent = os.write(self.sink, piece)
            except BlockingIOError:
                return
            self.waiting.popleft()
            if sent < len(piece):
                self.waiting.appendleft((due, piece[sent:]))


class Throttle:
    """A context manager; ``path`` is the slow port of the board at ``port``."""

    def __init__(self, port: str, baud: int) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="camrig-throttle-"))
        self.path = str(self._home / "slow")
        self._board = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._near, self._far = os.openpty()
        for end in (self._board, self._far):
            tty.setraw(end)
        os.set_blocking(self._near, False)
        Path(self.path).symlink_to(os.ttyname(self._far))
        self._stop, self._stopper = os.pipe()
        rate = baud / 10
        self._directions = (_Direction(self._near, self._board, rate), _Direction(self._board, self._near, rate))
        self._thread = threading.Thread(target=self._run, name=f"line of {baud} baud", daemon=True)

    def __enter__(self) -> Throttle:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        os.write(self._stopper, b"x")
        self._thread.join(5)
        for handle in (self._board, self._near, self._far, self._stop, self._stopper):
            os.close(handle)
        shutil.rmtree(self._home, ignore_errors=True)

    def _run(self) -> None:
        sources = [direction.source for direction in self._directions]
        while True:
            due = [direction.waiting[0][0] for direction in self._directions if direction.waiting]
            left = max(0.0, min(due) - time.monotonic()) if due else None
            ready, _, _ = select.select([*sources, self._stop], [], [], left)
            if self._stop in ready:
                return
            now = time.monotonic()
            for direction in self._directions:
                if direction.source in ready:
                    direction.read(now)
                direction.write(time.monotonic())
