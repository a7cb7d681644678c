"""The open connections to one server, so that all can be ended at once when the server is known to be down."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref


class Connections:
    """Weak references to sockets, added when they are made. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._down = False

    @property
    def down(self) -> bool:
        """Whether the server is known to be down."""
        return self._down

    def add(self, connection: socket.socket) -> None:
        """Remember ``connection``. After ``cut`` it is ended at once."""
        with self._lock:
            self._sockets.add(connection)
            down = self._down
        if down:
            _end(connection)

    def cut(self) -> None:
        """End every connection, and those added from now on: their next read finds the end of the stream."""
        with self._lock:
            self._down = True
            sockets = list(self._sockets)
        for connection in sockets:
            _end(connection)

    def restore(self) -> None:
        """The server is up again: connections are no longer ended."""
        with self._lock:
            self._down = False
            self._sockets.clear()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended already, or is not connected yet
        connection.shutdown(socket.SHUT_RDWR)
