"""A board's console output: kept within a bound, parsed into events, for those who wait and those who subscribe."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from camrig.board.console_parser import ConsoleParser
from camrig.board.events import Event
from camrig.deadline import Deadline
from camrig.errors import CamrigError
from camrig.redaction import hide, visible

CONSOLE_BYTES = 1 << 20  # kept of a board's console
EVENTS = 2000  # the latest ones kept; a board may print tracebacks all night

T = TypeVar("T")


class Console:
    """The board's output, its events, and a way to wait for one. Safe to use from two threads.

    ``attended``: the rig itself controls the board, and restarts and prompts are expected.
    ``broken`` is the error after which no more output comes, None while the line works.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [secret for secret in secrets if secret]
        self._data = bytearray()
        self._dropped = 0
        self._parser = ConsoleParser()
        self._change = threading.Condition()
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._seen = 0
        self._listeners: list[Callable[[Event | CamrigError], None]] = []
        self._attended = True
        self.broken: CamrigError | None = None

    @property
    def events(self) -> list[Event]:
        """The latest events, oldest first."""
        with self._change:
            return list(self._events)

    @property
    def seen(self) -> int:
        """The number of events so far: a position for ``since`` and ``wait``."""
        with self._change:
            return self._seen

    def since(self, seen: int) -> list[Event]:
        """The events after number ``seen``, as far as they are kept."""
        with self._change:
            return self._since(seen)

    def _since(self, seen: int) -> list[Event]:
        new = min(self._seen - seen, len(self._events))
        return list(self._events)[-new:] if new > 0 else []

    def subscribe(self, listener: Callable[[Event | CamrigError], None]) -> None:
        """Call ``listener`` with every event from now on, and with the error that breaks the line.

        It is called in the thread that reads the port.
        """
        self._listeners.append(listener)

    @property
    def attended(self) -> bool:
        return self._attended

    def attend(self) -> None:
        """The rig takes control of the board."""
        self._attended = True

    def release(self) -> None:
        """The rig leaves the board alone."""
        self._attended = False

    def feed(self, data: bytes) -> None:
        """Take in bytes from the board: keep them, parse them, and notify listeners and waiting threads."""
        with self._change:
            self._data += data
            if len(self._data) > CONSOLE_BYTES:
                self._dropped += len(self._data) - CONSOLE_BYTES // 2
                del self._data[: -CONSOLE_BYTES // 2]
            events = self._parser.feed(data)
            self._events.extend(events)
            self._seen += len(events)
        # Listeners come first: a waiting thread may read the state that they set.
        for event in events:
            self._notify(event)
        with self._change:
            self._change.notify_all()

    def fail(self, error: CamrigError) -> None:
        """No more output will come, because of ``error``."""
        with self._change:
            self.broken = error
        self._notify(error)
        with self._change:
            self._change.notify_all()

    def restore(self) -> None:
        """The line is open again after ``fail``."""
        with self._change:
            self.broken = None

    def _notify(self, event: Event | CamrigError) -> None:
        for listener in self._listeners:
            listener(event)

    def mark(self) -> int:
        """A position in the console, for ``text(since=...)``."""
        with self._change:
            return self._dropped + len(self._data)

    def text(self, since: int = 0, lines: int | None = None) -> str:
        """The output since a mark, at most the last ``lines``; secrets are replaced by ``***``."""
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
        """``text`` with every secret replaced by ``***``; events hold the board's words unchanged."""
        return hide(text, self._secrets)

    def _readable(self, data: bytes) -> str:
        return visible(self.hide(data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\x04", "")))

    def wait(self, match: Callable[[Event], T | None], seen: int, deadline: Deadline) -> T | None:
        """The first result of ``match`` that is not None, over the events after number ``seen``.

        None when the deadline passes. Raises the error that breaks the line.
        """
        with self._change:
            while True:
                events = self._since(seen)
                seen = self._seen
                for event in events:
                    if (result := match(event)) is not None:
                        return result
                if self.broken is not None:
                    raise self.broken
                if deadline.passed:
                    return None
                self._change.wait(deadline.left)
