"""What a REPL shows and starts: which one is on, the programs typed into it, and the way into the raw one. No I/O."""

from __future__ import annotations

RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY_BANNER = b'Type "help()" for more information.\r\n>>> '
FRIENDLY_PROMPT = b">>> "
ENTER_RAW = b"\x01"
CTRL_D = 0x04  # runs what has been typed
CONTROL_KEYS = b"\x01\x02\x03\x04"  # after these nothing is typed yet
_TAIL = max(len(RAW_BANNER), len(FRIENDLY_BANNER)) - 1


class ReplState:
    """``raw`` is whether the last banner was the raw REPL's; a board starts in the friendly one."""

    def __init__(self) -> None:
        self.raw = False
        self._tail = b""

    def feed(self, data: bytes) -> None:
        text = self._tail + data
        raw, friendly = text.rfind(RAW_BANNER), text.rfind(FRIENDLY_BANNER)
        if raw != friendly:
            self.raw = raw > friendly
        self._tail = text[-_TAIL:]


class ProgramCount:
    """Counts the programs that a client starts in the raw REPL: text, and then Ctrl-D."""

    def __init__(self) -> None:
        self._text = False

    def feed(self, keys: bytes, raw: bool) -> int:
        """How many programs ``keys`` start; ``raw`` is whether the raw REPL is on."""
        started = 0
        for key in keys if raw else b"":
            started += key == CTRL_D and self._text
            self._text = key not in CONTROL_KEYS
        return started


class RawReplEntry:
    """Turns a start at the friendly prompt into the raw REPL of an ESP32 after a soft reset from there.

    ``feed`` returns what to show and what to type. ``over`` is True once the raw REPL answers.
    """

    def __init__(self) -> None:
        self.over = False
        self._text = b""
        self._typed = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        if self.over:
            return data, b""
        self._text += data
        keys = b""
        if not self._typed:
            prompt = self._text.find(FRIENDLY_PROMPT)
            if prompt < 0:
                return b"", b""
            self._text = self._text[prompt + len(FRIENDLY_PROMPT) :]
            self._typed = True
            keys = ENTER_RAW
        banner = self._text.find(RAW_BANNER)
        if banner < 0:
            return b"", keys
        self.over = True
        return self._text[banner:], keys
