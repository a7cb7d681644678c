"""The open connections to one server, so that whoever learns that it died can end them all at once."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref


class Connections:
    """Sockets are added as they are made, forgotten with their last reference. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._down = False

    @property
    def down(self) -> bool:
        """Whether the server is known to be dead."""
        return self._down

    def add(self, connection: socket.socket) -> None:
        """Watch over ``connection``. One that comes after ``cut`` is ended at once."""
        with self._lock:
            self._sockets.add(connection)
            down = self._down
        if down:
            _end(connection)

    def cut(self) -> None:
        """End every connection, and those to come: their next read finds the end of the stream."""
        with self._lock:
            self._down = True
            found = list(self._sockets)
        for connection in found:
            _end(connection)

    def restore(self) -> None:
        """The server is back: connections live again."""
        with self._lock:
            self._down = False
            self._sockets.clear()


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it ended by itself, or is not connected yet
        connection.shutdown(socket.SHUT_RDWR)
