"""How far long work is, in one line: a bar, the share, the rate and the time left. Pure.

The line is plain ASCII without colours, so that every terminal and every log shows it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from math import isfinite

WIDTH = 20  # characters of the bar
SHORTEST = 0.001  # seconds in which a rate can be seen
WINDOW = 60.0  # seconds over which a rate is taken: what was slow at first says little of the rest
BYTES, SECONDS = "B", "s"  # units that are shown in their own way


class Progress:
    """``total`` units of work, of which ``update`` says how many are done. ``unit`` is a plural, or one of the above.

    The work may begin in the middle: the rate counts from the first ``update`` on.
    """

    def __init__(self, total: float, unit: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        self.total, self.unit = total, unit
        self.done = 0.0
        self._clock = clock
        self._points: deque[tuple[float, float]] = deque()

    def update(self, done: float) -> None:
        """``done`` of the total are done by now."""
        now = self._clock()
        self.done = done
        self._points.append((now, done))
        # A point before the window stays, from which the rate over all of it is known.
        while len(self._points) > 2 and self._points[1][0] <= now - WINDOW:
            self._points.popleft()

    @property
    def share(self) -> float:
        """The share that is done, from 0 to 1."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else 1.0

    @property
    def rate(self) -> float | None:
        """Units per second; None while it is not known."""
        if not self._points or self._points[-1][1] <= self._points[0][1]:
            return None
        seconds = self._clock() - self._points[0][0]
        if seconds < SHORTEST:
            return None
        rate = (self._points[-1][1] - self._points[0][1]) / seconds
        return rate if rate > 0 and isfinite(rate) else None

    @property
    def left(self) -> float | None:
        """Seconds until all is done; None while that is not known."""
        if self.unit == SECONDS:
            return max(0.0, self.total - self.done)
        rate = self.rate
        return max(0.0, self.total - self.done) / rate if rate is not None else None

    def text(self, bar: bool = True) -> str:
        """The line, with a ``bar`` or without."""
        filled = int(self.share * WIDTH)
        parts = [f"{self.share:4.0%}", self._amount(), self._rate_text()]
        if self.left is not None and self.share < 1:
            parts.append(f"{duration(self.left)} left")
        line = ", ".join(part.strip() for part in parts if part)
        return f"[{'#' * filled}{'-' * (WIDTH - filled)}] {line}" if bar else line

    def _amount(self) -> str:
        if self.unit == SECONDS:
            return f"{duration(self.done)} of {duration(self.total)}"
        if self.unit == BYTES:
            return f"{_size(self.done)} of {_size(self.total)}"
        return f"{self.done:g} of {self.total:g} {self.unit}".rstrip()

    def _rate_text(self) -> str:
        rate = self.rate
        if rate is None or self.unit == SECONDS:
            return ""
        if self.unit == BYTES:
            return f"{_size(rate)}/s"
        if rate >= 1:
            return f"{rate:.1f} a second"
        return f"{60 * rate:.1f} a minute" if rate >= 1 / 60 else f"{3600 * rate:.1f} an hour"


def duration(seconds: float) -> str:
    """``0:41`` or ``1:02:07``."""
    whole = int(min(max(0.0, seconds), 1e9) + 0.5)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _size(number: float) -> str:
    for unit in ("B", "KB"):
        if number < 1000:
            return f"{number:.0f} B" if unit == "B" else f"{number:.1f} KB"
        number /= 1000
    return f"{number:.1f} MB"
