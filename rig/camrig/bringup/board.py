"""A reserved board: its port opened, its lock held, its identity known; deployed to, booted and brought back."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType

from camrig.board.identity import Identity, identify
from camrig.board.session import Session
from camrig.bringup.deployment import Deployment, Progress, no_progress
from camrig.bringup.recovery import Recovery
from camrig.deploy.plan import DeployPlan
from camrig.deploy.transfer import TransferResult
from camrig.dut import Dut, Start
from camrig.errors import BlockedError, BoardCrashedError, BootError, CamrigError
from camrig.lab import lock
from camrig.lab.device_spec import Device, open_device, require_wifi
from camrig.lab.usb_ports import lock_key, mac_key
from camrig.redaction import register
from camrig.settings.resolve import VIRTUAL, Settings
from camrig.steps import Steps


class Board:
    """A board that is this process's alone, from ``with Board(spec, settings) as board`` to the end of that block.

    Whatever was opened is closed, also when a part fails. ``deploy`` puts the application on it, and ``boot`` makes a
    ``Dut`` of it. ``token`` is the agent's, a new one unless it is given.
    """

    device: Device
    session: Session
    identity: Identity
    recovery: Recovery

    def __init__(self, spec: str, settings: Settings, steps: Steps | None = None, token: str | None = None) -> None:
        self.spec = spec
        self.settings = settings
        self.steps = steps or Steps()
        self._token = token or secrets.token_hex(16)
        register(self._token)
        self._stack = ExitStack()
        self._lock: lock.Lock | None = None

    def __enter__(self) -> Board:
        """Open the port and ask the board who it is. Raises what can keep a rig from a board."""
        try:
            self._connect()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the port, and end the virtual board if this is one. May be called twice."""
        self._stack.close()

    def _connect(self) -> None:
        with self.steps("connect") as note:
            self.reach()
            require_wifi(self.device)
            self.open()
            self.recovery.wake()
            note(self.device.port)
        with self.steps("identify") as note:
            self.recovery.retry_after_reset(self.identify)
            note(f"{self.identity.machine}, {self.identity.firmware}, {self.identity.mac}")
        self.check_requirement()

    def check_requirement(self) -> None:
        """Raises BlockedError for a virtual board where hardware is required."""
        if self.identity.virtual and self.settings.require == "hardware":
            raise BlockedError(
                "this is a virtual board, and --hil-require=hardware requires a real one",
                board=self.spec,
                hint="name a board with --device",
            )

    def reach(self) -> None:
        """Find the port, starting a virtual board if the specification says so. Raises PortError."""
        self.device = self._stack.enter_context(open_device(self.spec, self.settings))

    def open(self) -> None:
        """Own the board and open its port, control lines first. Raises BoardBusyError or PortError."""
        if self.spec != VIRTUAL:  # that one was made for this run
            self._lock = self._own(lock_key(self.device.port))
        self.session = Session(
            self.device.port,
            self.settings.baud,
            name=self.spec,
            secrets=(self.device.wifi.password if self.device.wifi else "", self._token),
            lines=self.settings.lines,
            boots_in=self.settings.boots_in,
        )
        self._stack.callback(self.session.close)
        self.recovery = Recovery(self.session, self.device, self.settings, self.steps)

    def identify(self) -> None:
        """Ask the board, in its raw REPL, who it is, and own it under its MAC too. Raises BoardBusyError."""
        self.identity = identify(self.session)
        if self._lock is not None and self.identity.mac:
            if key := mac_key(self.identity.mac):
                self._own(key)
            self._lock.remember(self.identity.chip, self.identity.mac, self.identity.firmware)

    def _own(self, key: str) -> lock.Lock:
        owned = lock.take(key, self.spec, self.settings.wait, self.steps.say)
        self._stack.callback(owned.release)
        return owned

    @cached_property
    def deployment(self) -> Deployment:
        """What belongs on this board, which must be identified. Raises WifiError when no network was configured."""
        wifi = require_wifi(self.device)
        return Deployment(self.session, self.identity, self.recovery, self.settings, wifi, self._token, self.steps)

    @property
    def imports(self) -> dict[str, int]:
        """Bytes that each module of the application retains, in the order of import; empty if none was measured."""
        return self.deployment.imports

    def deploy(
        self,
        *,
        library: Path | None = None,
        production: bool = False,
        remeasure_imports: bool = False,
        progress: Progress = no_progress,
    ) -> TransferResult:
        """``Deployment.deploy``, with errors that name this board."""
        try:
            return self.deployment.deploy(
                library=library, production=production, remeasure_imports=remeasure_imports, progress=progress
            )
        except CamrigError as error:
            raise error.on(self.spec) from None

    def plan(self, production: bool = False) -> tuple[DeployPlan, dict[str, int | None]]:
        """``Deployment.plan``, with errors that name this board."""
        try:
            return self.deployment.plan(production)
        except CamrigError as error:
            raise error.on(self.spec) from None

    def boot(self, production: bool = False) -> Dut:
        """Restart the board and wait until its server answers. Raises what keeps it from that."""
        start = Start(
            token=None if production else self._token,
            ssid=require_wifi(self.device).ssid,
            url=self.settings.url_of(self.spec),
            seconds=self.settings.boot_timeout,
            expect_cors=self.deployment.library_file or None,
            step=self.steps,
        )
        dut = Dut(self.session, self.identity, start)
        try:
            dut.boot()
        except (BootError, BoardCrashedError) as error:
            if (fault := self.deployment.library_error()) is not None:
                raise fault from error
            raise
        return dut

    def recover(self, dut: Dut) -> None:
        """Bring a board back whose application went down: up the ladder, its files checked, and booted again.

        Raises BoardBrokenError, or what keeps the application from serving.
        """
        self.recovery.bring_back()
        self.deploy()
        dut.boot()
