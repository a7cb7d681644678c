"""What sends the requests of a ``requests`` session: one connection, deadline and limit of size for each.

The responses that urllib3 would return in part, decode to any size, or wait for as long as a server drips, end in
LostExchangeError.
"""

from __future__ import annotations

import io
import socket
import zlib
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3._collections import HTTPHeaderDict

from camrig.deadline import Deadline
from camrig.probe.client import connect, lost_exchange, wait_until
from camrig.probe.connections import Connections
from camrig.probe.response_parser import MAX_BODY, LostExchangeError, ResponseParser

_AT_ONCE = 65536  # bytes


class ExchangeAdapter(HTTPAdapter):
    """Sends requests through connections that are added to ``connections``.

    ``timeout`` is a Deadline, or the seconds of the whole exchange. ``lost(error)`` is what a body raises
    that is read later, as with ``stream=True``.
    """

    def __init__(
        self, seconds: float, connections: Connections | None, lost: Callable[[Exception], Exception]
    ) -> None:
        self._seconds, self._connections, self._lost = seconds, connections, lost
        super().__init__()

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, *args: Any, **kwargs: Any
    ) -> requests.Response:
        parts = urlsplit(str(request.url))
        until = deadline_of(timeout, self._seconds)
        address = parts.hostname or "", parts.port or 80
        try:
            connection, _ = connect(*address, until, self._connections)
        except OSError as error:
            raise lost_exchange(*address, error, until) from None
        body = ReceivedBody(connection, request.method == "HEAD", until)
        try:
            body.send(request, parts.netloc.rpartition("@")[2])
            body.receive_head()
            if not stream:
                body.receive_all()
        except BaseException:
            body.close()
            raise
        body.lost = self._lost
        return self.build_response(request, body)  # type: ignore[arg-type]  # only what requests itself reads


class TlsAdapter(HTTPAdapter):
    """The adapter of requests, for servers other than the board."""

    def send(  # type: ignore[override]  # as Session.send calls it
        self, request: requests.PreparedRequest, *, timeout: Any = None, **kwargs: Any
    ) -> requests.Response:
        seconds = timeout.left or 0.001 if isinstance(timeout, Deadline) else timeout
        try:
            return super().send(request, timeout=seconds, **kwargs)
        except (requests.ConnectionError, requests.Timeout) as error:
            cause = "timeout" if isinstance(error, requests.Timeout) else "reset"
            raise LostExchangeError(str(error), cause) from None


def deadline_of(timeout: Any, seconds: float) -> Deadline:
    """The deadline for a time-out in any form that requests takes: both of a pair together; None is ``seconds``."""
    if isinstance(timeout, Deadline):
        return timeout
    limits = timeout if isinstance(timeout, tuple) else (timeout,)
    return Deadline.after(seconds if None in limits else sum(limits))


