"""What the supervisor sleeps on: descriptors, signals, and the clock."""

from __future__ import annotations

import os
import selectors
import signal
from collections.abc import Mapping
from contextlib import suppress

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Poller:
    """Waits for ``command_fd`` to be readable, for signals, and for the descriptors that each call names."""

    def __init__(self, command_fd: int) -> None:
        self._signal_fd, wakeup_fd = os.pipe()
        for fd in (self._signal_fd, wakeup_fd, command_fd):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wakeup_fd, warn_on_full_buffer=False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signal_fd, READ)
        self._selector.register(command_fd, READ)

    def wait(self, masks: Mapping[int, int], seconds: float | None) -> set[int]:
        """The descriptors that can be read, once there is one, or a signal came, or ``seconds`` are over.

        ``masks`` maps a descriptor to READ, WRITE, both or 0.
        """
        registered = [self._selector.register(fd, mask).fd for fd, mask in masks.items() if mask]
        try:
            ready = self._selector.select(seconds)
        finally:
            for fd in registered:
                self._selector.unregister(fd)
        readable = {key.fd for key, mask in ready if mask & READ}
        if self._signal_fd in readable:
            with suppress(BlockingIOError):
                os.read(self._signal_fd, 4096)
        return readable
