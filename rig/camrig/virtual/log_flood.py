"""A driver whose log never stops: lines of the camera driver at a given rate. No I/O."""

from __future__ import annotations

PERIOD = 0.01  # seconds between two bursts


class LogFlood:
    """``rate`` bytes a second, from ``now`` on."""

    def __init__(self, rate: float, now: float) -> None:
        self.next_at = now
        self._rate = rate
        self._start = now
        self._sent = 0
        self._number = 0
        self._rest = b""

    def take_due(self, now: float) -> bytes:
        """The text to send by ``now``. A caller that comes late gets no more than ten bursts; the rest is dropped."""
        if now < self.next_at:
            return b""
        due = int((now - self._start + PERIOD) * self._rate) - self._sent
        burst = min(due, int(10 * PERIOD * self._rate) + 1)
        self._sent += due
        self.next_at = now + PERIOD
        while len(self._rest) < burst:
            self._rest += b"E (%d) cam_hal: EV-VSYNC-OVF\r\n" % (4000 + self._number)
            self._number += 1
        text, self._rest = self._rest[:burst], self._rest[burst:]
        return text
