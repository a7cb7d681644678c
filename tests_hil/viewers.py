"""Viewers of the camera's stream, as browsers are: each reads its frames, until it stops or vanishes."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from types import TracebackType

from camrig.deadline import Deadline
from camrig.probe.client import wait_until

START_OF_JPEG = b"\xff\xd8\xff"
SECONDS_TO_OPEN = 15.0
RECEIVE_BUFFER = 4096  # bytes: a viewer that stops reading is soon noticed


class Viewer:
    """A connection that requested the stream; ``status`` and ``head`` are of the answer."""

    def __init__(self, address: tuple[str, int], target: str, origin: str) -> None:
        self.frames = 0
        self.ended = False
        self._tail = b""
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            self._request(address, target, origin)
        except OSError:
            self.socket.close()
            raise

    def _request(self, address: tuple[str, int], target: str, origin: str) -> None:
        until = Deadline.after(SECONDS_TO_OPEN)
        wait_until(self.socket, until)
        self.socket.connect(address)
        self.socket.sendall(f"GET {target} HTTP/1.1\r\nHost: {address[0]}\r\nOrigin: {origin}\r\n\r\n".encode())
        data = b""
        while b"\r\n\r\n" not in data:
            wait_until(self.socket, until)
            if not (chunk := self.socket.recv(4096)):
                raise ConnectionResetError("the server closed the connection without an answer")
            data += chunk
        head, rest = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.head = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        self._count(rest)

    def read(self) -> None:
        """Read what has come."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            data = b""
        if data:
            self._count(data)
        else:
            self.ended = True

    def _count(self, data: bytes) -> None:
        data = self._tail + data
        self.frames += data.count(START_OF_JPEG)
        self._tail = data[-len(START_OF_JPEG) + 1 :]

    def reset(self) -> None:
        """Vanish with a reset (a linger time of zero, socket(7))."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Viewers:
    """Viewers whose streams a thread reads."""

    def __init__(self, address: tuple[str, int], origin: str) -> None:
        self.watching: list[Viewer] = []
        self._address, self._origin = address, origin
        self._gone: list[Viewer] = []
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Viewers:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join(SECONDS_TO_OPEN)
        for viewer in self.watching + self._gone:
            viewer.socket.close()
        self._selector.close()

    def open(self, target: str = "/stream") -> Viewer:
        """One viewer more, which watches if it is served. Raises OSError."""
        viewer = Viewer(self._address, target, self._origin)
        if viewer.status != 200:
            self._gone.append(viewer)
            return viewer
        viewer.socket.setblocking(False)
        with self._lock:
            self.watching.append(viewer)
            self._selector.register(viewer.socket, selectors.EVENT_READ, viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """The viewer reads no more, and stays connected: as one that lost its Wi-Fi looks to the board."""
        with self._lock:
            self._selector.unregister(viewer.socket)
            self.watching.remove(viewer)
            self._gone.append(viewer)

    def frames(self) -> list[int]:
        """The frames that each of those who watch has seen."""
        return [viewer.frames for viewer in self.watching]

    def _read(self) -> None:
        while not self._stopped.wait(0.005):
            with self._lock:
                for key, _ in self._selector.select(0):
                    key.data.read()
                    if key.data.ended:
                        self._selector.unregister(key.data.socket)
