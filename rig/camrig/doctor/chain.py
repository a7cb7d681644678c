"""``camrig doctor``: walks the chain from port to preflight, and says of each step what is wrong and what to do.

It puts nothing on the board unless it is told to (or the board is a virtual one that was made for it): whoever has a
broken board wants to know what is on it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from camrig.board.control_lines import has_lines
from camrig.board.events import Crashed, Restarted, Serving
from camrig.board.wiring_probe import WiringReport, probe_wiring
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.doctor.check import NOTE, OK, SKIPPED, WRONG, Check
from camrig.doctor.flash import Flash, checks, read
from camrig.dut import Dut, Start
from camrig.errors import BlockedError, BoardSilentError, BootError, CamrigError, NoMicroPythonError, WifiError
from camrig.lab.usb_ports import find_usb_port, list_usb_ports
from camrig.settings.resolve import VIRTUAL, Settings
from camrig.steps import Step, Steps

SECONDS_OF_CONSOLE = 2.0  # how long a board is overheard before it is interrupted
SECONDS_OF_STALE = 0.3
ORIGIN = "https://camrig-doctor.example"


class _ChainEndedError(Exception):
    """The chain is broken here: what follows cannot be tried."""


class Doctor:
    """Examines one board. ``tell`` gets every check as it ends."""

    STEPS = ("port", "open", "lines", "console", "REPL", "firmware", "files", "boot", "preflight")

    def __init__(
        self, spec: str, settings: Settings, tell: Callable[[Check], None], deploy: bool, pulse: bool
    ) -> None:
        self.board = Board(spec, settings, Steps(self._waiting))
        self.settings = settings
        self.deploy = deploy or spec == VIRTUAL
        self.pulse = pulse
        self.checks: list[Check] = []
        self._tell = tell
        self._lines = False
        self._interrupted = False
        self._flash: Flash
        self._dut: Dut

    def run(self) -> bool:
        """Whether the whole chain is sound. Closes whatever it opened."""
        todo = (self._port, self._open, self._control, self._console, self._repl, self._firmware, self._files)
        try:
            for step in (*todo, self._boot, self._preflight):
                step()
        except _ChainEndedError:
            done = {check.name for check in self.checks}
            rest = [name for name in self.STEPS if name not in done]
            if rest:
                self._say(Check("the rest", SKIPPED, f"not tried, since the chain is broken: {', '.join(rest)}"))
        finally:
            if self._interrupted:  # whatever ran before is to run again
                with contextlib.suppress(CamrigError):
                    self.board.session.restart()
            self.board.close()
        return not any(check.state == WRONG for check in self.checks)

    def _say(self, check: Check) -> None:
        self.checks.append(check)
        self._tell(check)

    def _waiting(self, step: Step | str) -> None:
        if isinstance(step, str):
            self._tell(Check("open", NOTE, step))

    def _wrong(self, name: str, error: CamrigError, do: str = "", command: str = "") -> _ChainEndedError:
        self._say(Check(name, WRONG, error.what, do or error.hint, command, error.details))
        return _ChainEndedError()

    def _port(self) -> None:
        try:
            self.board.reach()
        except CamrigError as error:
            raise self._wrong("port", error) from None
        port, about = self.board.device.port, find_usb_port(self.board.device.port, list_usb_ports())
        known = f", {about.bridge}, USB serial number {about.serial or '(none)'}" if about else ""
        do = ""
        if about is not None and about.native and self.settings.lines.name != "usb-cdc":
            do = "this is the chip's own USB: --hil-lines usb-cdc if it stays silent"
        self._say(Check("port", OK, f"{port}{known}", do))

    def _open(self) -> None:
        try:
            self.board.open()
        except CamrigError as error:
            raise self._wrong("open", error) from None
        self._say(Check("open", OK, f"{self.settings.baud} baud, and nobody else uses it"))

    def _control(self) -> None:
        lines, wire = self.settings.lines, self.board.session.transport
        self._lines = has_lines(wire.serial.port)
        if not self._lines:
            self._say(Check("lines", OK, "this port has no control lines, so none can disturb the board"))
        elif not self.pulse:
            levels = f"DTR {'asserted' if lines.dtr else 'released'}, RTS {'asserted' if lines.rts else 'released'}"
            self._say(Check("lines", OK, f"profile {lines.name}: {levels}; no line was pulsed"))
        else:
            self._wiring()

    def _wiring(self) -> None:
        name = self.settings.lines.name
        try:
            found = probe_wiring(self.board.session.transport.serial)
        except CamrigError as error:
            raise self._wrong("lines", error) from None
        if found.restarts_by_itself:
            self._say(Check("lines", NOTE, f"{found}", "mend that first; the console below says more"))
        elif found.in_boot_loader:
            self._say(Check("lines", WRONG, "the chip starts in its boot loader whatever the lines do", _IO0))
        elif found.profile is None:
            self._say(
                Check("lines", NOTE, f"{found}, which fits no known wiring", "write a [wiring.NAME] of its own")
            )
        elif found.profile == name or _alike(found, name):
            self._say(Check("lines", OK, f"{found}: profile {name} fits"))
        else:
            self._say(Check("lines", NOTE, f"{found}: profile {found.profile}", f"use --hil-lines {found.profile}"))

    def _console(self) -> None:
        """What the board says before anybody speaks to it."""
        session = self.board.session
        said = session.console
        try:
            session.transport.drain(SECONDS_OF_STALE)  # a server on the way keeps what a board said long ago
            seen = said.seen
            session.listen()
            restarts = said.wait(_restarts(), seen, Deadline.after(SECONDS_OF_CONSOLE))
        except CamrigError as error:
            raise self._wrong("console", error) from None
        text = said.text(lines=8).strip()
        crash = next((event for event in said.since(seen) if isinstance(event, Crashed)), None)
        if crash is not None or restarts:
            what = (
                f"the firmware crashes by itself: {crash.line}"
                if crash
                else f"it restarts over and over ({restarts})"
            )
            self._say(Check("console", WRONG, what, _POWER, details=text))
        elif text.count("\ufffd") > max(8, len(text) // 4):
            self._say(Check("console", NOTE, "noise", "if no REPL answers, try another --hil-baud (74880, 9600)"))
        elif text:
            self._say(Check("console", OK, f"it says: {text.splitlines()[-1][:70]}"))
        else:
            self._say(Check("console", OK, "quiet, as a board is that waits or serves"))

    def _repl(self) -> None:
        session = self.board.session
        try:
            session.repl()
        except CamrigError as first:
            error = first
            if isinstance(first, (BoardSilentError, NoMicroPythonError)) and self.pulse and session.transport.pulse():
                try:
                    session.repl()
                    self._interrupted = True
                    self._say(Check("REPL", OK, "it answers after a reset through the control lines"))
                    return
                except CamrigError as second:
                    error = second
            do = error.hint
            if self._lines and not self.pulse and not isinstance(error, NoMicroPythonError):
                do += "; or run again with --try-lines, which resets the chip and finds out how its lines are wired"
            raise self._wrong("REPL", error, do) from None
        self._interrupted = True
        self._say(Check("REPL", OK, "MicroPython answers (what ran was interrupted, and is started again below)"))

    def _firmware(self) -> None:
        try:
            self.board.identify()
        except CamrigError as error:
            raise self._wrong("firmware", error) from None
        found = self.board.identity
        about = f"{found.machine}, {found.firmware}, MAC {found.mac}, {found.heap_free // 1024} KB heap free"
        if found.flash_total:
            about += f", {found.flash_free // 1024} of {found.flash_total // 1024} KB flash free"
        self._say(Check("firmware", OK, about))
        if self.settings.require == "hardware" and found.virtual:
            refused = BlockedError(
                "this is a virtual board, and hardware is required", hint="name a real one with --device"
            )
            raise self._wrong("firmware", refused)

    def _files(self) -> None:
        """What is on the flash, after putting it there if that was asked for."""
        if self.deploy:
            try:
                self.board.deploy(production=True)
            except CamrigError as error:
                raise self._wrong("files", error) from None
        device = self.board.device
        try:
            self._flash = read(self.board.session, self.settings, device.wifi)
        except CamrigError as error:
            raise self._wrong("files", error) from None
        if not self._flash.has_application:
            missing = BootError("there is no application on the board (no /main.py)", hint="put it there")
            raise self._wrong("files", missing, command=self._deploying)
        for check in checks(self._flash, device.wifi, device.port, self._deploying):
            self._say(check)

    def _boot(self) -> None:
        """Start what is there, as power does."""
        self._interrupted = False
        try:
            start = Start(
                token=None,
                ssid=self._flash.ssid or "?",
                url=self.settings.url_of(self.board.spec),
                seconds=self.settings.boot_timeout,
                expect_cors=None,
                step=Steps(),
            )
            self._dut = Dut(self.board.session, self.board.identity, start)
            self._dut.boot()
        except WifiError as error:
            raise self._wrong("boot", error, f"{error.hint}, then write it to the board", self._deploying) from None
        except CamrigError as error:
            raise self._wrong("boot", error) from None
        event = next(e for e in self.board.session.console.events[::-1] if isinstance(e, Serving))
        forwarded = f", reached at {self._dut.url}" if self._dut.url != event.url else ""
        self._say(Check("boot", OK, f"it serves at {event.url}{forwarded}"))

    def _preflight(self) -> None:
        origins = self._flash.origins
        allowed = origins if isinstance(origins, str) else (origins or [None])[0]
        origin = ORIGIN if allowed in (None, "*") else str(allowed)
        asked = [("Origin", origin), ("Access-Control-Request-Method", "GET")]
        try:
            answer = self._dut.request("OPTIONS", "/api/status", asked)
        except CamrigError as error:
            raise self._wrong("preflight", error) from None
        grant = answer.header("Access-Control-Allow-Origin")
        took = f"answered {answer.status} in {answer.phases.total:.0f} ms"
        if allowed is None and grant is None:
            self._say(
                Check("preflight", OK, f"{took}; no origin is allowed by the board's settings, and none is granted")
            )
        elif answer.status in (200, 204) and grant in ("*", origin):
            self._say(Check("preflight", OK, f"{took}, and {origin} may read the answer"))
        else:
            state = f"Access-Control-Allow-Origin is {grant!r}" if grant else "it grants no origin"
            do = f"look at the CORS settings of the application; allowed_origins on the board is {origins!r}"
            self._say(Check("preflight", WRONG, f"{took}, but for {origin} {state}", do))

    @property
    def _deploying(self) -> str:
        return f"camrig deploy --device {self.board.spec}"


_IO0 = "release IO0 from ground (a jumper, a button, the flash switch of the carrier board) and press reset"
_POWER = "give it 5 V and 500 mA or more at the 5V pin, with a short cable; then look at boot.py and the firmware"


def _alike(found: WiringReport, name: str) -> bool:
    """``esp32-cam-mb`` resets a chip behind transistors just as well; only flashing tells the two apart."""
    return {found.profile, name} == {"devkit", "esp32-cam-mb"} and "rts" in found.resets


def _restarts() -> Callable[[Any], str | None]:
    """Answers with the cause once the ROM has spoken twice: opening a port may account for one."""
    causes: list[str] = []

    def count(event: Any) -> str | None:
        if isinstance(event, Restarted):
            causes.append(event.cause)
        return causes[-1] if len(causes) >= 2 else None

    return count


def examine(spec: str, settings: Settings, *, deploy: bool = False, pulse: bool = False) -> bool:
    """Print every check, then a verdict; whether all is well."""
    print(f"camrig doctor: {spec}\n", flush=True)
    doctor = Doctor(spec, settings, lambda check: print(check, flush=True), deploy, pulse)
    sound = doctor.run()
    wrong = [check.name for check in doctor.checks if check.state == WRONG]
    print("\nall is well" if sound else f"\nwhat is wrong: {', '.join(dict.fromkeys(wrong))}")
    return sound
