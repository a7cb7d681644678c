"""The page's own server: on this computer alone, for this computer's browser alone.

It gives out nothing but the page and what a board says to anybody. Still no page of another site may make it ask the
board: whatever does that needs a header which a browser sends to another origin only after a preflight request, and
none is granted; and the name by which it is called must be this computer's own.
"""

from __future__ import annotations

import errno
import json
import os
import threading
from collections.abc import Callable
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

import jinja2

from camrig.errors import BlockedError
from camrig.view import status
from camrig.view.features import OWN_HEADER
from camrig.view.layers import lines
from camrig.view.observation import Observation
from camrig.view.reading import Reading, changes_nothing, read, status_of

HOST = "127.0.0.1"
MAX_BODY = 64 << 10
SECONDS = 15.0  # for a client to send its request
PAGES = "camrig.view", "pages"
STYLE = "camrig.report.html", "pages", "style.css"
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".json": "application/json"}


class PageServer(ThreadingHTTPServer):
    """Serves the page of one board at ``origin``. ``url`` is the board's, and may be set once it is known.

    At ``control``, another port, is nothing: a page that cannot even reach this computer is kept from it.
    """

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would let two servers have one port

    def __init__(self, port: int, name: str = "") -> None:
        """Take the port. Raises BlockedError if it cannot be had."""
        self.url, self.name, self.notice = "", name, ""
        self._asking = threading.Lock()  # a board has few sockets
        self._control = ThreadingHTTPServer((HOST, 0), _ControlHandler)
        self._control.daemon_threads = True
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            self._control.server_close()
            words = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror or error}"
            raise BlockedError(
                f"port {port} of this computer {words}", hint="name another for the page, as in --page-port 8091"
            ) from None

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server_port}"

    @property
    def control(self) -> str:
        return f"http://{HOST}:{self._control.server_port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """By which names a browser of this computer calls it."""
        return tuple(f"{host}:{self.server_port}" for host in ("localhost", HOST))

    def start(self) -> None:
        """Serve in the background, until ``close``."""
        for server, name in ((self, "the page's server"), (self._control, "the page's control")):
            threading.Thread(target=server.serve_forever, args=(0.1,), name=name, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self._control.shutdown()
        self.server_close()

    def server_close(self) -> None:
        super().server_close()
        self._control.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a browser may go away in the middle."""

    def state(self) -> dict[str, Any]:
        """What the board says now."""
        with self._asking:
            reading = status_of(self.url)
        return self._account(reading)

    def lines(self, origin: str, report: Any) -> dict[str, Any]:
        """The layers for what the page of ``origin`` saw. Raises ValueError for what is not a report."""
        seen = Observation.parse(report)
        with self._asking:
            reading = read(self.url, origin)
        return {**self._account(reading), "lines": [asdict(line) for line in lines(origin, reading, seen)]}

    def put_is_safe(self, origin: str) -> dict[str, Any]:
        """Whether a PUT changes nothing on the board, so that the page may try one."""
        with self._asking:
            return {"putIsSafe": changes_nothing(self.url, origin, "put")}

    def _account(self, reading: Reading) -> dict[str, Any]:
        return {
            "reached": not reading.error,
            "error": reading.error,
            "uptime": status.uptime(reading.status),
            "rows": status.rows(reading.status) if isinstance(reading.status, dict) else [],
            "notice": self.notice,
        }


class _ControlHandler(BaseHTTPRequestHandler):
    timeout = SECONDS
    server_version, sys_version = "camrig", ""

    def do_GET(self) -> None:
        self.send_response(204)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = SECONDS
    server_version, sys_version = "camrig", ""

    def do_GET(self) -> None:
        routes: dict[str, Callable[[], tuple[str, str | bytes]]] = {
            "/": lambda: (".html", self._page()),
            "/view.css": lambda: (".css", _text(*STYLE) + _text(*PAGES, "view.css")),
            "/view.js": lambda: (".js", _text(*PAGES, "view.js")),
        }
        own = {"/state": self.server.state, "/before": lambda: self.server.put_is_safe(self._origin)}
        if not self._is_own_name():
            return
        path = urlsplit(self.path).path
        if path in routes:
            self._send(200, *routes[path]())
        elif path in own:
            if self._is_own_page():
                self._send(200, ".json", json.dumps(own[path]()))
        else:
            self._refuse(404, "there is nothing here")

    def do_POST(self) -> None:
        if not self._is_own_name() or not self._is_own_page():
            return
        if urlsplit(self.path).path != "/lines":
            self._refuse(404, "there is nothing here")
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit() and int(length[:9]) <= MAX_BODY and len(length) < 9):
            self._refuse(413, f"a report has a length of at most {MAX_BODY} bytes")
            return
        try:
            report = json.loads(self.rfile.read(int(length)))
            answer = self.server.lines(self._origin, report)
        except (ValueError, RecursionError) as error:
            self._refuse(400, f"the report cannot be read: {error}")
            return
        self._send(200, ".json", json.dumps(answer))

    @property
    def _origin(self) -> str:
        return f"http://{self.headers['Host'].lower()}"

    def _is_own_name(self) -> bool:
        """Whether it was called by its own name: a name of another site may have been made to lead here."""
        if self.headers.get("Host", "").lower() in self.server.hosts:
            return True
        self._refuse(421, f"open {self.server.origin}")
        return False

    def _is_own_page(self) -> bool:
        if self.headers.get(OWN_HEADER) and self.headers.get("Origin", self._origin) == self._origin:
            return True
        self._refuse(403, "this is for the page of camrig view alone")
        return False

    def _page(self) -> str:
        template = _templates().get_template("view.html")
        return template.render(
            board=self.server.url,
            control=self.server.control,
            name=self.server.name,
            origin=self._origin,
            header=OWN_HEADER,
        )

    def _refuse(self, code: int, sentence: str) -> None:
        self.close_connection = True
        self._send(code, ".json", json.dumps({"error": sentence}))

    def _send(self, code: int, suffix: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        # Brackets of an address of IP version 6 cannot be written there.
        board = self.server.url if "[" not in self.server.url else "http:"
        policy = (
            f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {board} data:; "
            f"connect-src 'self' {board} {self.server.control}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.send_response(code)
        for name, value in (
            ("Content-Type", f"{TYPES[suffix]}; charset=utf-8"),
            ("Content-Length", str(len(data))),
            ("Content-Security-Policy", policy),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: the terminal is for what happens to the board."""


def _text(package: str, *names: str) -> str:
    return files(package).joinpath(*names).read_text(encoding="utf-8")


def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader(*PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
