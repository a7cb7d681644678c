"""Messages to and from a browser: JSON, each ended by NUL, over two pipes."""

from __future__ import annotations

import json
import os
import selectors
from collections import deque
from typing import Any

from camrig.deadline import Deadline

Message = dict[str, Any]
MOST_BYTES = 256 << 20  # of one message; a screenshot of a long page is a few MB


class PipeClosedError(Exception):
    """The browser has closed its end."""


class NotAMessageError(Exception):
    """What arrived is not JSON, or has no end; the text is its beginning."""


class Pipe:
    """Both directions. Nothing here waits longer than a deadline; whoever has one closes it."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing, self._reading = writing, reading
        self._messages: deque[Message] = deque()
        self._chunks: list[bytes] = []
        self._size = 0
        for descriptor in (writing, reading):
            os.set_blocking(descriptor, False)

    def send(self, message: Message, deadline: Deadline) -> None:
        """Raises PipeClosedError, or TimeoutError if the browser does not read."""
        data = memoryview(json.dumps(message, separators=(",", ":")).encode() + b"\0")
        while data:
            try:
                data = data[os.write(self._writing, data) :]
            except BlockingIOError:
                self._wait(self._writing, selectors.EVENT_WRITE, deadline)
            except OSError:
                raise PipeClosedError from None

    def receive(self, deadline: Deadline) -> Message:
        """The next message. Raises PipeClosedError, NotAMessageError, or TimeoutError at the deadline."""
        while not self._messages:
            try:
                data = os.read(self._reading, 1 << 20)
            except BlockingIOError:
                self._wait(self._reading, selectors.EVENT_READ, deadline)
                continue
            except OSError:
                raise PipeClosedError from None
            if not data:
                raise PipeClosedError
            self._feed(data)
        return self._messages.popleft()

    def close(self) -> None:
        for descriptor in (self._writing, self._reading):
            os.close(descriptor)

    def _feed(self, data: bytes) -> None:
        *ends, rest = data.split(b"\0")
        for end in ends:
            self._messages.append(_parsed(b"".join([*self._chunks, end])))
            self._chunks, self._size = [], 0
        self._chunks.append(rest)
        self._size += len(rest)
        if self._size > MOST_BYTES:
            raise NotAMessageError(_beginning(b"".join(self._chunks)))

    def _wait(self, descriptor: int, event: int, deadline: Deadline) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, event)
            if not selector.select(deadline.left):
                raise TimeoutError


def _parsed(data: bytes) -> Message:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        raise NotAMessageError(_beginning(data)) from None
    if not isinstance(message, dict):
        raise NotAMessageError(_beginning(data))
    return message


def _beginning(data: bytes) -> str:
    return data[:60].decode("utf-8", "replace")
