"""A server on loopback that answers each cell with the bytes that it was given, and keeps what was sent to it."""

from __future__ import annotations

import socket
import threading
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n"
SANDBOX = b"Content-Security-Policy: sandbox allow-scripts\r\n"
NOTHING = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class RawHop:
    """The bytes of a response, and those of the answer to the preflight before it."""

    response: bytes
    preflight: bytes = NOTHING


@dataclass(frozen=True)
class Arrived:
    """A request as it came in."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and bool(self.values("Access-Control-Request-Method"))


class RawServer:
    """``/c/NUMBER/...`` is a cell; ``/page`` and ``/sandbox`` are pages, the latter of the origin ``null``.

    The hop that answers is the one after the actual requests of the cell so far. A response of status 421 is given
    twice, as the browser asks again for it.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self.cells: dict[int, tuple[RawHop, ...]] = {}
        self.arrived: defaultdict[int, list[Arrived]] = defaultdict(list)
        self._connections: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.add(connection)
                threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(60)
            data = b""
            while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
                data += chunk
            if data:
                connection.sendall(self._answer(data))
        self._connections.discard(connection)

    def _answer(self, data: bytes) -> bytes:
        first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        if target.startswith(("/page", "/sandbox")):
            return PAGE + (SANDBOX if target.startswith("/sandbox") else b"") + b"\r\n"
        parts = target.split("/")
        if len(parts) < 3 or parts[1] != "c" or not parts[2].isdecimal():
            return NOTHING
        pairs = (line.partition(":") for line in lines)
        arrived = Arrived(method, target, tuple((name, value.strip(" \t")) for name, _, value in pairs))
        number = int(parts[2])
        past = self.arrived[number]
        hops = [hop for hop in self.cells.get(number, ()) for _ in range(2 if b" 421 " in hop.response[:20] else 1)]
        place = sum(not request.is_preflight for request in past)
        past.append(arrived)
        if place >= len(hops):
            return NOTHING
        return hops[place].preflight if arrived.is_preflight else hops[place].response
