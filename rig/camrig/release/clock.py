"""A clock that jumps in a release: stamps, ages and times of night would then say something that was not so."""

from __future__ import annotations

import time
from collections.abc import Callable

from camrig.release.record import ClockCourse

LIMIT, SHARE = 2.0, 0.001  # seconds, and of the time passed: a clock that is being disciplined drifts at most by that


class ClockWatch:
    """Compares the wall clock with the monotonic one from now on. ``wall`` and ``steady`` are those clocks."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._begin = wall(), steady()
        self._apart = 0.0

    def look(self) -> ClockCourse:
        """How far they got apart so far, at most: a clock that jumped back again has jumped."""
        wall, steady = self._wall() - self._begin[0], self._steady() - self._begin[1]
        if abs(wall - steady) > abs(self._apart):
            self._apart = wall - steady
        return ClockCourse(round(steady, 3), round(self._apart, 3), round(LIMIT + SHARE * steady, 3))
