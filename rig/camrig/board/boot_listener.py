"""Hears a board boot: where it serves, or what keeps it from that, named as precisely as the console allows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from camrig.board.events import (
    Crashed,
    Event,
    Frame,
    Prompt,
    Restarted,
    Serving,
    SoftRebooted,
    Traceback,
    WifiFailed,
)
from camrig.board.expect import near_miss
from camrig.board.no_repl import PRESS_RESET
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import BootError, CamrigError, WifiError
from camrig.redaction import presentable

LINES = 200  # of the console, in which a line like the ready line is looked for
BOOTS = 3  # restarts before the application serves that make a boot loop
SECONDS_TO_INTERRUPT = 3.0  # for a program that did not serve in time to say where it is
_KEPT_BOOT = "/.camrig/boot.py"  # the board's own boot.py, which a deploy keeps
_NEAR_MISS = re.compile(
    r"\b(?:serving|listening|server|ready|running on|started on)\b|https?://|\d\.\d{1,3}:\d|\bport \d", re.IGNORECASE
)
_OTHER_LINES = re.compile(r"camrig: (?!serving)|  File |[A-Z]\w*(?:Error|Exception|Interrupt): |MicroPython ")
_READY_LINE = "serving http://ADDRESS:PORT"

_WIFI_CAUSES: dict[str, tuple[str, str]] = {
    "no-such-network": (
        "does not find the Wi-Fi network {ssid!r}",
        "check its name, band (2.4 GHz) and range",
    ),
    "wrong-password": ("was refused by the Wi-Fi network {ssid!r}: wrong password", "check CAMRIG_WIFI_PASSWORD"),
    "timeout": ("got no address from the Wi-Fi network {ssid!r} in time", "check the range and the DHCP server"),
    "not-configured": (
        "has no Wi-Fi settings",
        "set CAMRIG_WIFI_SSID and CAMRIG_WIFI_PASSWORD, or write camrig.wifi.toml",
    ),
}


class BootListener:
    """Waits for a board that is booting, with Wi-Fi settings for the network ``ssid``.

    ``ready`` matches in the line that says that the application is up; None where it is the line that says where it
    serves. With ``serves`` the application has to say that, too, before or after.
    """

    def __init__(
        self, session: Session, ssid: str, ready: re.Pattern[str] | None = None, serves: bool = True
    ) -> None:
        self._session = session
        self._ssid = ssid
        self._ready = ready
        self._serves = serves or ready is None
        self._url = ""
        self._mark = session.console.mark()
        self._tracebacks: list[Traceback] = []
        self._restarts = self._soft_reboots = 0

    def wait(self, seen: int, until: Deadline) -> str:
        """The URL that the application prints after event number ``seen``, empty if it need not and does not.

        Raises WifiError, BootError, PortError.
        """
        url = self._session.console.wait(self._hear, seen, until, self._is_ready)
        if url is not None:
            return url
        raise self._late(until.seconds)

    def _is_ready(self) -> str | None:
        if (self._serves and not self._url) or not self._ready_line_came():
            return None
        return self._url

    def _ready_line_came(self) -> bool:
        return self._ready is None or bool(self._ready.search(self._session.console.application_lines(self._mark)))

    def _hear(self, event: Event) -> str | None:
        if isinstance(event, Serving):
            self._url = self._url or event.url
            return self._is_ready()
        if isinstance(event, WifiFailed):
            raise _wifi_error(event.reason, self._ssid)
        if isinstance(event, Crashed):
            raise crashed_while_booting(event)
        if isinstance(event, Traceback):
            self._tracebacks.append(event)
        if isinstance(event, Restarted):
            self._restarts += 1
            if self._restarts > BOOTS:
                raise BootError(
                    f"the board restarts over and over ({event.cause})", hint="check its power supply and boot.py"
                )
        if isinstance(event, SoftRebooted):
            self._soft_reboots += 1
            if self._soft_reboots > BOOTS:
                raise BootError(
                    "main.py ends the interpreter, and is started over and over",
                    hint="look for sys.exit(), SystemExit and machine.soft_reset() in what it runs before it serves",
                )
        if isinstance(event, Prompt):
            raise self._ended()
        return None

    def _ended(self) -> BootError:
        if self._tracebacks:
            last = self._tracebacks[-1]
            hint = "fix it; the traceback is below"
            if any(frame.file == _KEPT_BOOT for frame in last.frames):
                hint = (
                    "fix the application's boot.py; if it has none, this is the board's own, kept as "
                    f"{_KEPT_BOOT}: fix that, or deploy one of yours"
                )
            return BootError(f"{program(last.frames)} raised at boot: {last.error}", hint=hint)
        if self._ready is None or self._ready_line_came():
            line, ended = f"'{_READY_LINE}'", "main.py ended without serving"
        else:
            line = f"a line that matches {self._ready.pattern!r}"
            ended = f"main.py ended without {line}"
        return BootError("; ".join([ended, *self._near_miss()]), hint=f"it has to print {line} and go on running")

    def _near_miss(self) -> list[str]:
        """The last line since the boot that only resembles the ready line, in words; empty if none does."""
        if self._ready is not None and not self._ready_line_came():
            near_line = near_miss(
                self._ready.pattern, self._session.console.application_lines(self._mark).split("\n")
            )
            return [near_line] if near_line else []
        lines = map(str.strip, self._session.console.excerpt(LINES).split("\n"))
        near = [line for line in lines if _NEAR_MISS.search(line) and not _OTHER_LINES.match(line)]
        return [f"{presentable(near[-1])[:120]!r} is not the ready line, {_READY_LINE}"] if near else []

    def _late(self, seconds: float) -> BootError:
        """The error for a board that did not serve in time: where Ctrl-C finds it, and what it said instead."""
        near, notes, late = self._near_miss(), [], self._what_is_late(seconds)  # before Ctrl-C changes the console
        hint = "see the console below, or allow more time with --hil-boot-timeout"
        if self._ready is None:
            hint += "; the line of an application without a server is named with --hil-ready"
        if stopped := interrupted_at(self._session):
            name = program(stopped.frames)
            notes.append(f"Ctrl-C found {name} at {stopped.where}")
            if name == "boot.py":
                hint = "let boot.py end, because main.py runs after it, or allow more time with --hil-boot-timeout"
        elif not self._session.transport.in_raw_repl:
            notes.append("Ctrl-C does not end what runs there")
            hint = f"let it pass KeyboardInterrupt on. To replace it, {PRESS_RESET}"
        if self._tracebacks:
            notes.append(f"the last exception was {self._tracebacks[-1].error}")
        notes += near
        return BootError("; ".join([late, *notes]), hint=hint)

    def _what_is_late(self, seconds: float) -> str:
        if self._ready is not None and not self._ready_line_came():
            return f"did not print within {seconds:g} s a line that matches {self._ready.pattern!r}"
        return f"did not say within {seconds:g} s where it serves"


def crashed_while_booting(event: Crashed) -> BootError:
    """The error for a firmware that crashed before the application served."""
    return BootError(f"the firmware crashed while booting: {event.line.rstrip('.')}", hint="check power and firmware")


def interrupted_at(session: Session) -> Traceback | None:
    """The traceback with which Ctrl-C ends what runs on the board; None where none comes or none says where."""
    seen = session.console.seen
    with suppress(CamrigError):
        session.stop_program(SECONDS_TO_INTERRUPT)
        session.interrupt(SECONDS_TO_INTERRUPT)
    return interruption(session.console.since(seen))


def interruption(events: Iterable[Event]) -> Traceback | None:
    """The first traceback among ``events`` that Ctrl-C brought and that says where; None without one."""
    tracebacks = (event for event in events if isinstance(event, Traceback))
    return next((event for event in tracebacks if event.error.startswith("KeyboardInterrupt") and event.frames), None)


def program(frames: tuple[Frame, ...]) -> str:
    """``boot.py`` or ``main.py``: which of the two these frames of a traceback belong to."""
    names = {frame.file.rpartition("/")[2] for frame in frames}
    return "boot.py" if "boot.py" in names and "main.py" not in names else "main.py"


def _wifi_error(reason: str, ssid: str) -> WifiError:
    unknown = ("was refused by the Wi-Fi network {ssid!r}: " + reason, "check the network")
    sentence, hint = _WIFI_CAUSES.get(reason, unknown)
    return WifiError(sentence.format(ssid=ssid), hint=hint)
