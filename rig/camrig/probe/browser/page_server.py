"""Pages on several origins, served on loopback for as long as a browser needs them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

LOCALHOST, LOOPBACK, SANDBOX = "localhost", "127.0.0.1", "null"
PAGES = (LOCALHOST, LOOPBACK, SANDBOX)
OPEN, CLOSED = "/open", "/closed"  # what a redirect may lead to: with any origin allowed, and with none
SECONDS_FOR_CLIENT = 30
# The icon keeps the browser from asking for one.
PAGE = b'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>camrig</title>'


class _Handler(BaseHTTPRequestHandler):
    timeout = SECONDS_FOR_CLIENT

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.send_header("Cache-Control", "no-store")
        if path == f"/{SANDBOX}":
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        if path == OPEN:
            self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class PageServer:
    """Serves the pages of ``PAGES`` within its context: the same host under two names, and one without an origin."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer((LOOPBACK, 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> PageServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def origin(self, page: str) -> str:
        """The origin of a page, as a browser sends it."""
        return SANDBOX if page == SANDBOX else f"http://{page}:{self._server.server_port}"

    def url(self, page: str) -> str:
        """Where a page is."""
        return f"http://{LOOPBACK if page == SANDBOX else page}:{self._server.server_port}/{page}"
