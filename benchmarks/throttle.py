"""A serial line of a given speed, where a virtual board has none: a pty in front of its port that paces the bytes.

Both directions carry ``baud / 10`` bytes a second, as 8N1 does, each on its own. Nothing is lost or reordered.
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
ONE_WRITE = 0.001  # seconds of line time that are handed over together; a USB bridge does no better


class _Lane:
    """One direction: bytes go in when they are read, and are due when the line would have carried them."""

    def __init__(self, source: int, sink: int, rate: float) -> None:
        self.source, self.sink, self.rate = source, sink, rate
        self.waiting: deque[tuple[float, bytes]] = deque()
        self._free_at = 0.0
        self._piece = max(1, int(rate * ONE_WRITE))

    def take(self, now: float) -> None:
        try:
            data = os.read(self.source, CHUNK)
        except (BlockingIOError, OSError):
            return
        for start in range(0, len(data), self._piece):
            piece = data[start : start + self._piece]
            self._free_at = max(self._free_at, now) + len(piece) / self.rate
            self.waiting.append((self._free_at, piece))

    def give(self, now: float) -> None:
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
    """A context manager; ``path`` is the slow port that leads to the board at ``port``."""

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
        self._lanes = (_Lane(self._near, self._board, rate), _Lane(self._board, self._near, rate))
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
        sources = [lane.source for lane in self._lanes]
        while True:
            due = [lane.waiting[0][0] for lane in self._lanes if lane.waiting]
            left = max(0.0, min(due) - time.monotonic()) if due else None
            ready, _, _ = select.select([*sources, self._stop], [], [], left)
            if self._stop in ready:
                return
            now = time.monotonic()
            for lane in self._lanes:
                if lane.source in ready:
                    lane.take(now)
                lane.give(time.monotonic())
