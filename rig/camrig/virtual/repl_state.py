"""Which REPL the interpreter shows, judged by its last banner, what is started in it, and the way back. No I/O."""

from __future__ import annotations

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY_BANNER = b'Type "help()" for more information.\r\n>>> '
FRIENDLY_PROMPT = b">>> "
ENTER_RAW = b"\x01"
END = 0x04  # Ctrl-D runs what has been typed
CONTROL = b"\x01\x02\x03\x04"  # these leave nothing typed
_TAIL = max(len(RAW_BANNER), len(FRIENDLY_BANNER)) - 1


class ReplState:
    """``raw`` tells which REPL was last announced; a board starts in the friendly one."""

    def __init__(self) -> None:
        self.raw = False
        self._tail = b""

    def feed(self, data: bytes) -> None:
        seen = self._tail + data
        raw, friendly = seen.rfind(RAW_BANNER), seen.rfind(FRIENDLY_BANNER)
        if raw != friendly:
            self.raw = raw > friendly
        self._tail = seen[-_TAIL:]


class Programs:
    """Counts the programs that a client starts in the raw REPL, judged by its keys: text, and then Ctrl-D."""

    def __init__(self) -> None:
        self._text = False

    def feed(self, keys: bytes, raw: bool) -> int:
        """How many of ``keys`` start a program; ``raw`` is whether the raw REPL is on."""
        started = 0
        for key in keys if raw else b"":
            started += key == END and self._text
            self._text = key not in CONTROL
        return started


class RawEntry:
    """Turns a start at the friendly prompt into the raw REPL of an ESP32 after a soft reset from there.

    ``feed`` returns what may be shown and what has to be typed. ``over`` once the raw REPL answers.
    """

    def __init__(self) -> None:
        self.over = False
        self._seen = b""
        self._typed = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self.over:
            return data, b""
        self._seen += data
        keys = b""
        if not self._typed:
            prompt = self._seen.find(FRIENDLY_PROMPT)
            if prompt < 0:
                return b"", b""
            self._seen = self._seen[prompt + len(FRIENDLY_PROMPT) :]
            self._typed = True
            keys = ENTER_RAW
        banner = self._seen.find(RAW_BANNER)
        if banner < 0:
            return b"", keys
        self.over = True
        return self._seen[banner:], keys
