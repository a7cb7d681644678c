"""Detects a deadlock that only the Unix interpreter has.

On Unix it raises KeyboardInterrupt wherever it is, also while it holds the lock of its heap. Then it waits for
itself.
"""

from __future__ import annotations

from camrig.virtual.interpreter import Interpreter

SUSPECT = 5.0  # seconds after a Ctrl-C during which it may happen
LOOK = 0.3  # seconds between two looks that must both find it waiting


class DeadlockDetector:
    """``check`` it at every turn; ``wake_at`` is when it has to be checked next."""

    def __init__(self) -> None:
        self.wake_at: float | None = None
        self._locked = False

    def check(self, interpreter: Interpreter, interrupted_at: float, now: float) -> bool:
        """Whether the interpreter, last interrupted at ``interrupted_at``, waits for a lock that it holds itself."""
        if now > interrupted_at + SUSPECT:
            self.wake_at, self._locked = None, False
        elif self.wake_at is None or now >= self.wake_at:
            before, self._locked = self._locked, interpreter.waits_for_lock
            self.wake_at = now + LOOK
            return before and self._locked
        return False
