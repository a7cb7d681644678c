"""The serial port that clients open: a pseudo-terminal with a symbolic link to it.

Clients open the link, because mpremote waits without a time-out on anything named /dev/pts/.
The slave side stays open here, so that clients can connect one after another and the line stays raw between them.
"""

from __future__ import annotations

import os
import time
import tty
from collections import deque
from pathlib import Path

CHUNK = 65536
BACKLOG = 65536  # bytes that wait for a reader; beyond it the oldest are lost, as on a line without a reader
HIGH_WATER = 16384  # bytes, above which a slow reader makes the board wait
STALLED = 2.0  # seconds without a byte read, after which there is no reader


class PtyPort:
    """One serial port. No call blocks."""

    def __init__(self, link: Path) -> None:
        self.path = str(link)
        self._link = link
        self.plugged = False
        self._backlog: deque[bytes] = deque()
        self._size = 0
        self._read_at = time.monotonic()
        self.plug()

    def plug(self) -> None:
        """Make the port, for clients to open."""
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._link.symlink_to(os.ttyname(self._slave))
        self.plugged = True

    def unplug(self) -> None:
        """Remove the port, also for a client that has it open, and drop what was on its way."""
        self._link.unlink(missing_ok=True)
        os.close(self.master)
        os.close(self._slave)
        self._backlog.clear()
        self._size = 0
        self.plugged = False

    @property
    def waiting(self) -> bool:
        """Whether output waits for room in the terminal."""
        return self._size > 0

    def congested(self, now: float) -> bool:
        """Whether a client reads more slowly than the board writes, so that the board should wait."""
        return self._size > HIGH_WATER and now - self._read_at < STALLED

    def read(self) -> bytes:
        """What a client has sent; empty if nothing has arrived."""
        try:
            return os.read(self.master, CHUNK)
        except BlockingIOError:
            return b""

    def write(self, data: bytes, now: float) -> None:
        """Send or queue ``data``. Without a reader the oldest bytes are lost, and all of them while unplugged."""
        if not self.plugged:
            return
        if not self._size:
            self._read_at = now
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
        """Write queued output to the terminal as far as it accepts it."""
        while self._backlog:
            try:
                sent = os.write(self.master, self._backlog[0])
            except BlockingIOError:
                return
            self._read_at = now
            self._size -= sent
            if sent == len(self._backlog[0]):
                self._backlog.popleft()
            else:
                self._backlog[0] = self._backlog[0][sent:]

    def close(self) -> None:
        if self.plugged:
            self.unplug()
