"""A TCP relay between rig and board that can delay every exchange at random, as a bad radio does for a minute."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from random import Random


class Relay:
    """Forwards connections to ``target``, each after a random delay: exponential, of mean ``delay`` seconds."""

    def __init__(self, seed: int = 0) -> None:
        self.target = ("127.0.0.1", 9)
        self.delay = 0.0
        self._random = Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), client:  # one at a time, as the rig makes them
                if self.delay:
                    time.sleep(self._random.expovariate(1 / self.delay))
                self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        client.settimeout(10)
        with socket.create_connection(self.target, 10) as board:
            board.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            request = b""
            while b"\r\n\r\n" not in request:
                piece = client.recv(65536)
                if not piece:
                    return
                request += piece
            head, _, body = request.partition(b"\r\n\r\n")
            length = next(
                (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
            )
            while len(body) < length:
                piece = client.recv(65536)
                if not piece:
                    return
                request, body = request + piece, body + piece
            board.sendall(request)
            while response := board.recv(65536):
                client.sendall(response)
