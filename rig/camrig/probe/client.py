"""A thin HTTP client that times each phase: one request, one connection, the raw response.

Microdot answers HTTP/1.0 and closes, so one exchange is one connection, and the response ends with the stream. Header
names and values are kept as received, duplicates included.
"""

from __future__ import annotations

import functools
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from camrig.deadline import Deadline
from camrig.probe.connections import Connections
from camrig.probe.response_parser import Headers, LostExchangeError, ResponseParser, check_size, parse_response
from camrig.probe.server_timing import on_board_ms

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
    """Send ``request`` on a new connection and read the response to its end, all within ``seconds``.

    Raises LostExchangeError. Meanwhile the connection is one of ``connections``, whose ``cut`` ends it. The name is
    looked up once, and that is not timed: it says nothing about the board.
    """
    until = Deadline.after(seconds)
    data = bytearray()
    first_byte = 0
    to_head = request.startswith(b"HEAD ")
    try:
        connection, start = connect(host, port, until, connections)
        with connection:
            connected = end = time.perf_counter_ns()
            connection.sendall(request)
            while True:
                wait_until(connection, until)
                chunk = connection.recv(65536)
                end = time.perf_counter_ns()
                first_byte = first_byte or end
                if not chunk:
                    break
                data += chunk
                check_size(len(data))
    except OSError as error:
        is_whole = isinstance(error, TimeoutError) and _is_whole(bytes(data), to_head)
        raise lost_exchange(host, port, error, until, len(data), is_whole=is_whole) from None
    status, reason, headers, body = parse_response(bytes(data), to_head)
    timing = next((value for name, value in headers if name.lower() == "server-timing"), None)
    on_board = on_board_ms(timing) if timing else None
    phases = Phases((connected - start) / 1e6, (first_byte - start) / 1e6, (end - start) / 1e6, on_board)
    return Response(status, reason, headers, body, phases)


def lost_exchange(
    host: str, port: int, error: OSError, until: Deadline, received: int = 0, *, is_whole: bool = False
) -> LostExchangeError:
    """The error for a connection that ended in ``error`` after ``received`` bytes of a response."""
    words = f"timed out after {until.seconds:.3g} s" if isinstance(error, TimeoutError) else str(error)
    words = words or type(error).__name__
    if received:
        words += f", {received:,} bytes into the response"
    if is_whole:
        words += ", which is complete: the server did not close the connection"
    return LostExchangeError(f"{host}:{port}: {words}", cause_of(error))


def _is_whole(data: bytes, to_head: bool) -> bool:
    parser = ResponseParser(to_head)
    with suppress(LostExchangeError):
        parser.feed(data)
    return parser.complete


def wait_until(connection: socket.socket, until: Deadline) -> None:
    """Let the next call on ``connection`` take the time that is left. Raises TimeoutError if there is none."""
    left = until.left
    if not left:
        raise TimeoutError("timed out")
    connection.settimeout(left)


def connect(
    host: str, port: int, until: Deadline, connections: Connections | None = None
) -> tuple[socket.socket, int]:
    """A connection to the first of the host's addresses that accepts one, and the attempt's start (perf_counter_ns).

    It is one of ``connections`` before it is made, so that the attempt can be ended too. Raises OSError.
    """
    if connections is not None and connections.down:  # connecting could take all the time
        raise ConnectionAbortedError("the board went down")
    addresses = _addresses(host, port)
    for family, address in addresses:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            wait_until(connection, until)
            if connections is not None:
                connections.add(connection)
            start = time.perf_counter_ns()
            connection.connect(address)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            wait_until(connection, until)
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
    try:
        return [(info[0], info[4]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError:  # a name that DNS cannot have, as in a redirect
        raise OSError("the name of the host cannot be looked up") from None
