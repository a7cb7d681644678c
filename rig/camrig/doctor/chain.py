"""``camrig doctor``: checks the chain from port to preflight, and says for each step what is wrong and what to do.

It writes nothing to the board unless asked to (or the board is a virtual one that was started for it): whoever has a
broken board needs to see it as it is.
"""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Mapping

from camrig.board.control_lines import has_lines
from camrig.board.events import Serving
from camrig.board.usb_log import may_read_log, usb_place
from camrig.board.wiring_probe import probe_wiring
from camrig.bringup.board import Board
from camrig.doctor.check import Check, State
from camrig.doctor.console import console_check
from camrig.doctor.dark import dark_check
from camrig.doctor.flash import Flash, flash_checks, read_flash
from camrig.doctor.flash_memory import checks_by_firmware, checks_by_loader
from camrig.doctor.power import STARTS, StartRecord, fault_of, power_check, start_check, starts
from camrig.doctor.preflight import preflight_check
from camrig.doctor.sensor import sensor_checks
from camrig.doctor.wiring import wiring_check
from camrig.dut import Dut, Start
from camrig.errors import BoardBusyError, BoardSilentError, BootError, CamrigError, NoMicroPythonError, WifiError
from camrig.flash.esptool_loader import connector
from camrig.lab.usb_ports import find_usb_port, list_usb_ports
from camrig.redaction import visible
from camrig.settings.resolve import Settings
from camrig.steps import Step, Steps


class _ChainBrokenError(Exception):
    """A step failed, and the steps after it cannot be tried."""


