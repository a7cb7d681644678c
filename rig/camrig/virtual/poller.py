"""What the supervisor sleeps on: descriptors, signals, and the clock."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Mapping
from contextlib import suppress

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Watch:
    """Waits for ``always`` to be readable, for signals, and for what each call names."""

    def __init__(self, always: int) -> None:
        self._bell, rung = os.pipe()
        for fd in (self._bell, rung, always):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(rung, warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, READ)
        self._selector.register(always, READ)

    def wait(self, wanted: Mapping[int, int], seconds: float | None) -> set[int]:
        """The descriptors that can be read, once there is one, or a signal came, or ``seconds`` are over.

        ``wanted`` maps a descriptor to READ, WRITE, both or 0.
        """
        watched = [self._selector.register(fd, mask).fd for fd, mask in wanted.items() if mask]
        try:
            ready = self._selector.select(seconds)
        finally:
            for fd in watched:
                self._selector.unregister(fd)
        readable = {key.fd for key, mask in ready if mask & READ}
        if self._bell in readable:
            with suppress(BlockingIOError):
                os.read(self._bell, 4096)
        return readable