class ReceivedBody(io.RawIOBase):
    """The body of a response while it comes, decoded; and status and headers, where requests looks for them."""

    def __init__(self, connection: socket.socket, to_head: bool, until: Deadline) -> None:
        self.lost: Callable[[Exception], Exception] | None = None
        self.status, self.reason, self.headers = 0, "", HTTPHeaderDict()
        self._original_response = SimpleNamespace(msg=self.headers)  # where requests looks for cookies
        self._connection, self._until = connection, until
        self._parser = ResponseParser(to_head)
        self._decoder: _Decoder | None = None
        self._buffer = bytearray()
        self._received = 0
        self._ended = False

    def send(self, request: requests.PreparedRequest, host: str) -> None:
        """Send the request; raises LostExchangeError."""
        try:
            for part in _request_parts(request, host):
                wait_until(self._connection, self._until)
                self._connection.sendall(part)
        except BrokenPipeError:
            pass  # the server may have answered before it closed the connection
        except OSError as error:
            raise self._lost_exchange(error) from None

    def receive_head(self) -> None:
        """Receive until the head is complete; raises LostExchangeError."""
        while self._parser.head is None:
            self._receive()
        head = self._parser.head
        self.status, self.reason = head.status, head.reason
        for name, value in head.headers:
            self.headers.add(name, value)

    def receive_all(self) -> None:
        """Receive the rest, and close the connection; raises LostExchangeError."""
        while not self._ended:
            self._receive()
        self._connection.close()

    def read(self, size: int | None = -1, decode_content: bool = True) -> bytes:
        """The next ``size`` bytes, fewer only at the end; raises ``lost`` of what is lost."""
        size = -1 if size is None else size
        try:
            while not self._ended and (size < 0 or len(self._buffer) < size):
                self._receive()
        except LostExchangeError as error:
            self.close()
            raise (self.lost(error) if self.lost else error) from None
        data = bytes(self._buffer if size < 0 else self._buffer[:size])
        del self._buffer[: len(data)]
        return data

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._ended = True
        self._connection.close()
        super().close()

    def _receive(self) -> None:
        """Receive one piece. Only what is complete ends without an error."""
        try:
            wait_until(self._connection, self._until)
            data = self._connection.recv(_AT_ONCE)
        except OSError as error:
            raise self._lost_exchange(error) from None
        self._received += len(data)
        body = self._parser.feed(data)
        head = self._parser.head
        if not data:
            head = self._parser.end()
        if head is not None and self._parser.has_body:
            if self._decoder is None:
                self._decoder = _Decoder(", ".join(head.values("content-encoding")))
            self._buffer += self._decoder.feed(body)
        if not data or self._parser.complete:
            if self._decoder is not None:
                self._decoder.end()
            self._ended = True

    def _lost_exchange(self, error: OSError) -> LostExchangeError:
        try:
            host, port = self._connection.getpeername()[:2]
        except OSError:
            host, port = "the server", 0
        return lost_exchange(host, port, error, self._until, self._received)


def _request_parts(request: requests.PreparedRequest, host: str) -> Iterable[bytes]:
    """The request as bytes: the head, and the parts of the body, which may be chunks."""
    lines = [f"{request.method} {request.path_url} HTTP/1.1".encode()]
    if "Host" not in request.headers:
        lines.append(b"Host: " + host.encode())
    for name, value in request.headers.items():
        lines.append(_latin(name) + b": " + _latin(value))
    body: Any = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    is_whole = isinstance(body, (bytes, bytearray))
    yield b"\r\n".join([*lines, b"", bytes(body) if is_whole else b""])
    if is_whole:
        return
    parts = iter(lambda: body.read(_AT_ONCE), b"") if hasattr(body, "read") else body
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "")
    for part in parts:
        data = part.encode() if isinstance(part, str) else bytes(part)
        if data:
            yield b"%x\r\n%b\r\n" % (len(data), data) if is_chunked else data
    if is_chunked:
        yield b"0\r\n\r\n"


def _latin(text: str | bytes) -> bytes:
    return text.encode("latin-1") if isinstance(text, str) else text


class _Decoder:
    """Undoes gzip and deflate, up to the size that any body may have; other codings stay as they are."""

    def __init__(self, coding: str) -> None:
        self.coding = coding.strip().lower()
        self._is_known = self.coding in ("gzip", "x-gzip", "deflate")
        self._zlib: Any = None
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        if not self._is_known or not data:
            return data
        decoded = bytearray()
        try:
            while data:
                if self._zlib is None or self._zlib.eof:  # a gzip file may have several members
                    self._zlib = zlib.decompressobj(self._window(data))
                decoded += self._zlib.decompress(data, MAX_BODY + 1 - self._size - len(decoded))
                if self._size + len(decoded) > MAX_BODY:
                    raise LostExchangeError(f"the body is larger than {MAX_BODY >> 20} MiB when it is decoded")
                data = self._zlib.unused_data or self._zlib.unconsumed_tail
        except zlib.error as error:
            raise LostExchangeError(f"the body cannot be decoded as {self.coding} ({error})") from None
        self._size += len(decoded)
        return bytes(decoded)

    def end(self) -> None:
        if self._zlib is not None and not self._zlib.eof:
            raise LostExchangeError(f"the body, coded as {self.coding}, was cut off", "reset")

    def _window(self, data: bytes) -> int:
        """Servers send deflate with and without the header of zlib."""
        is_bare = self.coding == "deflate" and (data[0] & 15 != 8 or int.from_bytes(data[:2], "big") % 31)
        return -zlib.MAX_WBITS if is_bare else zlib.MAX_WBITS | 32
