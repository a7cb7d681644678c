"""The locks that make a board this process's alone: on its port, and on its MAC as soon as that is known."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from camrig.lab import lock
from camrig.lab.device_spec import Device
from camrig.lab.usb_ports import lock_key, mac_key


class Reservation:
    """The locks of one board, released by ``stack``. Taking one waits up to ``wait`` seconds, and says so once."""

    def __init__(self, spec: str, wait: float, stack: ExitStack, notify: Callable[[str], None]) -> None:
        self._spec, self._wait, self._stack, self._notify = spec, wait, stack, notify
        self._by_mac: dict[str, lock.Lock] = {}
        self.port: lock.Lock | None = None

    def take(self, device: Device) -> None:
        """Own the port. Raises BoardBusyError.

        A kept virtual board or a place is owned already, and another virtual board was made for this run.
        """
        owned = device.lock is not None or device.is_virtual
        self.port = device.lock if owned else self._take(lock_key(device.port))

    def claim(self, mac: str) -> lock.Lock | None:
        """Own the board with this MAC, on whichever port. Raises BoardBusyError. None where no MAC is unique."""
        if self.port is None or not (key := mac_key(mac)):
            return self.port
        if key not in self._by_mac:
            self._by_mac[key] = self._take(key)
        return self._by_mac[key]

    @property
    def last_mac(self) -> str:
        """The MAC of the board that was on this port when a run last identified one; empty if none is known."""
        record = self.port.seen if self.port is not None else None
        return record.mac if record is not None else ""

    def _take(self, key: str) -> lock.Lock:
        owned = lock.take(key, self._spec, self._wait, self._notify)
        self._stack.callback(owned.release)
        return owned
