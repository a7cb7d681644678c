"""A server on loopback whose answers each test defines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

Answer = Callable[[socket.socket, bytes], None]


@pytest.fixture
def serving() -> Iterator[Callable[[Answer], tuple[str, int]]]:
    """Start a server that reads to the end of a head or of the stream, then calls ``answer(connection, data)``."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def handle(connection: socket.socket, answer: Answer) -> None:
        with connection:
            connection.settimeout(10)
            data = b""
            try:
                while not data.endswith((b"\r\n\r\n", b"echo\n")) and (chunk := connection.recv(65536)):
                    data += chunk
                answer(connection, data)
            except OSError:
                return

    def start(answer: Answer) -> tuple[str, int]:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                threads.append(threading.Thread(target=handle, args=(connection, answer), daemon=True))
                threads[-1].start()

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        host, port = listener.getsockname()
        return host, port

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for connection in connections:
        with suppress(OSError):  # closed already
            connection.shutdown(socket.SHUT_RDWR)
    for thread in list(threads):
        thread.join(10)
