"""The speed of a serial line: a byte takes ten bits, one after another. No I/O; the caller brings the clock."""

from __future__ import annotations

TICK = 0.004  # seconds of bytes that are handed over together, as a USB adapter does
AHEAD = 0.05  # seconds of bytes taken in before the sender has to wait
AHEAD_LEAST = 1024


class Pacer:
    """One direction of a line at ``baud``. A byte leaves when its last bit is over."""

    def __init__(self, baud: float) -> None:
        self.seconds_per_byte = 10 / baud
        self.ahead = max(AHEAD_LEAST, int(AHEAD / self.seconds_per_byte))
        self._tick = max(1, int(TICK / self.seconds_per_byte))
        self._queue = bytearray()
        self._begins = float("-inf")  # when the first queued byte has, or the next one may have, its start bit

    @property
    def full(self) -> bool:
        """Whether the sender should wait."""
        return len(self._queue) >= self.ahead

    @property
    def next_at(self) -> float | None:
        """When it is worth asking for bytes again."""
        if not self._queue:
            return None
        return self._begins + min(self._tick, len(self._queue)) * self.seconds_per_byte

    def push(self, data: bytes, now: float) -> None:
        if not self._queue:
            self._begins = max(self._begins, now)
        self._queue += data

    def due(self, now: float) -> bytes:
        """The bytes that have arrived by ``now``."""
        if not self._queue:
            return b""
        # A clock that is a rounding error short of a byte's end must not be asked again and again.
        count = min(len(self._queue), int((now - self._begins) / self.seconds_per_byte + 1e-3))
        if count <= 0:
            return b""
        self._begins += count * self.seconds_per_byte
        arrived = bytes(self._queue[:count])
        del self._queue[:count]
        return arrived

    def rest(self) -> bytes:
        """Everything still on its way, at once: the line is no longer paced."""
        rest = bytes(self._queue)
        self._queue.clear()
        return rest
