"""Whose code hangs, from the traceback with which Ctrl-C ends it.

Frames are looked at from the innermost outwards. Those of MicroPython's own modules, of the pinned Microdot and of a
firmware work for whoever called them. What lies outside the event loop, or outside the rig's agent, did not lead
there: a server that Ctrl-C finds waiting in the loop's poll is idle, and so is a program that waits for a connection.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from camrig.board.boot_listener import interrupted_at, interruption
from camrig.board.events import Event, Frame, Traceback
from camrig.board.session import Session
from camrig.deploy.compile import COLUMNS
from camrig.deploy.layers import AGENT_MODULES, APPLICATION, LIBRARY, Layers
from camrig.errors import LibraryError

_EVENT_LOOP = re.compile(r"(?:^|/)u?asyncio/core\.py$")
_STREAM = re.compile(r"(?:^|/)u?asyncio/stream\.py$")  # a read or write that does not return: that is the firmware's
_LOOP_FUNCTIONS = ("run", "run_until_complete", "run_forever", "wait_io_event", "ipoll_wait")
_WAITING = re.compile(r"\b(?:accept|recv\w*|read\w*|poll|ipoll|select|sleep\w*|idle|lightsleep)\s*\(")


@dataclass(frozen=True)
class Hang:
    """Code of a layer, LIBRARY or APPLICATION, that does not end. ``source`` is the file on the host, if known."""

    layer: str
    frame: Frame
    source: Path | None
    traceback: str

    @property
    def place(self) -> str:
        """``lib/microdot/cors.py:57 in after_request``."""
        return self.frame.place

    @property
    def summary(self) -> str:
        return f"{self.layer} hangs: Ctrl-C found it at {self.place}"

    @property
    def details(self) -> str:
        """The line of the source, and the traceback."""
        line = _source_line(self.source, self.frame.line)
        shown = f"{self.source}:{self.frame.line}\n  {line[:COLUMNS]}\n\n" if line else ""
        return shown + self.traceback

    def library_error(self, board: str) -> LibraryError:
        """The error that the hang of a library is."""
        return LibraryError(self.summary, board=board, hint="fix it and run again", details=self.details)


def find_hang(session: Session, layers: Layers) -> Hang | None:
    """What hangs on a board whose server does not answer, asked by Ctrl-C, which ends it.

    None where no traceback comes, as from a board that hangs itself, and where neither library nor application is at
    work, as with a lost network.
    """
    stopped = interrupted_at(session)
    return hang_of(stopped, layers) if stopped is not None else None


def hang_in(events: Iterable[Event], layers: Layers) -> Hang | None:
    """What hung where one of the ``events`` is the traceback of a Ctrl-C."""
    stopped = interruption(events)
    return hang_of(stopped, layers) if stopped is not None else None


def hang_of(stopped: Traceback, layers: Layers) -> Hang | None:
    """The layer whose code was at work when Ctrl-C came, and its innermost frame. Pure, but for the source's line."""
    files = {
        stem_of(target): (layer, source)
        for layer in (LIBRARY, APPLICATION)
        for target, source in layers[layer].items()
    }
    inner, in_loop = _inner_frames(stopped.frames)
    for frame in reversed(inner):
        if stem_of(frame.file) in AGENT_MODULES or _STREAM.search(frame.file):
            return None
        layer, source = files.get(stem_of(frame.file), ("", None))
        if not layer:
            continue
        if layer == APPLICATION and not in_loop:
            line = _source_line(source, frame.line)
            if not line or _WAITING.search(line):
                return None
        return Hang(layer, frame, source, stopped.text)
    return None


def _inner_frames(frames: Sequence[Frame]) -> tuple[Sequence[Frame], bool]:
    """The frames that the event loop has called, and whether there is one; without a loop, all frames."""
    loop = [
        number
        for number, frame in enumerate(frames)
        if _EVENT_LOOP.search(frame.file) and frame.function in _LOOP_FUNCTIONS
    ]
    return (frames[loop[-1] + 1 :], True) if loop else (frames, False)


def _source_line(source: Path | None, number: int) -> str:
    if source is None or source.suffix != ".py" or number < 1:
        return ""
    try:
        lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1].strip() if number <= len(lines) else ""


def stem_of(path: str) -> str:
    """The path of a module without its suffix, as a frame and a target have it in common."""
    return str(PurePosixPath(path.lstrip("/")).with_suffix(""))
