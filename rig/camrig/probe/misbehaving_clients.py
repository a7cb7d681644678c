"""Clients that misbehave, each as a context: inside it the client has done its worst and holds on, where it can.

They are what boards meet: a browser that opens connections ahead of need, a phone that leaves the Wi-Fi in the middle
of a picture, scanners, and software with bugs. None of them waits longer than its time-out for the server.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress

Address = tuple[str, int]
Scenario = Callable[[Address], AbstractContextManager[object]]

SECONDS = 10.0
IDLE_CLIENTS = 4
KILOBYTE = b"x" * 1024
GET = b"GET /api/status HTTP/1.1\r\nHost: board\r\n"


def connected(address: Address) -> socket.socket:
    """A connection on which nothing was sent yet. Raises OSError."""
    connection = socket.create_connection(address, timeout=SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def closed_by_server(connection: socket.socket, seconds: float) -> bool:
    """Whether the server ends the connection within so many seconds, politely or not; what it sends is dropped."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def idle(address: Address) -> Iterator[None]:
    """A browser's pre-connect: a connection on which nothing is sent."""
    with connected(address):
        yield


@contextmanager
def half_closed(address: Address) -> Iterator[None]:
    """Half a request, then the end of what the client sends; it goes on listening."""
    with connected(address) as connection:
        connection.sendall(GET)
        connection.shutdown(socket.SHUT_WR)
        yield


@contextmanager
def half_closed_unsaid(address: Address) -> Iterator[None]:
    """The end of what the client sends before it sent anything."""
    with connected(address) as connection:
        connection.shutdown(socket.SHUT_WR)
        yield


def aborted(target: str) -> Scenario:
    """A client that asks for ``target`` and resets the connection when the first bytes arrive."""

    @contextmanager
    def scenario(address: Address) -> Iterator[None]:
        with connected(address) as connection:
            connection.sendall(b"GET %s HTTP/1.1\r\nHost: board\r\n\r\n" % target.encode())
            with suppress(OSError):
                connection.recv(16)
            # A linger of no seconds: close() sends a reset instead of an end (socket(7)).
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        yield

    return scenario


@contextmanager
def unread_stream(address: Address) -> Iterator[None]:
    """A client that asks for the endless stream and never reads it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(SECONDS)
        connection.connect(address)
        connection.sendall(b"GET /stream?interval_ms=0 HTTP/1.1\r\nHost: board\r\n\r\n")
        yield


@contextmanager
def byte_at_a_time(address: Address) -> Iterator[None]:
    """A whole request in segments of one byte."""
    with connected(address) as connection:
        for byte in GET + b"\r\n":
            connection.sendall(bytes([byte]))
        yield


@contextmanager
def slow_loris(address: Address) -> Iterator[None]:
    """Several clients that begin a request and do not go on."""
    with ExitStack() as held:
        for _ in range(IDLE_CLIENTS):
            held.enter_context(connected(address)).sendall(GET + b"X-Slow: ")
        yield


def sending(*parts: bytes) -> Scenario:
    """A client that sends these bytes, reads what comes, and stays connected."""

    @contextmanager
    def scenario(address: Address) -> Iterator[None]:
        with connected(address) as connection:
            with suppress(OSError):  # the server may hang up on it, and is right to
                for part in parts:
                    connection.sendall(part)
                connection.settimeout(0.2)
                connection.recv(65536)
            yield

    return scenario


_POST = b"POST /api/status HTTP/1.1\r\nHost: board\r\nContent-Length: "

SCENARIOS: dict[str, Scenario] = {
    "idle pre-connect": idle,
    "half-close in the head": half_closed,
    "half-close at once": half_closed_unsaid,
    "abort of a picture": aborted("/capture"),
    "abort of a stream": aborted("/stream?interval_ms=0"),
    "stream that is not read": unread_stream,
    "byte at a time": byte_at_a_time,
    "slow loris": slow_loris,
    "pipelined requests": sending((GET + b"\r\n") * 5),
    "no request line": sending(b"\r\n\r\n"),
    "bad request line": sending(b"HELLO\r\n\r\n"),
    "too many words": sending(b"GET / a b HTTP/1.1\r\n\r\n"),
    "no version": sending(b"GET / HTTP\r\n\r\n"),
    "header without colon": sending(GET + b"no colon here\r\n\r\n"),
    "bare line feeds": sending(GET.replace(b"\r\n", b"\n") + b"\n"),
    "NUL bytes": sending(GET + b"X-Nul: \0\0\r\n\0\r\n\r\n"),
    "no UTF-8": sending(GET + b"X-Noise: \xff\xfe\x80\r\n\r\n"),
    "TLS hello": sending(b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(range(160))),
    "header line of 3 KB": sending(GET + b"X-Long: " + KILOBYTE * 3 + b"\r\n\r\n"),
    "100 KB of headers": sending(GET, *([b"X-Many: " + KILOBYTE + b"\r\n"] * 100), b"\r\n"),
    "100 KB without a line end": sending(GET, *([KILOBYTE] * 100)),
    "length that is no number": sending(_POST + b"many\r\n\r\nbody"),
    "length below zero": sending(_POST + b"-5\r\n\r\nbody"),
    "huge length": sending(_POST + b"99999999999\r\n\r\nbody"),
    "body larger than said": sending(_POST + b"4\r\n\r\nbody" + KILOBYTE),
    "body smaller than said": sending(_POST + b"400\r\n\r\nbody"),
}
