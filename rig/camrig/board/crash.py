"""When an application that served no longer does: what the console says of it, and whose doing that is.

The rules, in the order in which they are asked, are those of docs/console-and-recovery.md.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

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

APPLICATION = "application"
BENCH = "bench"


@dataclass(frozen=True)
class Crash:
    """The application went down. ``blame`` is APPLICATION for what runs on the board, BENCH for power and cable."""

    kind: str
    what: str
    blame: str
    firmware: bool = False  # it died in the firmware, which prints a dump and restarts the chip
    mark: int = 0  # the place in the console just behind it


def crash_of(event: Event, last: Traceback | None = None) -> Crash | None:
    """What an event means for an application that was serving; None: it goes on.

    ``last`` is the latest traceback, for the case that it ended main.py. A handled exception is no crash.
    """
    if isinstance(event, Crashed):
        blame = BENCH if event.kind == BROWNOUT else APPLICATION
        return Crash(event.kind, f"the firmware crashed ({event.line})", blame, firmware=True)
    if isinstance(event, Restarted):
        return Crash(*_restart(event.cause))
    if isinstance(event, ResetCause):
        cause = {"pwron": "POWERON", "wdt": "WDT", "deepsleep": "DEEPSLEEP"}.get(event.cause, event.cause.upper())
        return Crash(*_restart(cause))
    if isinstance(event, SoftRebooted):
        return Crash("soft reset", "main.py asked for a soft reset", APPLICATION)
    if isinstance(event, Prompt):
        why = f" with {last.error}" + (f" ({last.where})" if last.where else "") if last else ""
        return Crash("main.py ended", f"main.py ended{why}", APPLICATION)
    if isinstance(event, Serving):
        return Crash("restart", "the application started again, and the board does not say why", BENCH)
    return None


def _restart(cause: str) -> tuple[str, str, str]:
    """Kind, words and blame of a reset, by the ROM's name for it (ESP32 ROM: ``rst:0x1 (POWERON_RESET)``)."""
    if "BROWN" in cause:
        return BROWNOUT, f"the supply voltage fell too low ({cause})", BENCH
    if cause.startswith(("POWERON", "USB_")) or "GLITCH" in cause:
        return (
            "power-on reset",
            f"the board lost its power, or was reset by hand or by its reset line ({cause})",
            BENCH,
        )
    if "WDT" in cause:
        return "watchdog reset", f"a watchdog restarted the board ({cause})", APPLICATION
    if "DEEPSLEEP" in cause:
        return "deep sleep", f"the application put the board to sleep ({cause})", APPLICATION
    return "restart", f"the board restarted unasked ({cause})", APPLICATION


class Watch:
    """Notices the first crash of an application since ``start``. ``on_crash`` is called in the thread that reads."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._last: Traceback | None = None
        self._happened = threading.Event()
        self.crash: Crash | None = None
        self.on_crash: Callable[[], None] = lambda: None
        console.tell(self._heard)

    def forget(self) -> None:
        """The application is started anew."""
        self._last, self.crash = None, None
        self._happened.clear()

    def start(self) -> None:
        """The application serves and the rig lets go of the board: what happens from now on is not the rig's."""
        self._console.attended = False
        if self._console.broken is not None:
            self._heard(self._console.broken)

    def wait(self, seconds: float) -> Crash | None:
        """The crash, waiting up to ``seconds`` for one."""
        self._happened.wait(seconds)
        return self.crash

    def _heard(self, heard: Event | CamrigError) -> None:
        if self._console.attended or self.crash is not None:
            return
        if isinstance(heard, CamrigError):
            crash: Crash | None = Crash("port lost", heard.what, BENCH)
        else:
            crash = crash_of(heard, self._last)
            if isinstance(heard, Traceback):
                self._last = heard
        if crash is not None:
            self.crash = replace(crash, what=self._console.hide(crash.what), mark=self._console.mark())
            self.on_crash()
            self._happened.set()
