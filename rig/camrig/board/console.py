"""A board's console output: kept within a bound, parsed into events, for those who wait and those who subscribe."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

from camrig.board.console_excerpt import excerpt
from camrig.board.console_log import ConsoleLog
from camrig.board.console_parser import ConsoleParser
from camrig.board.events import Event
from camrig.board.expect import bytes_before_end, bytes_of_boot, check_pattern, find, near_miss
from camrig.deadline import Deadline
from camrig.errors import CamrigError, NotPrintedError
from camrig.redaction import hide, visible

CONSOLE_BYTES = 1 << 20  # kept of a board's console
EVENTS = 2000  # the latest ones kept; a board may print tracebacks all night
LINES = 20  # of the output, shown where a pattern was expected
SECONDS_TO_GROW = 0.2  # without output, after which the last line counts as it is: a prompt has no line break
SECONDS_FOR_SIGN = 0.5  # from the output of an end that was read until it is known whether it was one

T = TypeVar("T")


class Console:
    """The board's output, its events, and a way to wait for one. Safe to use from two threads.

    ``attended``: the rig itself controls the board, and restarts and prompts are expected.
    ``broken`` is the error after which no more output comes, None while the line works. ``board`` is its name.
    """

    def __init__(self, secrets: Iterable[str] = (), board: str | None = None) -> None:
        self._board = board
        self._position = 0  # up to which ``expect`` has matched
        self._why_down: Callable[[float], CamrigError | None] = lambda seconds: None
        self._secrets = [secret for secret in secrets if secret]
        self._data = bytearray()
        self._log = ConsoleLog()
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
            self._log.feed(data)
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

    def log(self) -> tuple[str, int]:
        """The latest megabytes of the output without secrets, and the number of bytes before them."""
        with self._change:
            data, left_out = self._log.data, self._log.left_out
        return self._readable(data), left_out

    def around(self, lines: int, *, mark: int | None = None, at: float = 0.0) -> str:
        """The lines around a mark, or a moment of the monotonic clock: at most ``lines`` before it and behind it."""
        with self._change:
            before, after = self._log.around(self._log.position(at) if mark is None else mark)
        earlier, later = self._readable(before).split("\n"), self._readable(after).split("\n")
        joined = [*earlier[:-1], earlier[-1] + later[0], *later[1:]]
        middle = len(earlier) - 1
        return "\n".join(joined[max(0, middle - lines) : middle + lines]).strip("\n")

    def excerpt(self, lines: int, since: int = 0) -> str:
        """What matters of the output since a mark, at most ``lines``; secrets are replaced by ``***``."""
        with self._change:
            data = bytes(self._data[max(0, since - self._dropped) :])
        return visible(self.hide(excerpt(_text(data), lines)))

    def before(self, mark: int, lines: int) -> str:
        """The last ``lines`` that were complete at a mark, as far as they are kept."""
        with self._change:
            data = bytes(self._data[: max(0, mark - self._dropped)])
        return "\n".join(self._readable(data).rstrip("\n").split("\n")[-lines:])

    def hide(self, text: str) -> str:
        """``text`` with every secret replaced by ``***``; events hold the board's words unchanged."""
        return hide(text, self._secrets, cut=True)

    def _readable(self, data: bytes) -> str:
        return visible(self.hide(_text(data).replace("\x04", "")))

    def wait(
        self,
        match: Callable[[Event], T | None],
        seen: int,
        deadline: Deadline,
        ready: Callable[[], T | None] = lambda: None,
    ) -> T | None:
        """The first result of ``match`` that is not None, over the events after number ``seen``, or of ``ready``.

        ``ready`` is called whenever there is new output. None when the deadline passes. Raises the error that breaks
        the line.
        """
        with self._change:
            while True:
                if (result := ready()) is not None:
                    return result
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

    def application_lines(self, mark: int) -> str:
        """The complete lines that an application has printed which a restart after ``mark`` started."""
        with self._change:
            data = bytes(self._data[max(0, mark - self._dropped) :])
        text = _text(data[bytes_of_boot(data) :])
        return text[: text.rfind("\n") + 1]

    def start_application(self, mark: int, why_down: Callable[[float], CamrigError | None]) -> None:
        """A restart after ``mark`` started the application whose output ``expect`` reads from now on.

        ``why_down(seconds)`` says why it prints nothing any more, None if it may; a sign may come within ``seconds``.
        """
        self._position, self._why_down = mark, why_down
        start, data = self._unread()
        self._position = start + bytes_of_boot(data)

    def expect(self, pattern: str | re.Pattern[str], timeout: float = 10.0) -> re.Match[str]:
        """The first match of a regular expression in what the application has printed since the last match.

        In a text, ``^`` and ``$`` match at every line. Waits ``timeout`` seconds at most, for as long as the
        application runs; a match that reaches the end of an unfinished line waits for what else that line brings.
        Raises NotPrintedError, BoardCrashedError, BlockedError for power and cable, or ValueError for a pattern that
        any output matches.
        """
        __tracebackhide__ = True
        expression = re.compile(pattern, re.MULTILINE) if isinstance(pattern, str) else pattern
        check_pattern(expression, name=repr(expression.pattern))
        deadline = Deadline.after(timeout)
        while True:
            late, (start, data) = deadline.passed, self._unread()
            if (place := find(expression, data)) is not None:
                match, before, length = place
                unfinished = not late and not data.endswith(b"\n") and length >= len(data.removesuffix(b"\r"))
                if unfinished and self._grows(start + len(data), deadline.sooner(SECONDS_TO_GROW)):
                    continue
                error = self._why_down(SECONDS_FOR_SIGN) if bytes_before_end(data) < before + 1 <= len(data) else None
                if error is None:
                    self._position = start + length
                    return match
            else:
                error = self._why_down(0) or self.broken
            if error is not None:
                raise error.on(self._board) if self._board else error
            if late:
                raise self._not_printed(expression.pattern, timeout, start)
            with self._change:
                if self._dropped + len(self._data) == start + len(data) and self.broken is None:
                    self._change.wait(deadline.left)

    def _grows(self, size: int, until: Deadline) -> bool:
        """Whether the output becomes longer than ``size`` in time."""
        with self._change:
            self._change.wait_for(
                lambda: self._dropped + len(self._data) > size or self.broken is not None, until.left
            )
            return self._dropped + len(self._data) > size

    def _unread(self) -> tuple[int, bytes]:
        """Where the output begins that ``expect`` has not matched yet, and the output."""
        with self._change:
            start = max(self._position, self._dropped)
            return start, bytes(self._data[start - self._dropped :])

    def _not_printed(self, pattern: str, seconds: float, start: int) -> NotPrintedError:
        text = self.excerpt(LINES, since=start)
        near = near_miss(pattern, text.split("\n"))
        return NotPrintedError(
            f"the console did not print {pattern!r} within {seconds:g} s" + (f": {near}" if near else ""),
            board=self._board,
            details=text or "(no output from the board)",
        )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").replace("\r\n", "\n")
