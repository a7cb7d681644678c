"""A thin HTTP client that times what it does: one request, one connection, the raw response.

Microdot answers HTTP/1.0 and closes, so one exchange is one connection and the end of the response is the end of
the stream. Header names and values are kept as they came, duplicates included.
"""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from camrig.probe.connections import Connections
from camrig.probe.server_timing import on_board_ms

Headers = list[tuple[str, str]]
MOST = 4 << 20  # bytes of one response
TIMING_HEADER = ("X-Rig-Timing", "1")  # asks the rig's agent for the time on the board


class Phases(NamedTuple):
    """Milliseconds from the start of the connection attempt; ``on_board`` is the time in the application alone, None
    unless the board reported it (see ``TIMING_HEADER``)."""

    connect: float
    first_byte: float
    total: float
    on_board: float | None = None


class Response(NamedTuple):
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


class LostExchangeError(Exception):
    """The request got no whole response. ``kind``: refused, reset (or cut off), timeout, malformed, unreachable."""

    def __init__(self, message: str, kind: str = "malformed") -> None:
        super().__init__(message)
        self.kind = kind


def kind_of(error: OSError) -> str:
    """The kind of LostExchangeError that a socket's error is."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "reset"
    return "timeout" if isinstance(error, TimeoutError) else "unreachable"


def request_bytes(
    method: str, target: str, host: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """A request head and body. Header values go out as they are given, encoded as UTF-8."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(
    host: str, port: int, request: bytes, seconds: float = 10.0, connections: Connections | None = None
) -> Response:
    """Send ``request`` on a connection of its own and read the response to its end. Raises LostExchangeError.

    The connection is one of ``connections`` meanwhile, which may end it.
    Looking the name up is not timed, and done once: it says nothing about the board.
    """
    most = int(seconds * 1e9)
    data = b""
    first = 0
    try:
        connection, start = connected(host, port, seconds, connections)
        with connection:
            at = end = time.perf_counter_ns()
            connection.sendall(request)
            while len(data) < MOST:
                connection.settimeout(max(most - end + start, 1) / 1e9)
                chunk = connection.recv(65536)
                end = time.perf_counter_ns()
                first = first or end
                if not chunk:
                    break
                data += chunk
    except OSError as error:
        raise LostExchangeError(f"{host}:{port}: {error or type(error).__name__}", kind_of(error)) from None
    status, reason, headers, body = parse_response(data, head=request.startswith(b"HEAD "))
    told = _first(headers, "server-timing")
    on_board = on_board_ms(told) if told else None
    phases = Phases((at - start) / 1e6, (first - start) / 1e6, (end - start) / 1e6, on_board)
    return Response(status, reason, headers, body, phases)


def connected(
    host: str, port: int, seconds: float, connections: Connections | None = None
) -> tuple[socket.socket, int]:
    """A connection to the first of the host's addresses that takes one, and when the attempt began (perf_counter_ns).

    It is among ``connections`` before it is made, so that the attempt can be ended too. Raises OSError.
    """
    addresses = _addresses(host, port)
    for family, address in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            if connections is not None:
                connections.add(connection)
            start = time.perf_counter_ns()
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection, start
        except OSError:
            connection.close()
            if address is addresses[-1][1]:
                _addresses.cache_clear()  # it may have moved
                raise
        except BaseException:
            connection.close()
            raise
    raise OSError(f"{host} has no address")


@functools.lru_cache
def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    return [(found[0], found[4]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def parse_response(data: bytes, head: bool = False) -> tuple[int, str, Headers, bytes]:
    """Status, reason, headers and body out of a whole response, to a HEAD request if ``head``.

    Raises LostExchangeError when it is not one.
    """
    top, separator, body = data.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    code, _, reason = rest.partition(" ")
    if not separator or not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
        if not data:
            raise LostExchangeError("the connection closed unanswered", "reset")
        raise LostExchangeError(f"that is no HTTP response: {data[:80]!r}")
    headers = []
    for name, colon, value in [line.partition(":") for line in lines]:
        if not colon:
            raise LostExchangeError(f"a header line without a colon: {name[:80]!r}")
        headers.append((name, value.strip(" \t")))
    if not head and code not in ("204", "304"):
        length = _first(headers, "content-length")
        if length is not None and length.isascii() and length.isdigit() and len(body) < int(length):
            raise LostExchangeError(f"the response was cut off after {len(body)} of {length} bytes", "reset")
    return int(code), reason, headers, body


def _first(headers: Headers, name: str) -> str | None:
    for key, value in headers:
        if key.lower() == name:
            return value
    return None
