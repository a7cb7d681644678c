"""A loopback address for each virtual board, so that nothing outside this host reaches it."""

from __future__ import annotations

import random
import socket

LEASE_PORT = 47126
ATTEMPTS = 32


class LoopbackAddress:
    """An address that no other board has, until this object is closed.

    The lease is a bound socket: the kernel refuses a second one, and frees it when the process ends.
    Where only 127.0.0.1 exists (macOS) all boards share it, and each needs its own port.
    """

    def __init__(self) -> None:
        for _ in range(ATTEMPTS):
            # From 127.64.0.0 on: 127.0.x.x is used by distributions.
            text = f"127.{random.randint(64, 250)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
            lease = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                lease.bind((text, LEASE_PORT))
            except OSError:
                lease.close()
                continue
            self.text = text
            self._lease: socket.socket | None = lease
            return
        self.text = "127.0.0.1"
        self._lease = None

    @property
    def mac(self) -> bytes:
        """A locally administered MAC address made from it."""
        return bytes([0x02, 0xCA]) + bytes(int(part) for part in self.text.split("."))

    def close(self) -> None:
        if self._lease is not None:
            self._lease.close()
            self._lease = None
