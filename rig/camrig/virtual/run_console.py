"""The console of one run of the interpreter, from its start to the REPL: output in, events out, no I/O.

It decides what the serial line sees, what to type so that the REPL is the one that the client expects, and whether
the run has failed because boot.py was never reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from camrig.virtual.repl_output import DONE, UP, ConsoleBytes, ReplOutput, StartupMark, renaming
from camrig.virtual.repl_state import FRIENDLY_BANNER, RawReplEntry, ReplState

MACHINE = "camrig virtual board with ESP32"
EARLY_LIMIT = 2048


@dataclass(frozen=True)
class Keys:
    """What to type into the interpreter."""

    data: bytes


class RunConsole:
    """``banner`` is the interpreter's, where it is known; ``firmware`` is the title that replaces it in the banner.

    ``repl`` outlives the run, which starts in the raw one if ``raw``.
    """

    def __init__(self, prefix: bytes, banner: str, repl: ReplState, raw: bool, firmware: str = "") -> None:
        self._firmware = firmware
        self.up = False  # whether start-up is over, so that boot.py runs or has run
        self.failed = False  # whether there is a REPL although boot.py never ran
        self._output = ReplOutput(prefix, renaming(banner, MACHINE, firmware))
        self._repl = repl
        self._raw_entry = RawReplEntry() if raw else None
        self._scripts_over = False
        self._early = b""

    @property
    def entering_raw(self) -> bool:
        """Whether the raw REPL, which the client expects, is yet to come."""
        return self._raw_entry is not None

    @property
    def holding(self) -> bool:
        """Whether bytes are held that may be the beginning of a message."""
        return self._output.holding

    @property
    def early_text(self) -> str:
        """What was printed before boot.py."""
        return self._early.decode(errors="replace").replace(FRIENDLY_BANNER.decode(), "").strip()

    @property
    def early_error(self) -> str:
        """The last line before boot.py that names an exception."""
        return next((line for line in reversed(self.early_text.splitlines()) if "Error" in line), "no output")

    def set_banner(self, banner: str) -> None:
        self._output.rename = renaming(banner, MACHINE, self._firmware)

    def feed(self, data: bytes) -> Iterator[ConsoleBytes | StartupMark | Keys]:
        return self._events(self._output.feed(data))

    def flush(self) -> Iterator[ConsoleBytes | StartupMark | Keys]:
        """Release what is held: nothing followed, so it was text."""
        return self._events(self._output.flush())

    def _events(
        self, events: Iterator[ConsoleBytes | StartupMark] | Iterator[ConsoleBytes]
    ) -> Iterator[ConsoleBytes | StartupMark | Keys]:
        for event in events:
            if isinstance(event, ConsoleBytes):
                yield from self._show(event.data)
                continue
            self.up = self.up or event.letter == UP
            self._scripts_over = self._scripts_over or event.letter == DONE
            yield event

    def _show(self, data: bytes) -> Iterator[ConsoleBytes | Keys]:
        if self._raw_entry is not None and self._scripts_over:
            data, keys = self._raw_entry.feed(data)
            if keys:
                yield Keys(keys)
            if self._raw_entry.over:
                self._raw_entry = None
        if not self.up:
            self._early = (self._early + data)[-EARLY_LIMIT:]
            self.failed = self.failed or self._early.endswith(FRIENDLY_BANNER)
        if data:
            self._repl.feed(data)
            yield ConsoleBytes(data)
