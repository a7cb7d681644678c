"""How long a wait takes, on a terminal: one line that is rewritten, and gone when the wait is over."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

PATIENCE = 2.0  # seconds of a wait that are not worth a line
EVERY = 1.0
DUMB = "dumb"  # the TERM of a terminal that shows what it gets, such as an editor's

Rewrite = Callable[[str], None]  # shows a text in place of the one before; an empty one removes it


def terminal_line(stream: TextIO) -> Rewrite | None:
    """Rewrites the last line of ``stream``; None where that is not a terminal, or one that cannot go back."""
    if not stream.isatty() or os.environ.get("TERM") == DUMB:
        return None
    shown = 0

    def rewrite(text: str) -> None:
        nonlocal shown
        text = text[: shutil.get_terminal_size().columns - 1]
        stream.write("\r" + text.ljust(shown) + ("" if text else "\r"))
        stream.flush()
        shown = len(text)

    return rewrite


class ElapsedLine:
    """Shows what ``describe(seconds)`` says of a wait, unless it is empty, every second from ``patience`` on."""

    def __init__(self, rewrite: Rewrite | None, patience: float = PATIENCE, every: float = EVERY) -> None:
        self._rewrite, self._patience, self._every = rewrite, patience, every
        self._lock = threading.RLock()
        self._shown = False

    @contextmanager
    def __call__(self, describe: Callable[[float], str]) -> Iterator[None]:
        """A context that is one wait."""
        if self._rewrite is None:
            yield
            return
        over, start = threading.Event(), time.monotonic()

        def run() -> None:
            wait = self._patience
            while not over.wait(wait):
                wait = self._every
                with self._lock:
                    text = describe(time.monotonic() - start)
                    if text and not over.is_set():
                        self._show(text)

        thread = threading.Thread(target=run, name="elapsed time", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            with self.hidden():
                pass

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """The line is away within this context, in which something else is printed."""
        with self._lock:
            if self._shown:
                self._show("")
            yield

    def _show(self, text: str) -> None:
        assert self._rewrite is not None
        self._rewrite(text)
        self._shown = bool(text)
