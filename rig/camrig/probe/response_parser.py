"""Parses HTTP/1 responses from hostile or broken servers: is fed bytes, and knows no sockets.

Whatever is incomplete, contradicts itself or exceeds a limit raises LostExchangeError: nobody knows what the whole
response would have been. A body is never returned in part without that error.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Protocol

from camrig.redaction import excerpt

Headers = list[tuple[str, str]]

MAX_BODY = 4 << 20  # bytes
MAX_HEAD = 64 << 10  # bytes, interim responses included
MAX_HEADERS = 256
MAX_RESPONSE = MAX_HEAD + MAX_BODY
MAX_LINE = 1024  # bytes of a line between two chunks

_STATUS_LINE = re.compile(r"HTTP/\d(?:\.\d)? +([1-9]\d\d)(?: (.*))?", re.ASCII | re.DOTALL)
_END_OF_HEAD = re.compile(rb"\n\r?\n")  # RFC 9112, section 2.2, lets a recipient accept a bare line feed
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]+")
_VERSION = b"HTTP/"
_SWITCHING_PROTOCOLS = 101


class LostExchangeError(Exception):
    """No complete response came. ``cause``: refused, reset (or cut off), timeout, malformed or unreachable."""

    def __init__(self, message: str, cause: str = "malformed") -> None:
        super().__init__(message)
        self.cause = cause


class Head(NamedTuple):
    """Status line and headers as received, duplicates included."""

    status: int
    reason: str
    headers: Headers

    def values(self, name: str) -> list[str]:
        """Every value of the header ``name``, which is in lower case."""
        return [value for key, value in self.headers if key.lower() == name]


def parse_response(data: bytes, to_head: bool = False) -> tuple[int, str, Headers, bytes]:
    """Status, reason, headers and body of a whole response, to a HEAD request if ``to_head``.

    Interim responses before it are dropped. Raises LostExchangeError for anything else.
    """
    parser = ResponseParser(to_head)
    body = parser.feed(data)
    return *parser.end(), body


def check_size(received: int) -> None:
    """Raise LostExchangeError if a response has more bytes than any may have."""
    if received > MAX_RESPONSE:
        raise LostExchangeError(f"the response is larger than {MAX_BODY >> 20} MiB")


class ResponseParser:
    """``feed`` takes what the server sent and returns what of it belongs to the body; ``end`` is the stream's end.

    ``head`` is None until the head is complete.
    """

    def __init__(self, to_head: bool = False) -> None:
        self.head: Head | None = None
        self._to_head = to_head
        self._received = 0
        self._start = bytearray()
        self._head_bytes = 0
        self._framing: _Framing = _NoBody()

    @property
    def complete(self) -> bool:
        """Whether nothing more belongs to the response. False where its end is that of the stream."""
        return self.head is not None and self._framing.complete

    @property
    def has_body(self) -> bool:
        return not isinstance(self._framing, _NoBody)

    def feed(self, data: bytes) -> bytes:
        self._received += len(data)
        check_size(self._received)
        if self.head is None:
            self._start += data
            data = self._take_head()
            if self.head is None:
                return b""
        return self._framing.feed(data)

    def end(self) -> Head:
        """The head of a response that is whole."""
        if self.head is None:
            if not self._start and not self._head_bytes:
                raise LostExchangeError("the connection was closed without an answer", "reset")
            place = f"its head, {excerpt(bytes(self._start))}" if self._start else "an interim response"
            raise LostExchangeError(f"the response was cut off in {place}", "reset")
        self._framing.end()
        return self.head

    def _take_head(self) -> bytes:
        """Parse heads until a final one; returns what lies behind it."""
        while True:
            if not self._start.startswith(_VERSION[: len(self._start)]):
                raise LostExchangeError(f"the server sent {excerpt(bytes(self._start))}, not an HTTP response")
            end = _END_OF_HEAD.search(self._start)
            if self._head_bytes + (end.end() if end else len(self._start)) > MAX_HEAD:
                raise LostExchangeError(f"the headers are larger than {MAX_HEAD >> 10} KiB")
            if end is None:
                return b""
            head = _parse_head(bytes(self._start[: end.start()]).removesuffix(b"\r"))
            self._head_bytes += end.end()
            del self._start[: end.end()]
            if head.status >= 200 or head.status == _SWITCHING_PROTOCOLS:
                self._framing = _framing_of(head, self._to_head)
                self.head = head
                return bytes(self._start)


def _parse_head(data: bytes) -> Head:
    text = data.decode("latin-1")
    lines = text.split("\r\n")
    if "\n" in lines[0]:
        lines = text.split("\n")
    status_line = lines.pop(0)
    match = _STATUS_LINE.fullmatch(status_line)
    if match is None:
        raise LostExchangeError(f"the status line is {excerpt(status_line)}, not that of HTTP")
    if len(lines) > MAX_HEADERS:
        raise LostExchangeError(f"the response has more than {MAX_HEADERS} header lines")
    headers, is_noisy = [], "\0" in text
    for line in lines:
        name, colon, value = line.partition(":")
        if not (colon and name) or (is_noisy and "\0" in line):
            raise LostExchangeError(f"the line {excerpt(line)} among the headers is not one")
        headers.append((name, value.lstrip(" \t").rstrip(" \t\r")))
    return Head(int(match[1]), match[2] or "", headers)


class _Framing(Protocol):
    """How a response says where its body ends. ``end`` raises LostExchangeError before that."""

    @property
    def complete(self) -> bool: ...

    def feed(self, data: bytes) -> bytes: ...

    def end(self) -> None: ...


def _framing_of(head: Head, to_head: bool) -> _Framing:
    """RFC 9112, section 6.3; two statements that contradict each other are an error."""
    codings, values = [], []
    for name, value in head.headers:
        name = name.lower()
        if name == "content-length":
            values.append(value)
        elif name == "transfer-encoding":
            codings.append(value.lower())
    lengths = {length.strip(" \t") for length in ",".join(values).split(",")} if values else set()
    if len(lengths) > 1:
        raise LostExchangeError(f"the response has several lengths: {excerpt(', '.join(sorted(lengths)))}")
    length = next(iter(lengths), None)
    if length is not None and not (length.isascii() and length.isdigit()):
        raise LostExchangeError(f"the Content-Length {excerpt(length)} is not a number of bytes")
    if to_head or head.status in (_SWITCHING_PROTOCOLS, 204, 304):
        return _NoBody()
    if codings:
        if codings != ["chunked"]:
            raise LostExchangeError(f"the Transfer-Encoding {excerpt(', '.join(codings))} is not known")
        if length is not None:
            raise LostExchangeError("the response has a Content-Length and chunks")
        return _Chunks()
    return _UntilClose() if length is None else _Length(_size(length, 10))


def _size(digits: str, base: int) -> int:
    """Python refuses to convert thousands of digits: a number of many is above the limit in any base."""
    digits = digits.lstrip("0") or "0"
    if len(digits) > 10 or int(digits, base) > MAX_BODY:
        shown = f"{'0x' * (base == 16)}{digits}" if len(digits) <= 20 else f"a number of {len(digits):,} digits, of"
        raise LostExchangeError(f"the response announces {shown} bytes, and {MAX_BODY >> 20} MiB is the limit")
    return int(digits, base)


class _NoBody:
    """An answer to HEAD, 204 or 304. What comes nevertheless is returned: a test may look at it."""

    complete = True

    def feed(self, data: bytes) -> bytes:
        return data

    def end(self) -> None:
        pass


class _UntilClose:
    """The body ends with the stream."""

    complete = False

    def __init__(self) -> None:
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > MAX_BODY:
            raise LostExchangeError(f"the body is larger than {MAX_BODY >> 20} MiB")
        return data

    def end(self) -> None:
        pass


class _Length:
    """The body has the length that Content-Length says."""

    def __init__(self, length: int) -> None:
        self._length, self._size = length, 0

    @property
    def complete(self) -> bool:
        return self._size == self._length

    def feed(self, data: bytes) -> bytes:
        self._size += len(data)
        if self._size > self._length:
            raise LostExchangeError(f"the body is longer than its Content-Length, {self._length} bytes")
        return data

    def end(self) -> None:
        if not self.complete:
            raise LostExchangeError(f"the response was cut off after {self._size} of {self._length} bytes", "reset")


class _Chunks:
    """The body comes in chunks, and ends with an empty one (RFC 9112, section 7.1)."""

    def __init__(self) -> None:
        self.complete = False
        self._buffer = bytearray()
        self._left = 0  # bytes of the current chunk
        self._size = self._trailers = 0
        self._take = _Chunks._take_size

    def feed(self, data: bytes) -> bytes:
        self._buffer += data
        body = bytearray()
        while not self.complete:
            if self._left:
                part = self._buffer[: self._left]
                if not part:
                    break
                body += part
                del self._buffer[: len(part)]
                self._left -= len(part)
                continue
            end = self._buffer.find(b"\n")
            if (end if end >= 0 else len(self._buffer)) > MAX_LINE:
                raise LostExchangeError(f"a line between chunks is {excerpt(bytes(self._buffer))}")
            if end < 0:
                break
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._take(self, line)
        if self.complete and self._buffer:
            raise LostExchangeError(f"behind the last chunk there is {excerpt(bytes(self._buffer))}")
        return bytes(body)

    def end(self) -> None:
        if not self.complete:
            raise LostExchangeError(f"the response was cut off in its chunks, after {self._size} bytes", "reset")

    def _take_size(self, line: bytes) -> None:
        size = line.partition(b";")[0].strip(b" \t")
        if not _CHUNK_SIZE.fullmatch(size):
            raise LostExchangeError(f"the length of a chunk is {excerpt(line)}")
        self._left = _size(size.decode(), 16)
        self._size += self._left
        if self._size > MAX_BODY:
            raise LostExchangeError(f"the body is larger than {MAX_BODY >> 20} MiB")
        self._take = _Chunks._take_end if self._left else _Chunks._take_trailer

    def _take_end(self, line: bytes) -> None:
        if line:
            raise LostExchangeError(f"a chunk is longer than its length: {excerpt(line)}")
        self._take = _Chunks._take_size

    def _take_trailer(self, line: bytes) -> None:
        self._trailers += len(line)
        if self._trailers > MAX_HEAD:
            raise LostExchangeError(f"the trailers are larger than {MAX_HEAD >> 10} KiB")
        self.complete = not line
