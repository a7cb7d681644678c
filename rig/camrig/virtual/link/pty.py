"""The serial port that clients open: a pseudo-terminal under a name of its own.

Clients get a symbolic link, because mpremote waits without a time-out on anything named /dev/pts/.
The slave side stays open here, so that clients may come and go, and the line stays raw between them.
"""

from __future__ import annotations

import os
import time
import tty
from collections import deque
from pathlib import Path

CHUNK = 65536
BACKLOG = 65536  # what waits for a reader; beyond it the oldest is lost, as on a wire that nobody listens to
HIGH_WATER = 16384  # above this a client that does read may slow the board down
STALLED = 2.0  # seconds without a byte taken: nobody reads


class PtyPort:
    """One serial port. All calls return at once; ``clock`` counts seconds."""

    def __init__(self, link: Path) -> None:
        self.path = str(link)
        self._link = link
        self.plugged = False
        self._backlog: deque[bytes] = deque()
        self._size = 0
        self._taken_at = time.monotonic()
        self.plug()

    def plug(self) -> None:
        """Have the port there, for clients to open."""
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        self.plugged = True

    def unplug(self) -> None:
        """Take the port away from whoever has it open, and what was under way with it."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)
        os.close(self._slave)
        self._backlog.clear()
        self._size = 0
        self.plugged = False

    @property
    def waiting(self) -> bool:
        """Whether output waits for room in the line."""
        return self._size > 0

    def congested(self, now: float) -> bool:
        """Whether a client reads, but slower than the board writes: the board should wait."""
        return self._size > HIGH_WATER and now - self._taken_at < STALLED

    def read(self) -> bytes:
        """What a client has sent, empty when nothing has come."""
        try:
            return os.read(self.master, CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data: bytes, now: float) -> None:
        """Send ``data``, or queue it; the oldest of a queue that nobody reads is lost, and all of it unplugged."""
        if not self.plugged:
            return
        if not self._size:
            self._taken_at = now
        self._backlog.append(data)
        self._size += len(data)
        self.flush(now)
        while self._size > BACKLOG:
            oldest = self._backlog.popleft()
            self._size -= len(oldest)
            if self._size < BACKLOG:
                kept = oldest[self._size - BACKLOG :]
                self._backlog.appendleft(kept)
                self._size += len(kept)

    def flush(self, now: float) -> None:
        """Move queued output into the line as far as it takes it."""
        while self._backlog:
            try:
                sent = os.write(self.master, self._backlog[0])
            except BlockingIOError:
                return
            self._taken_at = now
            self._size -= sent
            if sent == len(self._backlog[0]):
                self._backlog.popleft()
            else:
                self._backlog[0] = self._backlog[0][sent:]

    def close(self) -> None:
        if self.plugged:
            self.unplug()