class Doctor:
    """Examines one board. ``report`` gets every check as it ends."""

    STEPS = ("port", "open", "lines", "console", "REPL", "firmware", "files", "boot", "preflight", "sensor")

    def __init__(
        self,
        spec: str,
        settings: Settings,
        report: Callable[[Check], None],
        deploy: bool,
        pulse: bool,
        options: Mapping[str, str],
        flash: bool = False,
        power: bool = False,
    ) -> None:
        self.board = Board(spec, settings, Steps(self._report_waiting))
        self.settings = settings.of_board(spec)
        self.deploy = deploy or settings.is_virtual(spec)
        self.pulse = pulse
        self.flash = flash
        self.power = power
        self.options = {"--device": spec, **options}
        self.checks: list[Check] = []
        self._report = report
        self._has_lines = False
        self._interrupted = False
        self._boot_mark = 0  # in the console, where the application began
        self._went_down = False  # while it booted: by the supply, a watchdog, a panic
        self._flash: Flash
        self._dut: Dut

    def run(self) -> bool:
        """Whether the whole chain works. Closes whatever it opened."""
        steps = (
            self._check_port,
            self._check_open,
            self._check_lines,
            self._check_console,
            self._check_repl,
            self._check_firmware,
            self._check_flash,
            self._check_files,
            self._check_boot,
            self._check_preflight,
            self._check_sensor,
            self._check_dark,
            self._check_power,
            self._clear_marks,
        )
        try:
            for step in steps:
                step()
        except _ChainBrokenError:
            done = {check.name for check in self.checks}
            rest = [name for name in self.STEPS if name not in done]
            if rest:
                finding = f"not tried, because a step before failed: {', '.join(rest)}"
                self._add(Check("the rest", State.SKIPPED, finding))
            if self._went_down:
                self._check_power()
        finally:
            if self._interrupted:  # start again what was running
                with contextlib.suppress(CamrigError):
                    self.board.session.restart()
            self.board.close()
        return not any(check.state is State.WRONG for check in self.checks)

    def _add(self, check: Check) -> None:
        self.checks.append(check)
        self._report(check)

    def _report_waiting(self, step: Step | str) -> None:
        if isinstance(step, str):
            self._report(Check("open", State.NOTE, step))

    def _broken(self, name: str, error: CamrigError, advice: str = "", command: str = "") -> _ChainBrokenError:
        if isinstance(error, BoardBusyError):
            command = self._doctor_command({"--hil-wait": "60"})
        self._add(Check(name, State.WRONG, error.what, advice or error.hint, command, error.details))
        return _ChainBrokenError()

    def _check_port(self) -> None:
        try:
            self.board.reach()
        except CamrigError as error:
            raise self._broken("port", error) from None
        port = self.board.device.port
        usb = find_usb_port(port, list_usb_ports())
        bridge = f", {usb.bridge}, USB serial number {usb.serial or '(none)'}" if usb else ""
        advice = command = ""
        if usb is not None and usb.native and self.settings.lines.name != "usb-cdc":
            advice = "this is the chip's own USB: if it stays silent, name its wiring"
            command = self._doctor_command({"--hil-lines": "usb-cdc"})
        self._add(Check("port", State.OK, f"{port}{bridge}", advice, command))
        if usb_place(port) is not None and not may_read_log():
            finding = "this user may not read the kernel's log, which often says why a port was lost"
            self._add(Check("port", State.NOTE, finding, "add the user to the group systemd-journal"))

    def _check_open(self) -> None:
        try:
            self.board.open(examines=True)
        except CamrigError as error:
            raise self._broken("open", error) from None
        self._add(Check("open", State.OK, f"{self.settings.baud} baud, not in use by anything else"))
        health = self.board.health.health
        if health is not None and health.quarantined is not None:
            finding = f"the board is {health.state}: {health.quarantined.reason}; cleared if all is well below"
            self._add(Check("health", State.NOTE, finding))

    def _check_lines(self) -> None:
        lines, transport = self.settings.lines, self.board.session.transport
        self._has_lines = has_lines(transport.serial.port)
        if not self._has_lines:
            self._add(Check("lines", State.OK, "this port has no control lines"))
        elif not self.pulse:
            levels = f"DTR {'asserted' if lines.dtr else 'released'}, RTS {'asserted' if lines.rts else 'released'}"
            self._add(Check("lines", State.OK, f"profile {lines.name}: {levels}; no line was pulsed"))
        else:
            self._try_lines()

    def _try_lines(self) -> None:
        try:
            wiring = probe_wiring(self.board.session.transport.serial)
        except CamrigError as error:
            raise self._broken("lines", error) from None
        self._add(
            wiring_check(
                wiring, self.settings.lines.name, lambda profile: self._doctor_command({"--hil-lines": profile})
            )
        )

    def _check_console(self) -> None:
        """What the board prints before it is interrupted."""
        speed = "74880" if self.settings.baud != 74880 else "115200"
        try:
            check = console_check(self.board.session, self._doctor_command({"--hil-baud": speed}))
        except CamrigError as error:
            raise self._broken("console", error) from None
        self._add(check)

    def _check_repl(self) -> None:
        session = self.board.session
        try:
            session.repl()
        except CamrigError as first:
            error = first
            if isinstance(first, (BoardSilentError, NoMicroPythonError)) and self.pulse and session.transport.pulse():
                try:
                    session.repl()
                    self._interrupted = True
                    self._add(Check("REPL", State.OK, "it answers after a reset through the control lines"))
                    return
                except CamrigError as second:
                    error = second
            advice, command = error.hint, ""
            if self._has_lines and not self.pulse and not isinstance(error, NoMicroPythonError):
                advice += "; or let the doctor reset the chip, to find out how its lines are wired"
                command = f"{self._doctor_command()} --try-lines"
            broken = self._broken("REPL", error, advice, command)
            if self.flash and not self.settings.is_virtual(self.board.spec):
                session.close()
                for check in checks_by_loader(
                    connector(self.board.device.port, self.settings.lines), self._flash_command
                ):
                    self._add(check)
            raise broken from None
        self._interrupted = True
        finding = "MicroPython answers (the running program was interrupted, and is started again below)"
        self._add(Check("REPL", State.OK, finding))

    def _check_firmware(self) -> None:
        try:
            self.board.identify()
        except CamrigError as error:
            raise self._broken("firmware", error) from None
        board = self.board.identity
        finding = f"{board.machine}, {board.firmware}, MAC {board.mac}, {board.heap_free // 1024} KB heap free"
        if board.flash_total:
            finding += f", {board.flash_free // 1024} of {board.flash_total // 1024} KB flash free"
        self._add(Check("firmware", State.OK, finding))
        try:
            self.board.check_requirement()
        except CamrigError as error:
            raise self._broken("firmware", error) from None

    def _check_flash(self) -> None:
        """Partitions, application and filesystem, by the firmware's account."""
        if not self.flash:
            return
        for check in checks_by_firmware(self.board.session, self._flash_command):
            self._add(check)

    def _check_files(self) -> None:
        """The contents of the flash, after a deploy if one was asked for."""
        if self.deploy:
            try:
                self.board.deploy(production=True)
            except CamrigError as error:
                raise self._broken("files", error) from None
        device = self.board.device
        try:
            self._flash = read_flash(self.board.session, self.settings, device.wifi)
        except CamrigError as error:
            raise self._broken("files", error) from None
        if not self._flash.has_application:
            missing = BootError("there is no application on the board (no /main.py)", hint="deploy it")
            raise self._broken("files", missing, command=self._deploy_command)
        for check in flash_checks(self._flash, device.wifi, device.port, self._deploy_command):
            self._add(check)

    def _check_boot(self) -> None:
        """Start the application on the board, as a power-up does."""
        self._interrupted = False
        self._boot_mark, seen = self.board.session.console.mark(), self.board.session.console.seen
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
            raise self._broken(
                "boot", error, f"{error.hint}, then write it to the board", self._deploy_command
            ) from None
        except CamrigError as error:
            self._went_down = fault_of(self.board.session.console.since(seen)) is not None
            raise self._broken("boot", error) from None
        events = reversed(self.board.session.console.events)
        serving = next(event for event in events if isinstance(event, Serving))
        forwarded = f", reached at {self._dut.url}" if self._dut.url != serving.url else ""
        self._add(Check("boot", State.OK, f"it serves at {serving.url}{forwarded}"))

    def _check_preflight(self) -> None:
        try:
            self._add(preflight_check(self._dut, self._flash.origins))
        except CamrigError as error:
            raise self._broken("preflight", error) from None

    def _check_sensor(self) -> None:
        for check in sensor_checks(self._dut, self.settings, self._boot_mark):
            self._add(check)

    def _check_dark(self) -> None:
        """Switch the power off and on; the board has to notice."""
        if self.power:
            self._add(dark_check(self.board))
            self._interrupted = True

    def _clear_marks(self) -> None:
        """A board that is sound is not kept from runs any more."""
        if any(check.state is State.WRONG for check in self.checks):
            return
        try:
            states = self.board.health.clear()
        except (CamrigError, OSError) as error:
            self._add(Check("health", State.NOTE, f"its marks could not be cleared: {error}"))
            return
        for state in states:
            self._add(Check("health", State.OK, f"it was {state}; that is cleared, and runs may use it again"))

    def _check_power(self) -> None:
        """Start the board again and again, until all starts are counted, it is dead, or Ctrl-C comes."""
        if not self.power:
            return
        done: list[StartRecord] = []
        try:
            for start in starts(self.board, self._dut, STARTS):
                done.append(start)
                self._add(start_check(len(done), start))
        except KeyboardInterrupt:
            self._interrupted = self.board.is_interrupted
            if not any(start.kind for start in done):  # nothing is wrong, and nothing was shown to be right
                self._add(power_check(done, STARTS))
                raise
        self._add(power_check(done, STARTS))

    @property
    def _deploy_command(self) -> str:
        return _command("deploy", self.options)

    @property
    def _flash_command(self) -> str:
        return shlex.join(["camrig", "flash", "FIRMWARE.bin", "--device", self.board.spec])

    def _doctor_command(self, changed: Mapping[str, str] | None = None) -> str:
        return _command("doctor", {**self.options, **(changed or {})})


def _command(name: str, options: Mapping[str, str]) -> str:
    """A command of camrig, for a shell."""
    words = [word for option in options.items() for word in option]
    return shlex.join(["camrig", name, *words])


def examine(
    spec: str,
    settings: Settings,
    *,
    deploy: bool = False,
    pulse: bool = False,
    options: Mapping[str, str] | None = None,
    flash: bool = False,
    power: bool = False,
) -> bool:
    """Print every check, then a conclusion; whether the whole chain works.

    The commands that it advises repeat ``options``, flag to value.
    """
    print(f"camrig doctor: {visible(spec)}\n", flush=True)
    doctor = Doctor(
        spec, settings, lambda check: print(check, flush=True), deploy, pulse, options or {}, flash, power
    )
    works = doctor.run()
    wrong = [check.name for check in doctor.checks if check.state is State.WRONG]
    print("\nall is well" if works else f"\nwhat is wrong: {', '.join(dict.fromkeys(wrong))}")
    return works
