"""A point on the monotonic clock by which something has to be done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Deadline:
    """``seconds`` from now. Pass one object down a chain of waits, so that the parts share the time."""

    seconds: float
    start: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        return cls(seconds, clock(), clock)

    @property
    def left(self) -> float:
        """Seconds that remain, never below zero."""
        return max(0.0, self.start + self.seconds - self.clock())

    @property
    def spent(self) -> float:
        """Seconds since the deadline was set."""
        return self.clock() - self.start

    @property
    def passed(self) -> bool:
        return self.left == 0.0

    def sooner(self, seconds: float) -> Deadline:
        """A deadline of ``seconds`` from now, or this one if it comes first."""
        return Deadline.after(min(seconds, self.left), self.clock)
