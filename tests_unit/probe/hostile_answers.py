"""Answers of hostile and broken servers, made of parts, and what a client may make of each."""

from __future__ import annotations

import gzip
import random
import socket
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from camrig.probe.response_parser import MAX_BODY

TEXT = b'{"free": 1000, "alloc": 2000, "idf": null}'
DIGITS = b"9" * 5000
BOMB = 64 << 20  # bytes, decoded

STATUS_LINES: dict[str, tuple[bytes, int | None]] = {
    "200": (b"HTTP/1.0 200 OK", 200),
    "200 of HTTP/1.1": (b"HTTP/1.1 200 OK", 200),
    "200 without a reason": (b"HTTP/1.1 200", 200),
    "204": (b"HTTP/1.1 204 No Content", 204),
    "500": (b"HTTP/1.0 500 Internal", 500),
    "an interim response first": (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", 200),
    "100 interim responses, then none": (b"HTTP/1.1 100 Continue\r\n\r\n" * 100 + b"x", None),
    "5,000 digits": (b"HTTP/1.0 " + DIGITS + b" OK", None),
    "5,000 digits of a version": (b"HTTP/" + DIGITS + b" 200 OK", None),
    "two digits": (b"HTTP/1.0 20 OK", None),
    "negative": (b"HTTP/1.0 -200 OK", None),
    "words": (b"HTTP/1.0 OK", None),
    "digits of another script": ("HTTP/1.0 ٢٠٠ OK".encode(), None),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.2", None),
    "NUL bytes": (b"\0\0\0\0", None),
    "none": (b"", None),
    "control characters": (b"\x1b[2J\x1b]0;title\x07", None),
}
HEADERS: dict[str, tuple[bytes, bool]] = {
    "plain": (b"Content-Type: application/json\r\n", True),
    "the same twice": (b"Vary: A\r\nvary: B\r\n", True),
    "bytes above 127": (b"X-Any: \xff\xfe\x80\r\n", True),
    "a cookie of 5,000 digits": (b"Set-Cookie: a=b; Max-Age=" + DIGITS + b"\r\n", True),
    "a redirect to nowhere": (b"Location: http://[\xff:" + DIGITS + b"\r\n", True),
    "a time of 5,000 digits": (b"Server-Timing: app;dur=" + DIGITS + b".0\r\n", True),
    "NUL bytes": (b"X-Any: a\0b\r\n", False),
    "no colon": (b"nothing of the kind\r\n", False),
    "no name": (b": value\r\n", False),
    "300 lines": (b"X-Any: value\r\n" * 300, False),
    "a line of 70 KB": (b"X-Any: " + b"x" * 70_000 + b"\r\n", False),
}
ENDINGS = ("close", "reset", "stall", "drip", "cut in the head", "cut in the body", "endless")


@dataclass(frozen=True)
class Body:
    """How a body is announced and sent. ``raw`` is what a client that does not decode may return, ``decoded`` what
    one that does; None: nothing, it must be an error. ``marked``: the response says where it ends."""

    headers: bytes
    sent: bytes
    raw: bytes | None
    decoded: bytes | None
    marked: bool


def _length(value: bytes, body: bytes | None, sent: bytes = TEXT) -> Body:
    return Body(b"Content-Length: " + value + b"\r\n", sent, body, body, True)


def _chunked(sent: bytes, body: bytes | None) -> Body:
    return Body(b"Transfer-Encoding: chunked\r\n", sent, body, body, True)


def _coded(coding: bytes, sent: bytes, decoded: bytes | None) -> Body:
    headers = b"Content-Encoding: %b\r\nContent-Length: %d\r\n" % (coding, len(sent))
    return Body(headers, sent, sent, decoded, True)


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(BOMB >> 20)) + packer.flush()


