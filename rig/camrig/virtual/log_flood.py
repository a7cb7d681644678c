"""A driver that complains without end: log lines of the camera driver, so many bytes a second. No I/O."""

from __future__ import annotations

PERIOD = 0.01  # seconds between two bursts


class Flood:
    """``rate`` bytes a second, from ``now`` on."""

    def __init__(self, rate: float, now: float) -> None:
        self.next_at = now
        self._rate = rate
        self._began = now
        self._sent = 0
        self._number = 0
        self._rest = b""

    def due(self, now: float) -> bytes:
        """What is to be said by ``now``; what could not be said in time is never said."""
        if now < self.next_at:
            return b""
        wanted = int((now - self._began + PERIOD) * self._rate) - self._sent
        burst = min(wanted, int(10 * PERIOD * self._rate) + 1)
        self._sent += wanted
        self.next_at = now + PERIOD
        while len(self._rest) < burst:
            self._rest += b"E (%d) cam_hal: EV-VSYNC-OVF\r\n" % (4000 + self._number)
            self._number += 1
        text, self._rest = self._rest[:burst], self._rest[burst:]
        return text
