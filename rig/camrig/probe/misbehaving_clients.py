"""Misbehaving clients as context managers: inside, the client has misbehaved and, where it can, stays connected.

Boards meet all of them: a browser that opens connections in advance, a phone that leaves the Wi-Fi in the middle of a
picture, scanners, and software with bugs. None of them waits longer than its time-out for the server.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

from camrig.deadline import Deadline
from camrig.probe.client import wait_until
from camrig.probe.response_parser import MAX_RESPONSE

Address = tuple[str, int]
Scenario = Callable[[Address], AbstractContextManager[object]]

SECONDS = 10.0
IDLE_CLIENTS = 4
KILOBYTE = b"x" * 1024
GET = b"GET /api/status HTTP/1.1\r\nHost: board\r\n"


def open_connection(address: Address) -> socket.socket:
    """A connection on which nothing has been sent yet. Raises OSError."""
    connection = socket.create_connection(address, timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def read_to_end(connection: socket.socket, seconds: float) -> bytes:
    """What the server sends until it closes the connection. Raises OSError, also for a stream that does not end."""
    until = Deadline.after(seconds)
    data = bytearray()
    while len(data) <= MAX_RESPONSE:
        wait_until(connection, until)
        if not (chunk := connection.recv(65536)):
            return bytes(data)
        data += chunk
    raise OSError(f"the stream has more than {MAX_RESPONSE} bytes")


def closed_by_server(connection: socket.socket, seconds: float) -> bool:
    """Whether the server ends the connection, by an end or a reset, within ``seconds``; what it sends is dropped."""
    try:
        read_to_end(connection, seconds)
    except ConnectionError:
        return True
    except OSError:
        return False
    return True


@contextmanager
def idle(address: Address) -> Iterator[None]:
    """A browser's pre-connect: a connection on which nothing is sent."""
    with open_connection(address):
        yield


@contextmanager
def half_closed(address: Address) -> Iterator[None]:
    """Half a request, then the end of the client's stream; it still reads."""
    with open_connection(address) as connection:
        connection.sendall(GET)
        connection.shutdown(socket.SHUT_WR)
        yield


@contextmanager
def half_closed_at_once(address: Address) -> Iterator[None]:
    """The end of the client's stream before it sent anything; it still reads."""
    with open_connection(address) as connection:
        connection.shutdown(socket.SHUT_WR)
        yield


def reset_during(target: str) -> Scenario:
    """A client that requests ``target`` and resets the connection when the first bytes arrive."""

    @contextmanager
    def scenario(address: Address) -> Iterator[None]:
        with open_connection(address) as connection:
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: board\r\n\r\n" % target.encode())
            with suppress(OSError):
                connection.recv(16)
            # With a linger time of zero, close() sends a reset (socket(7)).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield

    return scenario


@contextmanager
def unread_stream(address: Address) -> Iterator[None]:
    """A client that requests the endless stream and never reads it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(SECONDS)
        connection.connect(address)
        connection.sendall(b"GET /stream?interval_ms=0 HTTP/1.1\r\nHost: board\r\n\r\n")
        yield


@contextmanager
def byte_at_a_time(address: Address) -> Iterator[None]:
    """A whole request in segments of one byte."""
    with open_connection(address) as connection:
        for byte in GET + b"\r\n":
            connection.sendall(bytes([byte]))
        yield


@contextmanager
def slow_loris(address: Address) -> Iterator[None]:
    """Several clients that begin a request and never finish it."""
    with ExitStack() as clients:
        for _ in range(IDLE_CLIENTS):
            clients.enter_context(open_connection(address)).sendall(GET + b"X-Slow: ")
        yield


def sending(*parts: bytes) -> Scenario:
    """A client that sends ``parts``, reads what comes, and stays connected."""

    @contextmanager
    def scenario(address: Address) -> Iterator[None]:
        with open_connection(address) as connection:
            until = Deadline.after(SECONDS)
            with suppress(OSError):  # the server may close the connection
                for part in parts:
                    wait_until(connection, until)
                    connection.sendall(part)
                connection.settimeout(0.2)
                connection.recv(65536)
            yield

    return scenario


_POST = b"POST /api/status HTTP/1.1\r\nHost: board\r\nContent-Length: "

SCENARIOS: dict[str, Scenario] = {
    "idle pre-connect": idle,
    "half-close in the request head": half_closed,
    "half-close before the request": half_closed_at_once,
    "reset during a picture": reset_during("/capture"),
    "reset during a stream": reset_during("/stream?interval_ms=0"),
    "stream that is never read": unread_stream,
    "byte at a time": byte_at_a_time,
    "slow loris": slow_loris,
    "pipelined requests": sending((GET + b"\r\n") * 5),
    "empty request line": sending(b"\r\n\r\n"),
    "bad request line": sending(b"HELLO\r\n\r\n"),
    "request line of four words": sending(b"GET / a b HTTP/1.1\r\n\r\n"),
    "request line without a version": sending(b"GET / HTTP\r\n\r\n"),
    "header without colon": sending(GET + b"no colon here\r\n\r\n"),
    "bare line feeds": sending(GET.replace(b"\r\n", b"\n") + b"\n"),
    "NUL bytes": sending(GET + b"X-Nul: \0\0\r\n\0\r\n\r\n"),
    "header that is not UTF-8": sending(GET + b"X-Noise: \xff\xfe\x80\r\n\r\n"),
    "TLS hello": sending(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160))),
    "header line of 3 KB": sending(GET + b"X-Long: " + KILOBYTE * 3 + b"\r\n\r\n"),
    "100 KB of headers": sending(GET, *([b"X-Many: " + KILOBYTE + b"\r\n"] * 100), b"\r\n"),
    "100 KB without a line end": sending(GET, *([KILOBYTE] * 100)),
    "length that is not a number": sending(_POST + b"many\r\n\r\nbody"),
    "negative length": sending(_POST + b"-5\r\n\r\nbody"),
    "huge length": sending(_POST + b"99999999999\r\n\r\nbody"),
    "body longer than its length": sending(_POST + b"4\r\n\r\nbody" + KILOBYTE),
    "body shorter than its length": sending(_POST + b"400\r\n\r\nbody"),
}
