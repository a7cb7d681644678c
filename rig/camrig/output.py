"""Standard streams that cost nobody a verdict: closed ones, a reader that goes away, a character that is missing."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO, cast


class LastingStream:
    """A text stream like ``stream``, which drops what cannot be written. ``lost`` is the first error."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost: OSError | None = None

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except OSError as error:
            self._drop(error)
            return len(text)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except OSError as error:
            self._drop(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    @property
    def failure(self) -> str:
        """Why output was lost; empty if none was, or if its reader went away, as ``head`` does."""
        if self.lost is None or self.lost.errno == errno.EPIPE:
            return ""
        return self.lost.strerror or str(self.lost)

    def _drop(self, error: OSError) -> None:
        """Let all that follows, and what is buffered, go nowhere: Python writes it once more when it ends."""
        self.lost = self.lost or error
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stream.fileno())
            os.close(nowhere)
            self.stream.flush()


def lasting(stream: TextIO) -> TextIO:
    """``stream``, unless it would raise where it cannot be written."""
    return stream if isinstance(stream, LastingStream) else cast(TextIO, LastingStream(stream))


def open_closed_streams() -> None:
    """Let streams that were closed go nowhere: the next file that is opened would get their number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which gets the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w" if number else "r", encoding="utf-8"))  # noqa: SIM115


def prepare_streams() -> None:
    """Make the standard streams last to the end of this command."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.stdout, sys.stderr = lasting(sys.stdout), lasting(sys.stderr)
