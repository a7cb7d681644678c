"""The events of a board's console, one class each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Serving:
    """The application listens. ``url`` is the address as the board knows it."""

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
class AgentOff:
    """The rig's agent does not answer. ``reason`` is the exception that kept it from that."""

    reason: str


@dataclass(frozen=True)
class Restarted:
    """The chip's ROM started. ``cause`` is its own name for the reset, such as ``POWERON_RESET``."""

    cause: str


@dataclass(frozen=True)
class ResetCause:
    """boot.py printed MicroPython's reset cause: pwron, hard, wdt, deepsleep, soft."""

    cause: str


@dataclass(frozen=True)
class SoftRebooted:
    """The interpreter restarted, the chip did not."""


@dataclass(frozen=True)
class Prompt:
    """MicroPython's banner: no program is running. ``firmware`` is its version line."""

    firmware: str


@dataclass(frozen=True)
class Frame:
    """One line of a traceback; ``line`` is 0 and ``function`` empty where the board does not name them."""

    file: str
    line: int
    function: str

    @property
    def place(self) -> str:
        """``main.py:3 in start``."""
        return f"{self.file}:{self.line}" + (f" in {self.function}" if self.function else "")


@dataclass(frozen=True)
class Traceback:
    """A printed exception: the whole text including the chain before it, its last line, and its frames."""

    text: str
    error: str
    frames: tuple[Frame, ...] = ()

    @property
    def where(self) -> str:
        """``main.py:3 in start``: the innermost frame; empty when there is none."""
        return self.frames[-1].place if self.frames else ""


@dataclass(frozen=True)
class TaskFailed(Traceback):
    """An exception that ended an asyncio task which nothing awaited. ``task`` names its coroutine."""

    task: str = ""


@dataclass(frozen=True)
class OutOfMemory:
    """MicroPython's heap was full. ``line`` may name the size of the allocation."""

    line: str


PANIC = "panic"
ABORT = "abort"
ASSERTION = "assertion"
STACK_OVERFLOW = "stack overflow"
HEAP_CORRUPTION = "heap corruption"
TASK_WATCHDOG = "task watchdog"
INTERRUPT_WATCHDOG = "interrupt watchdog"
BROWNOUT = "brownout"


@dataclass(frozen=True)
class Crashed:
    """The firmware itself died. ``kind`` is one of the constants above, ``line`` the line that the board printed."""

    kind: str
    line: str


@dataclass(frozen=True)
class PanicDump:
    """The panic handler's output after ``Crashed``: registers by name, and the program counters of ``Backtrace:``.

    RISC-V prints no backtrace; there ``addresses`` is MEPC and RA.
    """

    registers: tuple[tuple[str, str], ...]
    addresses: tuple[str, ...]
    corrupted: bool = False


Event = (
    Serving
    | WifiJoined
    | WifiFailed
    | AgentOff
    | Restarted
    | ResetCause
    | SoftRebooted
    | Prompt
    | Traceback
    | OutOfMemory
    | Crashed
    | PanicDump
)
