"""The console parser: bytes from the serial line in, events out. Sans-IO: no clock and no port.

The console is text in lines. A line is examined once, when it is complete or LINE bytes long, so it does not matter
how reads cut the data. A traceback is collected from its first line to the one that names the exception, a panic's
dump until the chip restarts. A crash is reported at its first line; its dump follows as a separate event. Bytes that
are not UTF-8 are replaced, never raised about, and everything collected has a bound.

A sign counts only where firmware or application really write it, at the start of a line and in its full form: a log
line that quotes one, an exception's text or an echo of a client's bytes is none. What an application could print by
itself all the same is for the crash monitor to prove.
"""

from __future__ import annotations

import re

from camrig.board.events import (
    ABORT,
    ASSERTION,
    BROWNOUT,
    HEAP_CORRUPTION,
    INTERRUPT_WATCHDOG,
    PANIC,
    STACK_OVERFLOW,
    TASK_WATCHDOG,
    AgentOff,
    Crashed,
    Event,
    Frame,
    OutOfMemory,
    PanicDump,
    Prompt,
    ResetCause,
    Restarted,
    Serving,
    SoftRebooted,
    TaskFailed,
    Traceback,
    WifiFailed,
    WifiJoined,
)

LINE = 2048  # bytes; a longer line counts as several
TRACEBACK_LINES = 60
CHAINED = 4  # tracebacks kept in a chain; earlier ones are left out
DUMP_LINES = 120  # a RISC-V panic prints a kilobyte of stack

# A restart may leave bytes of another speed, or a prompt, in front of the first line.
_JUNK = r"^[\x00-\x1f\x7f-\x9f\ufffd> ]*"
_LOG = r"(?:[EW] \(\d+\) [\w.]+: )?"  # the SDK's own log, without its colours
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SERVING = re.compile(
    _JUNK + r"(?:[IWD] \(\d+\) |\[\w+\] )?(?:[\w.\-]+: )?serving (http://[0-9A-Za-z.\-]+(?::\d{1,5})?)/?\s*$"
)
_WIFI = re.compile(_JUNK + r"camrig: wifi (connected|failed|not configured) ?(.*)$")
_AGENT_OFF = re.compile(r"camrig: rig agent off: (.+)")
_CAUSE = re.compile(_JUNK + r"camrig: reset cause (\w+)\s*$")
_RESTART = re.compile(_JUNK + r"rst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)(?:,boot:0x[0-9a-f]+ .*)?\s*$")
_BANNER = re.compile(r"(MicroPython v?\d\S* on \d\S+?; .+)$")
_BANNER_AT_START = re.compile(_JUNK + _BANNER.pattern)
_HELP = 'Type "help()" for more information.'  # the line below the banner
_SOFT_REBOOT = re.compile(_JUNK + r"(?:OK)?[\x04>]*MPY: soft reboot\s*$")

_GURU = _JUNK + r"Guru Meditation Error: Core +\d panic'ed \("
_CRASHES = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (_GURU + r"Interrupt wdt timeout", INTERRUPT_WATCHDOG),
        (_GURU, PANIC),
        (_JUNK + _LOG + r"Brownout detector was triggered\s*$", BROWNOUT),
        (_JUNK + _LOG + r"Task watchdog got triggered\.", TASK_WATCHDOG),
        (_JUNK + r"abort\(\) was called at PC 0x[0-9a-f]{8} on core \d", ABORT),
        (_JUNK + r"assert failed: \S+ \S+:\d+ ", ASSERTION),
        (_JUNK + r"\*\*\*ERROR\*\*\* A stack overflow in task .* has been detected\.", STACK_OVERFLOW),
        (_JUNK + r"CORRUPT HEAP: \S.* at 0x[0-9a-f]{8}", HEAP_CORRUPTION),
    )
)
_REGISTER = re.compile(r"([A-Z][A-Z0-9/]{1,8})\s*: (0x[0-9a-f]{8})")
_BACKTRACE = re.compile(r"^Backtrace: ?(.*)$")
_PC = re.compile(r"(0x[0-9a-f]{8}):0x[0-9a-f]{8}")
_DUMP_OVER = re.compile(r"Rebooting\.\.\.|CPU halted|rst:0x[0-9a-f]+ \(")

_TRACEBACK = "Traceback (most recent call last):"
_FRAME = re.compile(r'^  File "([^"]*)"(?:, line (\d+))?(?:, in (.+?))?\s*$')
_CHAIN = re.compile(r"^(During handling of the above exception|The above exception was the direct cause)")
_TASK = re.compile(r"^Task exception wasn't retrieved")
_CORO = re.compile(r"^future: .*?coro= ?(.*)$")
_MEMORY = re.compile(r"^MemoryError\b")
# The SDK logs from its own tasks, also in the middle of a traceback.
_SDK_LOG = re.compile(r"^(?:\x1b\[[0-9;]*m)?[EWIDV] \(\d+\) ")


