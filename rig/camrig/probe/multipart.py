"""Parses the body of a camera's stream, ``multipart/x-mixed-replace``: is fed bytes, and knows no sockets.

A part with a Content-Length is whole with its last byte; one without is whole when the next boundary is there.
Servers are not trusted: what cannot be such a stream, contradicts itself or exceeds a limit raises LostExchangeError.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from camrig.probe.response_parser import Headers, LostExchangeError
from camrig.redaction import excerpt

MAX_PART = 4 << 20  # bytes of a picture
MAX_HEAD = 8 << 10  # bytes before a picture
MAX_PREAMBLE = 8 << 10  # bytes before the first boundary
MAX_BOUNDARY = 200  # characters: the standard allows 70
MAX_BLANK = 64  # bytes of white space behind a boundary, and before it

STREAM_TYPE = "multipart/x-mixed-replace"
_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"]+)"|([^\s;"]+))', re.IGNORECASE)
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_LINE_ENDS = (b"\r\n", b"\n")


class Part(NamedTuple):
    """One part: its headers as received, and its body."""

    headers: Headers
    body: bytes


class _Delimiter(NamedTuple):
    """A boundary in the stream: where its line ends, and whether it closes the stream."""

    end: int
    closes: bool


_UNDECIDED = _Delimiter(-1, False)  # more bytes are needed


def boundary_of(content_type: str | None) -> str:
    """The boundary that a Content-Type names. Raises LostExchangeError for one that is not a camera's stream."""
    if (content_type or "").partition(";")[0].strip().lower() != STREAM_TYPE:
        raise LostExchangeError(f"its Content-Type is {excerpt(content_type or 'missing')}, not {STREAM_TYPE}")
    match = _BOUNDARY.search(content_type or "")
    boundary = (match[1] or match[2]) if match else ""
    if not boundary or len(boundary) > MAX_BOUNDARY:
        raise LostExchangeError(f"its Content-Type {excerpt(content_type or '')} names no usable boundary")
    return boundary


