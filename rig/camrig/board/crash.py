"""Decides from the console when a serving application went down, and what the crash is attributed to.

The rules, in the order in which they are applied, are those of docs/console-and-recovery.md.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from camrig.board.console import Console
from camrig.board.events import (
    BROWNOUT,
    Crashed,
    Event,
    Prompt,
    ResetCause,
    Restarted,
    Serving,
    SoftRebooted,
    Traceback,
)
from camrig.errors import CamrigError
from camrig.redaction import visible

APPLICATION = "application"
POWER_OR_CABLE = "power or cable"
PORT_LOST = "port lost"
MAX_SIGNS = 32  # that wait for their proof; an application may print many


@dataclass(frozen=True)
class Crash:
    """The application went down. ``attributed_to`` is APPLICATION for what runs on the board, else POWER_OR_CABLE.

    ``firmware`` is true if the firmware itself died, which prints a dump and restarts the chip. ``mark`` is the
    position in the console just after the crash, and ``at`` that on the monotonic clock.
    """

    kind: str
    summary: str
    attributed_to: str
    firmware: bool = False
    mark: int = 0
    at: float = 0.0


def crash_of(event: Event, last: Traceback | None = None) -> Crash | None:
    """The crash that an event means for a serving application; None if the application goes on.

    ``last`` is the latest traceback, in case it ended main.py. A handled exception is not a crash.
    """
    if isinstance(event, Crashed):
        side = POWER_OR_CABLE if event.kind == BROWNOUT else APPLICATION
        return Crash(event.kind, f"the firmware crashed ({event.line})", side, firmware=True)
    if isinstance(event, Restarted):
        return _reset_crash(event.cause)
    if isinstance(event, ResetCause):
        names = {"pwron": "POWERON", "wdt": "WDT", "deepsleep": "DEEPSLEEP"}
        return _reset_crash(names.get(event.cause, event.cause.upper()))
    if isinstance(event, SoftRebooted):
        return Crash("soft reset", "main.py requested a soft reset", APPLICATION)
    if isinstance(event, Prompt):
        why = f" with {last.error}" + (f" ({last.where})" if last.where else "") if last else ""
        return Crash("main.py ended", f"main.py ended{why}", APPLICATION)
    if isinstance(event, Serving):
        return Crash("restart", "the application started again, and the board did not report why", POWER_OR_CABLE)
    return None


def _reset_crash(cause: str) -> Crash:
    """The crash behind a reset, from the ROM's name for its cause (ESP32 ROM: ``rst:0x1 (POWERON_RESET)``)."""
    if "BROWN" in cause:
        return Crash(BROWNOUT, f"the supply voltage fell too low ({cause})", POWER_OR_CABLE)
    if cause.startswith(("POWERON", "USB_")) or "GLITCH" in cause:
        summary = f"the board lost power, or was reset by hand or by its reset line ({cause})"
        return Crash("power-on reset", summary, POWER_OR_CABLE)
    if "WDT" in cause:
        return Crash("watchdog reset", f"a watchdog restarted the board ({cause})", APPLICATION)
    if "DEEPSLEEP" in cause:
        return Crash("deep sleep", f"the application put the board to sleep ({cause})", APPLICATION)
    return Crash("restart", f"the board restarted unexpectedly ({cause})", APPLICATION)


class CrashMonitor:
    """Keeps the first crash of an application since ``start``.

    A sign on the console may be the application's own print of what a client sent. So the sign of a crash is proved
    first, in a thread of its own: it counts unless ``still_serves()``, which may take seconds, says that what was
    booted is still the one that answers. ``on_crash`` is called before waiting threads wake up.
    """

    def __init__(
        self,
        console: Console,
        on_crash: Callable[[], None] = lambda: None,
        still_serves: Callable[[], bool] = lambda: False,
    ) -> None:
        self._console = console
        self._on_crash, self._still_serves = on_crash, still_serves
        self._last_traceback: Traceback | None = None
        self._crashed = threading.Event()
        self._proof = threading.Lock()
        self._signs: deque[Crash] = deque()  # that are yet to be proved, oldest first
        self._crash: Crash | None = None
        self._url = urlsplit("")
        console.subscribe(self._examine)

    @property
    def crash(self) -> Crash | None:
        """The crash; None if there was none. Waits while the sign of one is being proved."""
        self._prove()
        return self._crash

    def forget(self) -> None:
        """Drop the crash: the application is being started again."""
        with self._proof:
            self._last_traceback = self._crash = None
            self._signs.clear()
            self._crashed.clear()

    def _prove(self) -> None:
        with self._proof:
            while self._signs and self._crash is None:
                sign = self._signs[0]
                if sign.kind == PORT_LOST or not self._still_serves():
                    self._crash = sign
                    self._on_crash()
                    self._crashed.set()
                self._signs.popleft()

    def start(self, url: str = "", seen: int | None = None) -> None:
        """The application serves at ``url``, and the rig leaves the board alone: a restart is a crash from now on.

        Its end is one also if it came before, after event number ``seen``.
        """
        self._url = urlsplit(url)
        self._console.release()
        for event in self._console.since(seen) if seen is not None else []:
            if isinstance(event, (Traceback, Prompt)):
                self._examine(event)
        if self._console.broken is not None:
            self._examine(self._console.broken)

    def wait(self, seconds: float) -> Crash | None:
        """The crash, waiting up to ``seconds`` for one."""
        self._crashed.wait(seconds)
        return self.crash

    def _examine(self, event: Event | CamrigError) -> None:
        if self._console.attended or self._crash is not None:
            return
        if isinstance(event, Serving) and self._is_second_server(event):
            return
        if isinstance(event, CamrigError):
            crash: Crash | None = Crash(PORT_LOST, event.what, POWER_OR_CABLE)
        else:
            crash = crash_of(event, self._last_traceback)
            if isinstance(event, Traceback):
                self._last_traceback = event
        if crash is not None:
            sign = replace(
                crash,
                summary=visible(self._console.hide(crash.summary)),
                mark=self._console.mark(),
                at=time.monotonic(),
            )
            if len(self._signs) < MAX_SIGNS:
                self._signs.append(sign)
            threading.Thread(target=self._prove, name="proof of a crash", daemon=True).start()

    def _is_second_server(self, event: Serving) -> bool:
        """Whether an application that serves on another port as well says so, or one that only now says where."""
        second = urlsplit(event.url)
        if not self._url.hostname:
            self._url = second
            return True
        return second.hostname == self._url.hostname and second.port != self._url.port
