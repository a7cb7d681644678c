"""A thin HTTP client that times each phase: one request, one connection, the raw response.

Microdot answers HTTP/1.0 and closes, so one exchange is one connection, and the response ends with the stream. Header
names and values are kept as received, duplicates included.
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
MAX_RESPONSE = 4 << 20  # bytes
TIMING_HEADER = ("X-Rig-Timing", "1")  # asks the rig's agent for the time on the board


class Phases(NamedTuple):
    """Milliseconds from the start of the connection attempt. ``on_board`` is the time in the application alone; None
    unless the board reported it (see ``TIMING_HEADER``)."""

    connect: float
    first_byte: float
    total: float
    on_board: float | None = None


class Response(NamedTuple):
    """A response as received."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    phases: Phases

    def values(self, name: str) -> list[str]:
        """Every value of the header ``name``, in any case, in the order received."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """The header's value, ``', '`` between duplicates; None when absent (RFC 9110, section 5.3)."""
        values = self.values(name)
        return ", ".join(values) if values else None


class LostExchangeError(Exception):
    """No complete response came. ``cause``: refused, reset (or cut off), timeout, malformed or unreachable."""

    def __init__(self, message: str, cause: str = "malformed") -> None:
        super().__init__(message)
        self.cause = cause


def cause_of(error: OSError) -> str:
    """The cause of a LostExchangeError, for a socket's error."""
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionError):
        return "reset"
    return "timeout" if isinstance(error, TimeoutError) else "unreachable"


def request_bytes(
    method: str, target: str, host: str | None, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """A request, head and body; ``host`` None: without that header. Header values are sent unchanged, as UTF-8."""
    lines = [f"{method} {target} HTTP/1.1", *([f"Host: {host}"] if host is not None else [])]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(
    host: str, port: int, request: bytes, seconds: float = 10.0, connections: Connections | None = None
) -> Response:
    """Send ``request`` on a new connection and read the response to its end. Raises LostExchangeError.

    Meanwhile the connection is one of ``connections``, whose ``cut`` ends it. The name is looked up once, and that is
    not timed: it says nothing about the board.
    """
    timeout = int(seconds * 1e9)
    data = b""
    first_byte = 0
    try:
        connection, start = connect(host, port, seconds, connections)
        with connection:
            connected = end = time.perf_counter_ns()
            connection.sendall(request)
            while len(data) < MAX_RESPONSE:
                connection.settimeout(max(timeout - end + start, 1) / 1e9)
                chunk = connection.recv(65536)
                end = time.perf_counter_ns()
                first_byte = first_byte or end
                if not chunk:
                    break
                data += chunk
    except OSError as error:
        raise LostExchangeError(f"{host}:{port}: {error or type(error).__name__}", cause_of(error)) from None
    status, reason, headers, body = parse_response(data, head=request.startswith(b"HEAD "))
    timing = _first(headers, "server-timing")
    on_board = on_board_ms(timing) if timing else None
    phases = Phases((connected - start) / 1e6, (first_byte - start) / 1e6, (end - start) / 1e6, on_board)
    return Response(status, reason, headers, body, phases)


def connect(
    host: str, port: int, seconds: float, connections: Connections | None = None
) -> tuple[socket.socket, int]:
    """A connection to the first of the host's addresses that accepts one, and the attempt's start (perf_counter_ns).

    It is one of ``connections`` before it is made, so that the attempt can be ended too. Raises OSError.
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
                _addresses.cache_clear()  # the board may have a new address
                raise
        except BaseException:
            connection.close()
            raise
    raise OSError(f"{host} has no address")


@functools.lru_cache
def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    return [(info[0], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def parse_response(data: bytes, head: bool = False) -> tuple[int, str, Headers, bytes]:
    """Status, reason, headers and body of a complete response, to a HEAD request if ``head``.

    Raises LostExchangeError for anything else.
    """
    start, separator, body = data.partition(b"\r\n\r\n")
    status_line, *lines = start.decode("latin-1").split("\r\n")
    version, _, rest = status_line.partition(" ")
    code, _, reason = rest.partition(" ")
    if not separator or not version.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
        if not data:
            raise LostExchangeError("the connection was closed without an answer", "reset")
        raise LostExchangeError(f"not an HTTP response: {data[:80]!r}")
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