class ConsoleParser:
    """Feed it bytes, cut anywhere; it returns the events that became complete."""

    def __init__(self) -> None:
        self._partial = b""
        self._banner = ""
        self._traceback = _TracebackCollector()
        self._dump: _DumpCollector | None = None

    def feed(self, data: bytes) -> list[Event]:
        *lines, self._partial = (self._partial + data).split(b"\n")
        events: list[Event] = []
        for line in lines:
            while len(line) > LINE:
                events += self._parse_line(line[:LINE])
                line = line[LINE:]
            events += self._parse_line(line)
        while len(self._partial) > LINE:
            events += self._parse_line(self._partial[:LINE])
            self._partial = self._partial[LINE:]
        return events

    def _parse_line(self, raw: bytes) -> list[Event]:
        line = raw.decode("utf-8", "replace").rstrip("\r")
        event = _line_event(line) or self._banner_event(line)
        events: list[Event] = []
        if self._dump is not None and self._dump.ends(line):
            events += self._dump.events()
            self._dump = None
        if isinstance(event, (Crashed, Restarted, SoftRebooted, Prompt)):  # these end any traceback
            events += self._traceback.cut()
        elif self._traceback.takes(line):
            return events + self._traceback.events()
        if isinstance(event, Crashed) and self._dump is None:
            self._dump = _DumpCollector()
        return [*events, event] if event is not None else events

    def _banner_event(self, line: str) -> Prompt | None:
        """MicroPython's banner behind what a program printed last, once the next line proves it."""
        banner, self._banner = self._banner, ""
        if banner and line == _HELP:
            return Prompt(banner)
        match = _BANNER.search(line)
        self._banner = match[1] if match else ""
        return None


def _line_event(line: str) -> Event | None:
    """The event that a single line stands for."""
    line = _COLOUR.sub("", line)
    if match := _SERVING.match(line):
        return Serving(match[1])
    if match := _WIFI.match(line):
        state, detail = match[1], match[2].strip()
        return WifiJoined(detail) if state == "connected" else WifiFailed(detail or "not-configured")
    if match := _AGENT_OFF.match(line):
        return AgentOff(match[1].strip())
    if match := _CAUSE.match(line):
        return ResetCause(match[1])
    if match := _RESTART.match(line):
        return Restarted(match[1])
    for pattern, kind in _CRASHES:
        if pattern.match(line):
            return Crashed(kind, line.strip())
    if _SOFT_REBOOT.match(line):
        return SoftRebooted()
    if _MEMORY.match(line):
        return OutOfMemory(line.strip())
    if match := _BANNER_AT_START.match(line):
        return Prompt(match[1])
    return None


class _DumpCollector:
    """Collects what a panic handler prints after its first line."""

    def __init__(self) -> None:
        self._registers: list[tuple[str, str]] = []
        self._addresses: tuple[str, ...] = ()
        self._corrupted = False
        self._lines = 0

    def ends(self, line: str) -> bool:
        """Take in a line; true if it is the first one after the dump."""
        self._lines += 1
        if match := _BACKTRACE.match(line):
            self._addresses = tuple(_PC.findall(match[1]))
            self._corrupted = "CORRUPTED" in match[1]
        else:
            self._registers += _REGISTER.findall(line)
        return bool(_DUMP_OVER.search(line)) or self._lines >= DUMP_LINES

    def events(self) -> list[Event]:
        """The dump, if there was one: a brownout prints none."""
        addresses = self._addresses
        if not addresses:
            registers = dict(self._registers)
            addresses = tuple(registers[name] for name in ("MEPC", "RA") if name in registers)
        if not addresses and not self._registers:
            return []
        return [PanicDump(tuple(self._registers), addresses, self._corrupted)]


class _TracebackCollector:
    """Collects tracebacks, and the lines before one: the task that it ended, the traceback that it follows from."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._open = False
        self._task: str | None = None
        self._before: list[str] = []
        self._chained = False

    def takes(self, line: str) -> bool:
        """Whether the line is part of a traceback, or of the text around one."""
        if line.endswith(_TRACEBACK):
            self._lines, self._open = [_TRACEBACK], True
        elif self._open:
            self._lines.append(line)
            continues = line.startswith(" ") or bool(_SDK_LOG.match(line))
            self._open = continues and len(self._lines) < TRACEBACK_LINES
        elif _TASK.match(line):
            self._forget()
            self._task = ""
        elif self._task is not None and (match := _CORO.match(line)):
            self._task = match[1].strip()
        elif self._before and _CHAIN.match(line):
            self._before += ["", line, ""]
            self._chained = True
        else:
            if line.strip():
                self._forget()
            return False
        return True

    def events(self) -> list[Event]:
        """The traceback that the last line completed, if it did."""
        if self._open or not self._lines:
            return []
        lines, self._lines = self._lines, []
        text = "\n".join(lines)
        frames = tuple(
            Frame(match[1], int(match[2] or 0), match[3] or "") for line in lines if (match := _FRAME.match(line))
        )
        whole = "\n".join([*self._before, text]) if self._chained else text
        error, task = lines[-1].strip(), self._task
        self._forget()
        self._before = [whole if whole.count(_TRACEBACK) < CHAINED else text]
        trace = Traceback(whole, error, frames) if task is None else TaskFailed(whole, error, frames, task)
        return [trace, OutOfMemory(error)] if _MEMORY.match(error) else [trace]

    def cut(self) -> list[Event]:
        """The part of a traceback whose end will not come."""
        self._open = False
        events = self.events() if len(self._lines) > 1 else []
        self._lines = []
        self._forget()
        return events

    def _forget(self) -> None:
        self._before, self._chained, self._task = [], False, None
