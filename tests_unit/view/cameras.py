"""Cameras that are not ours: small servers with headers of their own, which go away and come back."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024401003b")  # a GIF
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
STATUS = {"uptime_s": 100, "name": HOSTILE, HOSTILE: "\x1b[31m", "sockets": {"used": 3, "most": 4}}
ALLOWED = {"Access-Control-Allow-Origin": "*"}
GRANTED = {**ALLOWED, "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "X-Camrig-View"}


@dataclass
class Behaviour:
    """What a camera answers. ``headers`` are those of every answer but preflights, whose are ``preflight``."""

    headers: Mapping[str, str] = field(default_factory=dict)
    preflight: Mapping[str, str] = field(default_factory=dict)
    preflight_status: int = 204
    status: Any = field(default_factory=lambda: dict(STATUS))
    missing: tuple[str, ...] = ()


class Camera:
    """One camera, on a port that stays its own while it is off."""

    def __init__(self, behaviour: Behaviour, port: int = 0) -> None:
        self.behaviour, self.methods = behaviour, []
        self.connections: list[socket.socket] = []
        self._server: ThreadingHTTPServer | None = None
        self._port = port
        self.on()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def on(self) -> None:
        camera = self

        class Handler(_Handler):
            owner = camera

        self._off = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def off(self) -> None:
        if self._server is not None:
            self._off.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()


class _Handler(BaseHTTPRequestHandler):
    owner: Camera
    protocol_version = "HTTP/1.1"  # as an ESP-IDF server: connections stay open

    def setup(self) -> None:
        super().setup()
        self.owner.connections.append(self.connection)

    def do_OPTIONS(self) -> None:
        behaviour = self.owner.behaviour
        self._answer(behaviour.preflight_status, {"Allow": "GET", **behaviour.preflight}, b"")

    def do_PUT(self) -> None:
        self._answer(405, self.owner.behaviour.headers, b"")

    def do_GET(self) -> None:
        behaviour, path = self.owner.behaviour, self.path.partition("?")[0]
        if path in behaviour.missing:
            self._answer(404, behaviour.headers, b"")
        elif path == "/stream":
            self._stream()
        elif path == "/capture":
            self._answer(200, {"Content-Type": "image/gif", **behaviour.headers}, PIXEL)
        else:
            content = {"Content-Type": "application/json", **behaviour.headers}
            self._answer(200, content, json.dumps(behaviour.status).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.owner.methods.append(self.command)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Cache-Control": "no-store"}.items():
            if status != 204 or name != "Content-Length":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        for name, value in self.owner.behaviour.headers.items():
            self.send_header(name, value)
        self.end_headers()
        part = b"--frame\r\nContent-Type: image/gif\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(PIXEL), PIXEL)
        while True:
            self.wfile.write(part)
            if self.owner._off.wait(0.05):
                return

    def log_message(self, format: str, *arguments: Any) -> None:
        pass
