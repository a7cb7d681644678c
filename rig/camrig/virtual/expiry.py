"""When a kept board ends by itself: nobody has used it for hours, and no run has it."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import Any


class Expiry:
    """``kept`` are the settings of a kept board: ``seconds`` without use, and ``lock``, the file that a run locks.

    A board that ends with the process that started it has none of them, and never expires.
    """

    def __init__(self, kept: dict[str, Any] | None, now: float) -> None:
        self._kept = kept
        self.wake_at: float | None = None
        self.used(now)

    def used(self, now: float) -> None:
        """Somebody has typed something, or sent a command."""
        if self._kept is not None:
            self.wake_at = now + self._kept["seconds"]

    def passed(self, now: float) -> bool:
        """Whether the board ends now. From then on no run takes it: its lock is held, and the lock's file is gone."""
        if self._kept is None or self.wake_at is None or now < self.wake_at:
            return False
        with suppress(FileNotFoundError):
            handle = os.open(self._kept["lock"], os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                self.used(now)  # by a run that only sends requests
                return False
            os.unlink(self._kept["lock"])
        return True
