"""What a board says on its serial line, as events. Sans-IO: bytes in, events out, no clock and no port.

The console is text in lines. A line is matched once, when it is complete; a traceback is gathered from its first
line to the line that names the exception. Bytes that are no UTF-8 are replaced, never raised about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Serving:
    """The application listens: ``url`` as the board sees itself."""

    url: str


@dataclass(frozen=True)
class WifiJoined:
    """The board is on the network. ``text`` holds address, RSSI in dBm, channel and power-save mode."""

    text: str


@dataclass(frozen=True)
class WifiFailed:
    """``reason``: not-configured, no-such-network, wrong-password, timeout or refused with a status."""

    reason: str


@dataclass(frozen=True)
class Restarted:
    """The chip's ROM started; ``cause`` is its own word for why."""

    cause: str


@dataclass(frozen=True)
class Prompt:
    """MicroPython's banner: no program runs, ``firmware`` names what does."""

    firmware: str


@dataclass(frozen=True)
class Traceback:
    """An exception that nobody caught: the whole text, and the last line of it."""

    text: str
    error: str


@dataclass(frozen=True)
class Crashed:
    """The firmware itself died: panic, watchdog or brownout."""

    line: str


Event = Serving | WifiJoined | WifiFailed | Restarted | Prompt | Traceback | Crashed

_SERVING = re.compile(r"serving (http://[0-9A-Za-z.\-]+(?::\d{1,5})?)/?\s*$")
_WIFI = re.compile(r"^camrig: wifi (connected|failed|not configured) ?(.*)$")
_RESTART = re.compile(r"rst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)")
_PROMPT = re.compile(r"^(?:>>> )?(MicroPython v?\S+ on .+)$")
_CRASH = re.compile(
    r"Guru Meditation Error|Brownout detector was triggered|Task watchdog got triggered|abort\(\) was called"
)
_TRACEBACK = "Traceback (most recent call last):"
_TRACEBACK_LINES = 60


class Parser:
    """Feed it bytes, in any cut; it returns the events that became complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._trace: list[str] = []

    def feed(self, data: bytes) -> list[Event]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > 4096:  # a line without end: a flood, not a message
            self._rest = self._rest[-1024:]
        events: list[Event] = []
        for line in lines:
            event = self._line(line.decode("utf-8", "replace").rstrip("\r"))
            if event is not None:
                events.append(event)
        return events

    def _line(self, line: str) -> Event | None:
        if _TRACEBACK in line:
            self._trace = [_TRACEBACK]
            return None
        if self._trace:
            self._trace.append(line)
            if line.startswith(" ") and len(self._trace) < _TRACEBACK_LINES:
                return None
            text, self._trace = "\n".join(self._trace), []
            return Traceback(text, line)
        if match := _SERVING.search(line):
            return Serving(match[1])
        if match := _WIFI.match(line):
            verb, rest = match[1], match[2].strip()
            return WifiJoined(rest) if verb == "connected" else WifiFailed(rest or "not-configured")
        if match := _RESTART.search(line):
            return Restarted(match[1])
        if _CRASH.search(line):
            return Crashed(line.strip())
        if match := _PROMPT.match(line):
            return Prompt(match[1])
        return None
