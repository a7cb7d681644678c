"""Ctrl-C while a run ends: it cuts short what waits for a board, and never what keeps results or closes a board."""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_NOTE = b"\ncamrig: interrupted, the run is being closed; press Ctrl-C again to stop at once\n"
_STDERR = 2


def terminate_as_interrupt() -> None:
    """Let SIGTERM, as a service manager sends it, do what Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # Ctrl-C is ignored, as in the background of a shell
            raise KeyboardInterrupt
        handler(signal.SIGINT, frame)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, interrupt)


class Interruption:
    """Whether a run was interrupted, and what a first Ctrl-C does and a second one do while it ends."""

    def __init__(self) -> None:
        self.came = False
        self._waits = self._can_stop = False
        self._counts = True
        self._restore: Callable[[], object] | None = None

    def defer(self, counts: bool = True) -> None:
        """From now on Ctrl-C is noted, and raises only inside ``cut_short``. Once Python ends, it does nothing.

        Unless it ``counts``, it is not noted either: xdist ends its processes in that way.
        """
        self._counts = counts
        if self._restore is not None or threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGINT)
        if handler is not signal.default_int_handler:
            return  # somebody else's, or the shell's for a process in the background
        signal.signal(signal.SIGINT, self._interrupted)
        self._restore = lambda: signal.signal(signal.SIGINT, handler)
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)

    def restore(self) -> None:
        """Let Ctrl-C do what it did before."""
        if self._restore is not None:
            self._restore()
            self._restore = None

    @contextmanager
    def cut_short(self) -> Iterator[None]:
        """A context that a Ctrl-C of ``defer`` ends early, without an exception behind it."""
        self._waits = True
        try:
            yield
        except KeyboardInterrupt:
            if self._restore is None:
                raise
        finally:
            self._waits = False

    @contextmanager
    def stopped_by_second(self) -> Iterator[None]:
        """A context that a second Ctrl-C leaves with KeyboardInterrupt, as where a fixture hangs."""
        self._can_stop = True
        try:
            yield
        finally:
            self._can_stop = False

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        again, self.came = self.came, self.came or self._counts
        if self._waits or (again and self._can_stop):
            raise KeyboardInterrupt
        with suppress(OSError):
            os.write(_STDERR, _NOTE)  # print may be at work already, and cannot be entered twice
