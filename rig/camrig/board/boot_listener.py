"""Hears a board boot on its console: where it serves, or what keeps it from that."""

from __future__ import annotations

from camrig.board.events import Crashed, Event, Prompt, Restarted, Serving, Traceback, WifiFailed
from camrig.board.session import Session
from camrig.deadline import Deadline
from camrig.errors import BootError, WifiError

BOOTS = 3  # restarts before the application serves that make a boot loop

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
    """Hears a board boot: says at which URL it serves, or raises what keeps it from that."""

    def __init__(self, session: Session, ssid: str) -> None:
        self._session = session
        self._ssid = ssid
        self._tracebacks: list[Traceback] = []
        self._restarts = 0

    def wait(self, seen: int, until: Deadline) -> str:
        """The URL that the application prints after event number ``seen``. Raises WifiError, BootError, PortError."""
        url = self._session.console.wait(self._hear, seen, until)
        if url is not None:
            return url
        last = f"; the last exception was {self._tracebacks[-1].error}" if self._tracebacks else ""
        raise BootError(
            f"did not say within {until.seconds:g} s where it serves{last}",
            hint="see the console below, or allow more time with --hil-boot-timeout",
        )

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
            error = self._tracebacks[-1].error
            return BootError(f"main.py raised at boot: {error}", hint="fix it; the traceback is below")
        return BootError(
            "main.py ended without serving", hint="it has to print 'serving http://ADDRESS:PORT' and go on running"
        )


def _wifi_error(reason: str, ssid: str) -> WifiError:
    unknown = ("was refused by the Wi-Fi network {ssid!r}: " + reason, "check the network")
    sentence, hint = _WIFI_CAUSES.get(reason, unknown)
    return WifiError(sentence.format(ssid=ssid), hint=hint)
