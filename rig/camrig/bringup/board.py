"""A reserved board: its port opened, its lock held, its identity known; deployed to, booted and brought back."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any

from camrig.board.crash_error import CONSOLE_LINES
from camrig.board.identity import Identity, identify
from camrig.board.no_repl import ctrl_c_ignored
from camrig.board.session import Session
from camrig.board.user_code import evaluate, run_code
from camrig.bringup.health import HealthKeeper
from camrig.bringup.real_pictures import require_pictures
from camrig.bringup.recovery import Recovery
from camrig.bringup.reservation import Reservation
from camrig.deploy.layers import LIBRARY
from camrig.errors import (
    BlockedError,
    BoardCrashedError,
    BootError,
    BootLoaderError,
    CamrigError,
    NoMicroPythonError,
    ServerSilentError,
)
from camrig.lab import lock
from camrig.lab.device_spec import Device, open_device, require_wifi
from camrig.lab.usb_ports import lock_key
from camrig.redaction import register
from camrig.settings.resolve import Settings
from camrig.steps import Steps

if TYPE_CHECKING:  # read while the board starts, see _read_ahead
    from camrig.bringup.deployment import Deployment
    from camrig.bringup.over_the_air import OverTheAir
    from camrig.deploy.hang import Hang
    from camrig.deploy.plan import DeployPlan
    from camrig.deploy.transfer import TransferResult
    from camrig.dut import Dut
    from camrig.firmware.image import Image
    from camrig.probe.agent import Radio

SECONDS_FOR_CODE = 10.0  # of a test's own
TOKEN = re.compile(r"[0-9a-f]{32}")


def _read_ahead() -> None:
    """Read what is needed later, while the board makes everybody wait. Whoever needs it reports what is wrong."""
    with suppress(Exception):
        import_module("camrig.board.raw_repl")
        import_module("camrig.bringup.deployment")
        import_module("camrig.dut")


class Board:
    """A board that is this process's alone, from ``with Board(spec, settings) as board`` to the end of that block.

    Whatever was opened is closed, also when a part fails. ``deploy`` puts the application on it, and ``boot`` makes a
    ``Dut`` of it. ``token`` is the agent's: unless it is given, the one that this computer gave
    the board before, or a new one.
    """

    device: Device
    session: Session
    identity: Identity
    recovery: Recovery
    radio: Radio | None = None  # as it was at the last boot, where the agent reported it
    sensor: dict[str, Any] | None = None

    def __init__(self, spec: str, settings: Settings, steps: Steps | None = None, token: str | None = None) -> None:
        self.spec = spec
        self.settings = settings.of_board(spec)
        self.steps = steps or Steps()
        self._token = token or ""
        self._stack = ExitStack()
        self.reservation = Reservation(spec, settings.wait, self._stack, self.steps.say)
        self.health = HealthKeeper(spec, self.steps.say)

    def __enter__(self) -> Board:
        """Open the port and ask the board who it is. Raises what can keep a rig from a board."""
        try:
            self._connect()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        """Release the board, with the firmware that it had if a new one was not confirmed."""
        try:
            if self.on_trial:
                self.over_the_air.give_up()
        except CamrigError as reason:
            self.steps.say(str(reason))
        finally:
            self.health.keep()
            self.close()

    def close(self) -> None:
        """Release the port, and end the virtual board if this is one. May be called twice."""
        self._stack.close()

    def _connect(self) -> None:
        image = self._image()
        with self.steps("connect") as note:
            self.reach()
            self.open()
            if self.settings.ready is None:
                require_wifi(self.device)  # a board that is missing comes first
            self._wake()
            note(self.device.port)
        with self.steps("identify") as note:
            self.recovery.retry_after_reset(self.identify)
            note(f"{self.identity.machine}, {self.identity.firmware}, {self.identity.mac}")
        self.check_requirement()
        if image is not None:
            from camrig.bringup.installation import install

            install(self, image)
            self.session.repl()  # afresh: what the check left there would count as memory of the first imports

    def _image(self) -> Image | None:
        """The image that must run, if one is named. Raises FirmwareError."""
        if self.settings.firmware is None:
            return None
        from camrig.bringup.flashing import load_image

        return load_image(self.settings.firmware)

    def _wake(self) -> None:
        """Enter the raw REPL. What ran MicroPython when it was last seen is not to be flashed."""
        try:
            self.recovery.wake()
        except NoMicroPythonError as error:
            port = self.reservation.port
            if isinstance(error, BootLoaderError) or port is None or port.seen is None:
                raise
            raise ctrl_c_ignored(self.spec, error.details) from None

    def check_requirement(self) -> None:
        """Raises BlockedError for a virtual board where hardware is required."""
        if self.identity.virtual and self.settings.requires("hardware"):
            raise BlockedError(
                "this is a virtual board, and --hil-require=hardware requires a real one",
                board=self.spec,
                hint="name a board with --device",
            )

    def reach(self) -> None:
        """Find the port, starting a virtual board if the specification says so. Raises PortError."""
        self.device = self._stack.enter_context(open_device(self.spec, self.settings, self.steps.say))

    def open(self, examines: bool = False) -> None:
        """Own the board and open its port, control lines first. Raises BoardBusyError or PortError.

        Unless it is only examined or repaired, raises QuarantinedError before the port is touched.
        """
        self.reservation.take(self.device)
        if self.reservation.port is not None:
            self.health.admit(lock_key(self.device.port), refuses=not examines)
        self.session = Session(
            self.device.port,
            self.settings.baud,
            name=self.spec,
            secrets=(self.device.wifi.password if self.device.wifi else "",),
            lines=self.settings.lines,
            boots_in=self.settings.boots_in,
            notify=self.steps.say,
            explain=self.device.explain,
            lost=self.health.port_lost,
        )
        self._stack.callback(self.session.close)
        Thread(target=_read_ahead, name="modules read ahead", daemon=True).start()
        self.recovery = Recovery(self.session, self.device, self.settings, self.steps, self._last_mac, self.health)

    def identify(self) -> None:
        """Ask the board, in its raw REPL, who it is, and own it under its MAC too. Raises BoardBusyError."""
        self.identity = identify(self.session)
        kept = port = self.reservation.port
        self.health.identified(self.identity.mac)
        if port is not None and self.identity.mac:
            kept = self.reservation.claim(self.identity.mac)
            port.remember(self.identity.chip, self.identity.mac, self.identity.firmware)
        self._check_mac()
        self._choose_token(kept)

    def _check_mac(self) -> None:
        """Raises BlockedError for another board than the one that was named."""
        expected, mac = self.settings.board(self.spec).mac, self.identity.mac.lower()
        if expected and mac != expected:
            name = self.settings.name_of("", mac) or mac or "one without a MAC"
            raise BlockedError(
                f"the board on {self.device.port} is {name}, and not the one with the MAC {expected}",
                board=self.spec,
                hint="see which board is where: camrig devices --probe",
            )

    def forget_deployment(self) -> None:
        """The firmware has changed: files have to be built for it, and what it has of them is not known."""
        self.__dict__.pop("deployment", None)

    @property
    def mac(self) -> str:
        """The MAC that the board gave in this run; empty before it has."""
        return self.identity.mac if "identity" in vars(self) else ""

    def _last_mac(self) -> str:
        return self.mac or self.reservation.last_mac

    def _choose_token(self, kept: lock.Lock | None) -> None:
        """The token that the board has already, if this computer knows: a new one would be a change to deploy."""
        if not self._token:
            known = kept.token if kept is not None else ""
            self._token = known if TOKEN.fullmatch(known) else os.urandom(16).hex()
            if kept is not None and known != self._token:
                kept.keep_token(self._token)
        register(self._token)

    @cached_property
    def deployment(self) -> Deployment:
        """What belongs on this board, which must be identified. Raises WifiError when no network was configured."""
        from camrig.bringup.deployment import Deployment

        wifi = self.device.wifi if self.settings.ready is not None else require_wifi(self.device)
        return Deployment(self.session, self.identity, self.recovery, self.settings, wifi, self._token, self.steps)

    @property
    def imports(self) -> dict[str, int]:
        """Bytes that each module of the application retains, in the order of import; empty if none was measured."""
        return self.deployment.imports

    def deploy(
        self,
        *,
        library: Path | None = None,
        changes: Mapping[str, Any] | None = None,
        production: bool = False,
        remeasure_imports: bool = False,
        measure_imports: bool = True,
    ) -> TransferResult:
        """``Deployment.deploy``, with errors that name this board."""
        try:
            return self.deployment.deploy(
                library=library,
                changes=changes,
                production=production,
                remeasure_imports=remeasure_imports,
                measure_imports=measure_imports,
            )
        except CamrigError as error:
            raise error.on(self.spec) from None

    def plan(self, production: bool = False) -> tuple[DeployPlan, dict[str, int | None]]:
        """``Deployment.plan``, with errors that name this board."""
        try:
            return self.deployment.plan(production)
        except CamrigError as error:
            raise error.on(self.spec) from None

    def boot(self, confirm: bool = True) -> Dut:
        """Restart the board and wait until its server answers. Raises what keeps it from that.

        That confirms firmware on trial, unless ``confirm`` leaves it to the caller.
        """
        from camrig.dut import Dut, Start

        start = Start(
            token=self._token if self.deployment.has_agent else None,
            ssid=self.device.wifi.ssid if self.device.wifi else "",
            url=self.settings.url_of(self.spec),
            seconds=self.settings.boot_timeout,
            expect_cors=self.deployment.library_file or None,
            step=self.steps,
            ready=self.settings.ready,
        )
        dut = Dut(self.session, self.identity, start)
        self.start(dut)
        if confirm and self.on_trial:
            self.over_the_air.confirm()
            self.start(dut)
        return dut

    def exec(self, source: str, timeout: float = SECONDS_FOR_CODE) -> str:
        """Run Python on the board, and return what it prints. Ends the application, which the next test starts again.

        Names stay for the next call. Raises BoardCodeError with the board's traceback, BoardCrashedError, or
        BlockedError.
        """
        self._demand_repl()
        return run_code(self.session, source, timeout)

    def eval(self, expression: str, timeout: float = SECONDS_FOR_CODE) -> Any:
        """The value of an expression on the board: numbers, texts, bytes, lists, tuples, sets, dicts. As ``exec``."""
        self._demand_repl()
        return evaluate(self.session, expression, timeout)

    @property
    def on_trial(self) -> bool:
        """Whether this run has put firmware on the board that a reset would roll back."""
        return "over_the_air" in vars(self) and self.over_the_air.trial is not None

    @cached_property
    def over_the_air(self) -> OverTheAir:
        """The board's firmware over the air."""
        from camrig.bringup.over_the_air import OverTheAir

        return OverTheAir(self)

    @property
    def is_interrupted(self) -> bool:
        """Whether the application was ended to run code."""
        return self.session.transport.in_raw_repl

    def _demand_repl(self) -> None:
        if not self.is_interrupted:
            self.session.repl()

    def start(self, dut: Dut) -> None:
        """Boot ``dut``. What its library does to that is the library's failure. Raises what keeps it from serving."""
        seen = self.session.console.seen
        try:
            dut.boot()
            self._ask_agent(dut)
        except (BootError, BoardCrashedError, ServerSilentError) as error:
            fault: CamrigError | None = self.over_the_air.fault_of(error, seen) if self.on_trial else None
            fault = fault or self._boot_fault(error, seen)
            if fault is None:
                raise
            raise fault from error
        self.health.served()
        require_pictures(self.sensor, self.settings, self.spec)

    def _ask_agent(self, dut: Dut) -> None:
        """Keep what the application reports of radio and camera, as far as it has an agent."""
        if self.deployment.has_agent:
            self.radio, self.sensor = dut.agent.radio(), dut.agent.sensor()

    def _boot_fault(self, error: CamrigError, seen: int) -> CamrigError | None:
        """The better error for a boot that began at event ``seen`` of the console, if there is one."""
        silent = isinstance(error, ServerSilentError)
        hang = self.deployment.find_hang() if silent else self.deployment.hang_since(seen)
        # A slow board may still have been importing: how long that takes is asked below.
        if hang is not None and hang.layer == LIBRARY and hang.frame.function != "<module>":
            return hang.library_error(self.spec)
        if hang is not None and silent:
            return BootError(hang.summary, board=self.spec, hint="fix it and run again", details=hang.details)
        if silent:
            return None
        console = self.session.console.excerpt(CONSOLE_LINES)
        if (fault := self.deployment.library_error()) is None and isinstance(error, BoardCrashedError):
            # No test has begun: whose doing it was is not known.
            return BootError(f"{error.what} before any test began", board=self.spec, hint=error.hint, details=console)
        return fault

    def find_hang(self, dut: Dut) -> Hang | None:
        """What hangs while ``dut`` gives no answer; None if it does, or if that is the board or the network.

        The application has ended then: the board has to be brought back.
        """
        return None if dut.answers() else self.deployment.find_hang()

    def recover(self, dut: Dut) -> None:
        """Bring a board back whose application went down: up the ladder, its files checked, and booted again.

        Raises BoardBrokenError, FirmwareBootError if that has rolled firmware on trial back, CameraError for a camera
        that is down, or what keeps the application from serving.
        """
        self.recovery.bring_back()
        if self.on_trial:
            self.over_the_air.check()
        self.deploy()
        dut.boot()
        self._ask_agent(dut)
        require_pictures(self.sensor, self.settings, self.spec)