_RIGHT = str(len(TEXT)).encode()
_GZIP = gzip.compress(TEXT)
_CHUNKS = b"5\r\n%b\r\n%x;name=value\r\n%b\r\n0\r\nX-Trailer: a\r\n\r\n" % (TEXT[:5], len(TEXT) - 5, TEXT[5:])
BODIES: dict[str, Body] = {
    "its length": _length(_RIGHT, TEXT),
    "its length, three times": _length(_RIGHT + b", " + _RIGHT + b"\r\nContent-Length: " + _RIGHT, TEXT),
    "until the end": Body(b"", TEXT, TEXT, TEXT, False),
    "nothing": _length(b"0", b"", b""),
    "NUL bytes": _length(b"4", bytes(4), bytes(4)),
    "a length too large": _length(b"99", None),
    "a length too small": _length(b"9", None),
    "a length of 5,000 digits": _length(DIGITS, None),
    "a length of 5,000 zeros": _length(b"0" * 5000 + _RIGHT, TEXT),
    "a negative length": _length(b"-5", None),
    "a length with a sign": _length(b"+" + _RIGHT, None),
    "a hexadecimal length": _length(b"0x2a", None),
    "a length with a fraction": _length(_RIGHT + b".0", None),
    "a length in words": _length(b"Guru Meditation Error", None),
    "a length of another script": _length("٤٢".encode(), None),
    "an empty length": _length(b"", None),
    "two lengths": _length(_RIGHT + b"\r\nContent-Length: 7", None),
    "two lengths in one": _length(_RIGHT + b", 7", None),
    "5 MiB": _length(b"%d" % (5 << 20), None, bytes(5 << 20)),
    "5 MiB until the end": Body(b"", bytes(5 << 20), None, None, False),
    "4 MiB": _length(b"%d" % MAX_BODY, bytes(MAX_BODY), bytes(MAX_BODY)),
    "chunks": _chunked(_CHUNKS, TEXT),
    "chunks without the last": _chunked(_CHUNKS.partition(b"0\r\n")[0], None),
    "a chunk that is cut": _chunked(b"2a\r\n" + TEXT[:9], None),
    "a chunk that is too long": _chunked(b"5\r\n" + TEXT + b"\r\n0\r\n\r\n", None),
    "a chunk without a length": _chunked(b"\r\n" + TEXT + b"\r\n0\r\n\r\n", None),
    "a chunk of a negative length": _chunked(b"-5\r\n" + TEXT + b"\r\n0\r\n\r\n", None),
    "a chunk of 5,000 digits": _chunked(DIGITS + b"\r\n" + TEXT, None),
    "a chunk of 900 digits": _chunked(DIGITS[:900] + b"\r\n" + TEXT, None),
    "chunks of 5 MiB": _chunked(b"10000\r\n%b\r\n" % bytes(65536) * 80 + b"0\r\n\r\n", None),
    "chunks and more behind them": _chunked(_CHUNKS + b"HTTP/1.1 200 OK\r\n\r\n", None),
    "chunks and a length": Body(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", _CHUNKS, None, None, True),
    "a transfer that is not known": Body(b"Transfer-Encoding: gzip\r\n", _GZIP, None, None, False),
    "gzip": _coded(b"gzip", _GZIP, TEXT),
    "gzip in two members": _coded(b"gzip", _GZIP + _GZIP, TEXT + TEXT),
    "deflate": _coded(b"deflate", zlib.compress(TEXT), TEXT),
    "deflate without a header": _coded(b"deflate", zlib.compress(TEXT)[2:-4], TEXT),
    "gzip that is cut": _coded(b"gzip", _GZIP[:-9], None),
    "gzip that is none": _coded(b"gzip", TEXT, None),
    "gzip and more behind it": _coded(b"gzip", _GZIP + b"more", None),
    "a gzip bomb": _coded(b"gzip", _bomb(), None),
}


@dataclass(frozen=True)
class HostileAnswer:
    """One answer: names in the tables above."""

    status_line: str
    headers: str
    body: str
    ending: str

    @property
    def start(self) -> bytes:
        """Everything in front of the body."""
        lines = HEADERS[self.headers][0] + BODIES[self.body].headers
        return STATUS_LINES[self.status_line][0] + b"\r\n" + lines + b"\r\n"

    def acceptable(self, *, decoded: bool) -> list[tuple[int, bytes]]:
        """Status and body of the responses that a client may return instead of an error."""
        body, status = BODIES[self.body], STATUS_LINES[self.status_line][1]
        is_lost = self.ending in ("cut in the head", "endless") or not HEADERS[self.headers][1]
        if status is None or is_lost:
            return []
        content = body.decoded if decoded else body.raw
        if status == 204:  # has no body; a client may show what comes nevertheless
            return [(status, shown) for shown in (b"", body.sent, body.sent[: len(body.sent) // 2])]
        if self.ending == "cut in the body":
            half = body.sent[: len(body.sent) // 2]
            is_whole = half == body.sent or (not body.marked and body.raw is not None)
            return [(status, half)] if is_whole and content is not None else []
        if content is None or (not body.marked and self.ending != "close"):
            return []
        return [(status, content)]

    @property
    def must_succeed(self) -> bool:
        """Whether it is a right response in every way, which no client may refuse."""
        return self.ending == "close" and self.status_line not in ("204",) and bool(self.acceptable(decoded=True))

    def send(self, connection: socket.socket, gone: threading.Event) -> None:
        """Send it; ``gone`` ends what has no end. Raises OSError when the client disconnects."""
        body = BODIES[self.body].sent
        if self.ending == "cut in the head":
            connection.sendall(self.start[: len(self.start) // 2])
        elif self.ending == "cut in the body":
            connection.sendall(self.start + body[: len(body) // 2])
        elif self.ending == "drip":
            for byte in self.start + body:
                connection.sendall(bytes([byte]))
                if gone.wait(0.02):
                    return
        elif self.ending == "endless":
            connection.sendall(self.start.removesuffix(b"\r\n"))
            while not gone.is_set():
                connection.sendall(b"X-Any: value\r\n" * 1000)
        else:
            connection.sendall(self.start + body)
        if self.ending == "stall":
            connection.recv(1)  # until the client disconnects
        if self.ending == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def draw(generator: random.Random) -> HostileAnswer:
    """Any answer; half of them differ from a right one in one part only, so that this part is reached."""
    tables: tuple[Mapping[str, object] | tuple[str, ...], ...] = (STATUS_LINES, HEADERS, BODIES, ENDINGS)
    names = [next(iter(table)) for table in tables]
    is_single = generator.random() < 0.5
    for number in [generator.randrange(4)] if is_single else range(4):
        names[number] = generator.choice(list(tables[number]))
    return HostileAnswer(*names)


class HostileServer:
    """Answers every connection on loopback with ``answer``."""

    def __init__(self, listener: socket.socket) -> None:
        self.answer = HostileAnswer("200", "plain", "its length", "close")
        self.address: tuple[str, int] = listener.getsockname()
        self._listener = listener
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                # One at a time: what a client leaves behind is over when the next one comes.
                with connection, suppress(OSError):
                    connection.settimeout(10)
                    data = b""
                    while b"\r\n\r\n" not in data and b"echo\n" not in data and (part := connection.recv(65536)):
                        data += part
                    self.answer.send(connection, self._gone)

    @classmethod
    @contextmanager
    def start(cls) -> Iterator[HostileServer]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = cls(listener)
            server._thread.start()
            try:
                yield server
            finally:
                server._gone.set()
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                server._thread.join(10)
