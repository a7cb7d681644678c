"""What a board said: kept within a bound, with its events, for those who wait and those who want to be told."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from camrig.board.console_parser import Event, Parser
from camrig.deadline import Deadline
from camrig.errors import CamrigError

CONSOLE_BYTES = 1 << 20  # what is kept of a board's console
EVENTS = 2000  # the latest; a board may print tracebacks all night

T = TypeVar("T")


class Console:
    """Everything that the board said, its events, and a way to wait for one. Safe to use from two threads.

    ``attended`` is true while the rig has the board in its hands: restarts and prompts are its own doing then.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._data = bytearray()
        self._dropped = 0
        self._parser = Parser()
        self._change = threading.Condition()
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._seen = 0
        self._told: list[Callable[[Event | CamrigError], None]] = []
        self.attended = True
        self.broken: CamrigError | None = None  # why nothing more will come

    @property
    def events(self) -> list[Event]:
        """The latest events, oldest first."""
        with self._change:
            return list(self._events)

    @property
    def seen(self) -> int:
        """How many events there have been: a place for ``since`` and ``wait``."""
        with self._change:
            return self._seen

    def since(self, seen: int) -> list[Event]:
        """The events after number ``seen``, as far as they are kept."""
        with self._change:
            return self._since(seen)

    def _since(self, seen: int) -> list[Event]:
        new = min(self._seen - seen, len(self._events))
        return list(self._events)[-new:] if new > 0 else []

    def tell(self, told: Callable[[Event | CamrigError], None]) -> None:
        """Call ``told`` with every event from now on, and with what breaks the line, in the thread that reads it."""
        self._told.append(told)

    def heard(self, data: bytes) -> None:
        with self._change:
            self._data += data
            if len(self._data) > CONSOLE_BYTES:
                self._dropped += len(self._data) - CONSOLE_BYTES // 2
                del self._data[: -CONSOLE_BYTES // 2]
            events = self._parser.feed(data)
            self._events.extend(events)
            self._seen += len(events)
        # Before those who wait are woken: they may ask what the told have made of it.
        for event in events:
            for told in self._told:
                told(event)
        with self._change:
            self._change.notify_all()

    def fail(self, error: CamrigError) -> None:
        """Nothing more will come, because of ``error``."""
        with self._change:
            self.broken = error
        for told in self._told:
            told(error)
        with self._change:
            self._change.notify_all()

    def mark(self) -> int:
        """A place in the console, for ``text(since=...)``."""
        with self._change:
            return self._dropped + len(self._data)

    def text(self, since: int = 0, lines: int | None = None) -> str:
        """What was said since a mark, at most the last ``lines``; secrets are replaced by ``***``."""
        with self._change:
            data = bytes(self._data[max(0, since - self._dropped) :])
        text = self._readable(data)
        return "\n".join(text.split("\n")[-lines:]) if lines else text

    def before(self, mark: int, lines: int) -> str:
        """The last ``lines`` that were complete at a mark, as far as they are kept."""
        with self._change:
            data = bytes(self._data[: max(0, mark - self._dropped)])
        return "\n".join(self._readable(data).rstrip("\n").split("\n")[-lines:])

    def hide(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``: events hold what the board said, word for word."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _readable(self, data: bytes) -> str:
        return self.hide(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\x04", ""))

    def wait(self, found: Callable[[Event], T | None], seen: int, deadline: Deadline) -> T | None:
        """What ``found`` makes of the first event after number ``seen`` that it does not answer with None.

        None when the deadline passes; raises what broke the line if it breaks.
        """
        with self._change:
            while True:
                events = self._since(seen)
                seen = self._seen
                for event in events:
                    if (result := found(event)) is not None:
                        return result
                if self.broken is not None:
                    raise self.broken
                if deadline.passed:
                    return None
                self._change.wait(deadline.left)
