"""The latest megabytes of a board's console, with the time at which each part came; for results, not for tests."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

LOG_BYTES = 4 << 20
PART_BYTES = 4096
SECONDS_OF_PART = 0.25  # what comes within that time is one part
BYTES_AROUND = 4096  # before a moment and after it, in which the lines around it are looked for


@dataclass
class _Part:
    at: float
    start: int
    data: bytearray


class ConsoleLog:
    """Keeps the last ``most`` bytes. ``total`` counts all: a position, such as a console's ``mark`` is."""

    def __init__(self, most: int = LOG_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 0
        self._most, self._clock = most, clock
        self._kept = 0
        self._parts: deque[_Part] = deque()

    def feed(self, data: bytes) -> None:
        """Take in bytes from the board."""
        now = self._clock()
        last = self._parts[-1] if self._parts else None
        if last and len(last.data) < PART_BYTES and now - last.at < SECONDS_OF_PART:
            last.data += data
        else:
            self._parts.append(_Part(now, self.total, bytearray(data)))
        self.total += len(data)
        self._kept += len(data)
        while self._kept > self._most:
            first = self._parts[0]
            surplus = min(self._kept - self._most, len(first.data))
            if surplus == len(first.data):
                self._parts.popleft()
            else:
                del first.data[:surplus]
                first.start += surplus
            self._kept -= surplus

    @property
    def left_out(self) -> int:
        """Bytes from the beginning that are not kept."""
        return self.total - self._kept

    @property
    def data(self) -> bytes:
        """All that is kept."""
        return b"".join(part.data for part in self._parts)

    def position(self, at: float) -> int:
        """Where the output was at a moment of the clock."""
        return next((part.start for part in self._parts if part.at > at), self.total)

    def around(self, position: int) -> tuple[bytes, bytes]:
        """Some output before a position, and some after it, as far as they are kept."""
        near = [part for part in self._parts if abs(part.start - position) <= BYTES_AROUND + 2 * PART_BYTES]
        data, first = b"".join(part.data for part in near), near[0].start if near else position
        offset = position - first
        if not 0 <= offset <= len(data):
            return b"", b""
        return data[max(0, offset - BYTES_AROUND) : offset], data[offset : offset + BYTES_AROUND]
