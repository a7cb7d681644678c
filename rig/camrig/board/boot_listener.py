"""Hears a board boot: where it serves, or what keeps it from that, named as precisely as the console allows."""

from __future__ import annotations

import re
from contextlib import suppress

from camrig.board.events import Crashed, Event, Frame, Prompt, Restarted, Serving, Traceback, WifiFailed
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import BootError, CamrigError, WifiError

BOOTS = 3  # restarts before the application serves that make a boot loop
SECONDS_TO_INTERRUPT = 3.0  # for a program that did not serve in time to say where it is
_KEPT_BOOT = "/.camrig/boot.py"  # the board's own boot.py, which a deploy keeps
_NEAR_MISS = re.compile(r"^.*(?:serving|listening|https?://).*$", re.IGNORECASE | re.MULTILINE)
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
    """Waits for a board that is booting, with Wi-Fi settings for the network ``ssid``."""

    def __init__(self, session: Session, ssid: str) -> None:
        self._session = session
        self._ssid = ssid
        self._tracebacks: list[Traceback] = []
        self._restarts = 0

    def wait(self, seen: int, until: Deadline) -> str:
        """The URL that the application prints after event number ``seen``. Raises WifiError, BootError, PortError."""
        mark = self._session.console.mark()
        url = self._session.console.wait(self._hear, seen, until)
        if url is not None:
            return url
        raise self._late(mark, until.seconds)

    def _hear(self, event: Event) -> str | None:
        if isinstance(event, Serving):
            return event.url
        if isinstance(event, WifiFailed):
            raise _wifi_error(event.reason, self._ssid)
        if isinstance(event, Crashed):
            raise BootError(f"the firmware crashed while booting: {event.line}", hint="check power and firmware")
        if isinstance(event, Traceback):
            self._tracebacks.append(event)
        if isinstance(event, Restarted):
            self._restarts += 1
            if self._restarts > BOOTS:
                raise BootError(
                    f"the board restarts over and over ({event.cause})", hint="check its power supply and boot.py"
                )
        if isinstance(event, Prompt):
            raise self._ended()
        return None

    def _ended(self) -> BootError:
        if self._tracebacks:
            last = self._tracebacks[-1]
            hint = "fix it; the traceback is below"
            if any(frame.file == _KEPT_BOOT for frame in last.frames):
                hint = f"fix the board's own boot.py, which a deploy keeps as {_KEPT_BOOT}, or deploy one of yours"
            return BootError(f"{program(last.frames)} raised at boot: {last.error}", hint=hint)
        return BootError("main.py ended without serving", hint=f"it has to print '{_READY_LINE}' and go on running")

    def _late(self, mark: int, seconds: float) -> BootError:
        """The error for a board that did not serve in time: where Ctrl-C finds it, and what it said instead."""
        console = self._session.console
        text = console.text(since=mark)
        notes = []
        if stopped := interrupted_at(self._session):
            notes.append(f"Ctrl-C found {program(stopped.frames)} at {stopped.where}")
        if self._tracebacks:
            notes.append(f"the last exception was {self._tracebacks[-1].error}")
        if near := _NEAR_MISS.findall(text):
            notes.append(f"{near[-1].strip()[:120]!r} is not the ready line, {_READY_LINE}")
        return BootError(
            "; ".join([f"did not say within {seconds:g} s where it serves", *notes]),
            hint="see the console below, or allow more time with --hil-boot-timeout",
        )


def interrupted_at(session: Session) -> Traceback | None:
    """The traceback with which Ctrl-C ends what runs on the board; None where none comes or none says where."""
    seen = session.console.seen
    with suppress(CamrigError):
        session.interrupt(SECONDS_TO_INTERRUPT)
    stopped = next((event for event in session.console.since(seen) if isinstance(event, Traceback)), None)
    if stopped is None or not stopped.error.startswith("KeyboardInterrupt") or not stopped.frames:
        return None
    return stopped


def program(frames: tuple[Frame, ...]) -> str:
    """``boot.py`` or ``main.py``: which of the two these frames of a traceback belong to."""
    names = {frame.file.rpartition("/")[2] for frame in frames}
    return "boot.py" if "boot.py" in names and "main.py" not in names else "main.py"


def _wifi_error(reason: str, ssid: str) -> WifiError:
    unknown = ("was refused by the Wi-Fi network {ssid!r}: " + reason, "check the network")
    sentence, hint = _WIFI_CAUSES.get(reason, unknown)
    return WifiError(sentence.format(ssid=ssid), hint=hint)
