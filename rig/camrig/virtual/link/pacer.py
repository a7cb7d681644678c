"""The speed of a serial line: a byte takes ten bits, one after another. No I/O: the caller passes the time."""

from __future__ import annotations

TICK = 0.004  # seconds of bytes that are delivered together, as a USB adapter does
AHEAD = 0.05  # seconds of bytes accepted before the sender has to wait
AHEAD_MIN = 1024


class Pacer:
    """One direction of a line at ``baud``. A byte arrives when its last bit has passed."""

    def __init__(self, baud: float) -> None:
        self.seconds_per_byte = 10 / baud
        self.ahead = max(AHEAD_MIN, int(AHEAD / self.seconds_per_byte))
        self._tick = max(1, int(TICK / self.seconds_per_byte))
        self._queue = bytearray()
        self._start_at = float("-inf")  # of the first queued byte's start bit, or the earliest one of the next byte

    @property
    def full(self) -> bool:
        """Whether the sender should wait."""
        return len(self._queue) >= self.ahead

    @property
    def next_at(self) -> float | None:
        """When the next bytes are due."""
        if not self._queue:
            return None
        return self._start_at + min(self._tick, len(self._queue)) * self.seconds_per_byte

    def push(self, data: bytes, now: float) -> None:
        if not self._queue:
            self._start_at = max(self._start_at, now)
        self._queue += data

    def take_due(self, now: float) -> bytes:
        """The bytes that have arrived by ``now``."""
        if not self._queue:
            return b""
        # Without the tolerance, a clock that is a rounding error short of a byte's end makes the caller spin.
        count = min(len(self._queue), int((now - self._start_at) / self.seconds_per_byte + 1e-3))
        if count <= 0:
            return b""
        self._start_at += count * self.seconds_per_byte
        arrived = bytes(self._queue[:count])
        del self._queue[:count]
        return arrived

    def release(self) -> bytes:
        """Everything that is still on its way, at once: the line is no longer paced."""
        rest = bytes(self._queue)
        self._queue.clear()
        return rest
