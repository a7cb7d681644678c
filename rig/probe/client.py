"""A thin HTTP client that times what it does: one request, one connection, the raw response.

Microdot answers HTTP/1.0 and closes, so one exchange is one connection and the end of the response is the end of
the stream. Header names and values are kept as they came, duplicates included.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from rig.deadline import Deadline
from rig.probe.connections import Connections

Headers = list[tuple[str, str]]
MOST = 4 << 20  # bytes of one response


@dataclass(frozen=True)
class Phases:
    """Milliseconds from the start of the connection attempt."""

    connect: float
    first_byte: float
    total: float


@dataclass(frozen=True)
class Response:
    """A response as it stood on the wire."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    phases: Phases

    def values(self, name: str) -> list[str]:
        """Every value of the header called ``name``, in any case, in the order they came."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The header's value, ``', '`` between duplicates; None when absent (RFC 9110, section 5.3)."""
        values = self.values(name)
        return ", ".join(values) if values else None


class NoExchange(Exception):
    """The request got no whole response: refused, timed out, cut off, or not HTTP."""


def request_bytes(
    method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """A request head and body. Header values go out as they are given, encoded as UTF-8."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def split_url(url: str) -> tuple[str, int, str]:
    """Host, port and request target of an ``http`` URL."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname or "", parts.port or 80, target


def exchange(
    host: str, port: int, request: bytes, seconds: float = 10.0, connections: Connections | None = None
) -> Response:
    """Send ``request`` on a connection of its own and read the response to its end. Raises NoExchange.

    The connection is one of ``connections`` meanwhile, which may end it.
    """
    until = Deadline.after(seconds)
    data = bytearray()
    start = time.perf_counter_ns()
    first = None
    try:
        with _connected(host, port, seconds, connections) as connection:
            connected = time.perf_counter_ns()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(request)
            while len(data) < MOST:
                connection.settimeout(max(until.left, 0.001))
                chunk = connection.recv(65536)
                if first is None:
                    first = time.perf_counter_ns()
                if not chunk:
                    break
                data += chunk
    except OSError as error:
        raise NoExchange(f"{host}:{port}: {error or type(error).__name__}") from None
    end = time.perf_counter_ns()
    status, reason, headers, body = parse_response(bytes(data), head=request.startswith(b"HEAD "))
    phases = Phases((connected - start) / 1e6, ((first or end) - start) / 1e6, (end - start) / 1e6)
    return Response(status, reason, headers, body, phases)


def _connected(host: str, port: int, seconds: float, connections: Connections | None) -> socket.socket:
    """A connection that is among ``connections`` before it is made, so that the attempt can be ended too."""
    refused: OSError | None = None
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        connection = socket.socket(family, kind, protocol)
        try:
            connection.settimeout(seconds)
            if connections is not None:
                connections.add(connection)
            connection.connect(address)
            return connection
        except OSError as error:
            connection.close()
            refused = error
        except BaseException:
            connection.close()
            raise
    raise refused or OSError(f"{host} has no address")


def parse_response(data: bytes, head: bool = False) -> tuple[int, str, Headers, bytes]:
    """Status, reason, headers and body out of a whole response, to a HEAD request if ``head``.

    Raises NoExchange when it is not one.
    """
    top, separator, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code, _, reason = rest.partition(" ")
    if not separator or not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
        raise NoExchange(f"that is no HTTP response: {data[:80]!r}" if data else "the connection closed unanswered")
    headers = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise NoExchange(f"a header line without a colon: {line[:80]!r}")
        headers.append((name, value.strip(" \t")))
    length = next((value for name, value in headers if name.lower() == "content-length"), None)
    bodiless = head or int(code) in (204, 304)
    if not bodiless and length is not None and length.isascii() and length.isdigit() and len(body) < int(length):
        raise NoExchange(f"the response was cut off after {len(body)} of {length} bytes")
    return int(code), reason, headers, body