class MultipartParser:
    """``feed`` takes bytes of the body and returns the parts that are whole now; ``end`` is the end of the stream."""

    def __init__(self, boundary: str) -> None:
        name = boundary.encode("latin-1", "replace")
        # Many cameras put the two dashes of a boundary's line into its name too, and then send only two.
        self._delimiters = (b"--" + name, name) if name.startswith(b"--") else (b"--" + name,)
        self._buffer = bytearray()
        self._scanned = 0
        self._headers: Headers = []
        self._length: int | None = None
        self._take = MultipartParser._take_preamble
        self.closed = False  # by its last boundary; what follows is ignored

    def feed(self, data: bytes) -> list[Part]:
        parts: list[Part] = []
        if self.closed:
            return parts
        self._buffer += data
        while not self.closed and self._take(self, parts):
            pass
        return parts

    def end(self) -> list[Part]:
        """The last part, if its end is that of the stream. Raises LostExchangeError within a part."""
        if self.closed:
            return []
        if self._take is MultipartParser._take_sized:
            raise LostExchangeError(
                f"the stream was cut off after {len(self._buffer):,} of {self._length:,} bytes of a picture", "reset"
            )
        if self._take is MultipartParser._take_head and self._buffer:
            raise LostExchangeError(f"the stream was cut off at {excerpt(bytes(self._buffer))}", "reset")
        if self._take is MultipartParser._take_unsized and self._buffer:
            return [Part(self._headers, bytes(self._buffer))]
        return []

    # Each of these takes one thing from the buffer; False: more bytes are needed.

    def _take_preamble(self, parts: list[Part]) -> bool:
        place = self._find_delimiter()
        if place is None:
            if len(self._buffer) > MAX_PREAMBLE:
                raise LostExchangeError(f"the boundary {excerpt(self._delimiters[0])} does not come in its stream")
            return False
        return self._pass(place[1])

    def _take_head(self, parts: list[Part]) -> bool:
        end = next((len(line) for line in _LINE_ENDS if self._buffer.startswith(line)), 0)
        match = None if end else _END_OF_HEAD.search(self._buffer, max(0, self._scanned - 2))
        if not end and match is None:
            self._scanned = len(self._buffer)
            if self._scanned > MAX_HEAD:
                raise LostExchangeError(f"the headers of a picture are larger than {MAX_HEAD >> 10} KiB")
            return False
        head = bytes(self._buffer[: match.start()]) if match else b""
        del self._buffer[: match.end() if match else end]
        self._headers = [_header(line) for line in head.splitlines()]
        self._length = _length(self._headers)
        self._scanned = 0
        self._take = MultipartParser._take_unsized if self._length is None else MultipartParser._take_sized
        return True

    def _take_sized(self, parts: list[Part]) -> bool:
        assert self._length is not None
        if len(self._buffer) < self._length:
            return False
        parts.append(Part(self._headers, bytes(self._buffer[: self._length])))
        del self._buffer[: self._length]
        self._take = MultipartParser._take_boundary
        return True

    def _take_boundary(self, parts: list[Part]) -> bool:
        """The boundary behind a part with a length, where nothing else may be."""
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        delimiter = self._delimiter(blank) if blank <= MAX_BLANK else None
        if delimiter is None:
            raise LostExchangeError(
                f"behind the {self._length:,} bytes that a picture's Content-Length says is"
                f" {excerpt(bytes(self._buffer[:64]))}, not the boundary"
            )
        return delimiter is not _UNDECIDED and self._pass(delimiter)

    def _take_unsized(self, parts: list[Part]) -> bool:
        place = self._find_delimiter()
        if place is None:
            if len(self._buffer) > MAX_PART:
                raise LostExchangeError(f"a picture is larger than {MAX_PART >> 20} MiB")
            return False
        begin, delimiter = place
        parts.append(Part(self._headers, bytes(self._buffer[:begin])))
        return self._pass(delimiter)

    def _pass(self, delimiter: _Delimiter) -> bool:
        del self._buffer[: delimiter.end]
        self._scanned = 0
        self.closed = delimiter.closes
        self._take = MultipartParser._take_head
        return True

    def _find_delimiter(self) -> tuple[int, _Delimiter] | None:
        """The end of what comes before the next boundary on a line of its own, and that boundary; None: not yet."""
        line = 0 if self._scanned == 0 else self._next_line(self._scanned - 1)
        while line >= 0:
            delimiter = self._delimiter(line)
            if delimiter is _UNDECIDED:
                self._scanned = line
                return None
            if delimiter is not None:
                begin = line - 1 if line else 0
                if begin and self._buffer[begin - 1] == 0x0D:
                    begin -= 1
                return begin, delimiter
            line = self._next_line(line)
        self._scanned = len(self._buffer)
        return None

    def _next_line(self, begin: int) -> int:
        """The first beginning of a line behind ``begin``, -1 if there is none that could be a boundary's."""
        at = begin
        while (at := self._buffer.find(b"\n", at)) >= 0:
            at += 1
            if b"--".startswith(self._buffer[at : at + 2]) or self._buffer.startswith(b"--", at):
                return at
        return -1

    def _delimiter(self, at: int) -> _Delimiter | None:
        """The boundary at ``at``; None if there is another thing."""
        longest = len(self._delimiters[0]) + MAX_BLANK + 4
        rest = bytes(self._buffer[at : at + longest])
        for name in self._delimiters:
            if not rest.startswith(name):
                if name.startswith(rest):
                    return _UNDECIDED
                continue
            tail = rest[len(name) :]
            if tail.startswith(b"--"):
                return _Delimiter(at + len(name) + 2, True)
            blank = len(tail) - len(tail.lstrip(b" \t"))
            ending = tail[blank:]
            for line_end in _LINE_ENDS:
                if ending.startswith(line_end):
                    return _Delimiter(at + len(name) + blank + len(line_end), False)
            if (ending in (b"", b"\r") or tail == b"-") and len(rest) < longest:
                return _UNDECIDED
        return None


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.decode("latin-1").partition(":")
    if not colon or not name:
        raise LostExchangeError(f"the line {excerpt(line)} before a picture is not a header")
    return name, value.strip(" \t\r")


def _length(headers: Headers) -> int | None:
    """The part's Content-Length; None without one."""
    values = {value for name, value in headers if name.strip().lower() == "content-length"}
    if not values:
        return None
    text = values.pop()
    if values or not (text.isascii() and text.isdigit() and len(text) < 10):
        raise LostExchangeError(f"the Content-Length of a picture, {excerpt(text)}, is not one number of bytes")
    if int(text) > MAX_PART:
        raise LostExchangeError(f"a picture announces {int(text):,} bytes, and {MAX_PART >> 20} MiB is the limit")
    return int(text)
