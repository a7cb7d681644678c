"""What the interpreter writes becomes what an ESP32 would send: bytes in, events out, no I/O.

The board side reports to the supervisor within its own output, because only there is the order certain. A
message is the secret prefix, a letter, and for ``B`` four hexadecimal digits: that many bytes go out unchanged.
All other output is text: a bare line feed becomes CR LF as the serial console does it, and the
interpreter's name for this host is replaced by the board's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

BINARY = ord("B")
UP = b"U"  # start-up is over, boot.py comes next
DONE = b"D"  # boot.py and main.py are over, the REPL comes next


@dataclass(frozen=True)
class ConsoleBytes:
    """Bytes for the serial line."""

    data: bytes


@dataclass(frozen=True)
class StartupMark:
    """A message of the start-up script: UP or DONE."""

    letter: bytes


def renaming(banner: str, machine: str, firmware: str = "") -> tuple[bytes, bytes]:
    """The interpreter's ``banner``, and what it becomes on ``machine``, whose ``firmware`` may have another title.

    Both are empty while it is unknown.
    """
    if not banner:
        return b"", b""
    title = f"MicroPython {firmware}" if firmware else banner.partition("; ")[0]
    return banner.encode() + b"\r\n", f"{title}; {machine}\r\n".encode()


class ReplOutput:
    """Parses the output of one run of the interpreter. ``rename`` is what ``renaming`` returns."""

    def __init__(self, prefix: bytes, rename: tuple[bytes, bytes] = (b"", b"")) -> None:
        self.prefix = prefix
        self.rename = rename
        self._held = b""
        self._binary = 0
        self._last = b""

    @property
    def holding(self) -> bool:
        """Whether bytes are held that may be the beginning of a message."""
        return bool(self._held)

    def feed(self, data: bytes) -> Iterator[ConsoleBytes | StartupMark]:
        data, self._held = self._held + data, b""
        while data:
            if self._binary:
                binary, data = data[: self._binary], data[self._binary :]
                self._binary -= len(binary)
                yield self._unchanged(binary)
                continue
            text, prefix, rest = data.partition(self.prefix)
            if not prefix:
                keep = self._beginning(text)
                text, self._held = text[: len(text) - keep], text[len(text) - keep :]
                if text:
                    yield self._cooked(text)
                return
            if text:
                yield self._cooked(text)
            if not rest or (rest[0] == BINARY and len(rest) < 5):
                self._held = prefix + rest
                return
            if rest[0] == BINARY:
                self._binary = int(rest[1:5], 16)
                data = rest[5:]
            else:
                yield StartupMark(rest[:1])
                data = rest[1:]

    def flush(self) -> Iterator[ConsoleBytes]:
        """Release what is held: nothing followed, so it was text."""
        held, self._held = self._held, b""
        if held:
            yield self._cooked(held)

    def _beginning(self, text: bytes) -> int:
        """How many bytes at the end of ``text`` may begin the prefix or the banner."""
        for pattern in (self.prefix, self.rename[0]):
            for size in range(min(len(pattern) - 1, len(text)), 0, -1):
                if text.endswith(pattern[:size]):
                    return size
        return 0

    def _unchanged(self, data: bytes) -> ConsoleBytes:
        self._last = data[-1:]
        return ConsoleBytes(data)

    def _cooked(self, text: bytes) -> ConsoleBytes:
        if self.rename[0]:
            text = text.replace(*self.rename)
        before, self._last = self._last, text[-1:]
        if before == b"\r" and text.startswith(b"\n"):
            return ConsoleBytes(b"\n" + _crlf(text[1:]))
        return ConsoleBytes(_crlf(text))


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
