"""The chain that makes a ``dut`` of a device specification: connect, identify, build, deploy, reset, read, prove."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, TypeVar

from camrig.board.flashing import reflash
from camrig.board.identity import Identity, identify
from camrig.board.power import usb_power
from camrig.board.recovery import AT_BOOT, CHIP_RESET, CONTROL_LINES, CTRL_C, SOFT_RESET, Ladder, rungs
from camrig.board.session import Session
from camrig.board.speed import at_speed
from camrig.deploy.import_heap import LIBRARY as MODULES
from camrig.deploy.import_heap import import_order, retained
from camrig.deploy.manifest import File, files, sources
from camrig.deploy.plan import Plan
from camrig.deploy.read_back import hashes
from camrig.deploy.transfer import Link, Synced, look, send, sizes
from camrig.dut import Dut, Start
from camrig.errors import (
    BlockedError,
    BoardBrokenError,
    BoardResetError,
    BoardSilentError,
    BootLoaderError,
    CamrigError,
    DeployError,
    NoMicroPythonError,
)
from camrig.lab import lock
from camrig.lab.device_spec import Device, find_port, open_device, require_wifi
from camrig.lab.usb_ports import lock_key, mac_key
from camrig.settings.resolve import VIRTUAL, Settings, Wifi
from camrig.steps import Steps

SETTINGS_FILE = "/camrig.json"
AGENT_FILES = ("/rig_agent.mpy", "/rig_agent.py")
TOKEN_FILE = "/camrig_rig.json"
SECRET = (SETTINGS_FILE, TOKEN_FILE)
LIBRARY = "/lib/microdot/cors"
WORTH_SPEED = 4096  # bytes to send, above which changing the line's speed takes less time than it saves

T = TypeVar("T")


class Board:
    """A reserved board on its wire. A context manager: whatever was opened is closed, also when a part fails."""

    def __init__(self, spec: str, settings: Settings, steps: Steps | None = None) -> None:
        self.spec = spec
        self.settings = settings
        self.steps = steps or Steps()
        self.token = secrets.token_hex(16)
        self.device: Device
        self.wifi: Wifi
        self.session: Session
        self.identity: Identity
        self.library_sha256 = ""
        self.imports: dict[str, int] = {}  # bytes that each module of the application retains, in the order of import
        self._library_file = ""
        self._stack = ExitStack()
        self._lock: lock.Lock | None = None

    def __enter__(self) -> Board:
        """Open the wire and ask the board who it is. Raises what can keep a rig from a board."""
        try:
            self._open()
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

    def _open(self) -> None:
        with self.steps("connect") as note:
            self.reach()
            self.wifi = require_wifi(self.device)
            self.open()
            self._wake()
            note(self.device.port)
        with self.steps("identify") as note:
            self._through_resets(self.identify)
            note(f"{self.identity.machine}, {self.identity.firmware}, {self.identity.mac}")
        if self.identity.virtual and self.settings.require == "hardware":
            raise BlockedError(
                "this is a virtual board, and --hil-require=hardware asks for a real one",
                board=self.spec,
                hint="name a board with --device",
            )

    def reach(self) -> None:
        """Find the port, starting a virtual board if that is what is meant. Raises PortError."""
        self.device = self._stack.enter_context(open_device(self.spec, self.settings))

    def open(self) -> None:
        """Own the board and open its port, control lines first. Raises BoardBusyError or PortError."""
        if self.spec != VIRTUAL:  # that one was made for this run
            self._lock = self._own(lock_key(self.device.port))
        self.session = Session(
            self.device.port,
            self.settings.baud,
            name=self.spec,
            secrets=(self.device.wifi.password if self.device.wifi else "", self.token),
            lines=self.settings.lines,
            boots_in=self.settings.boots_in,
        )
        self._stack.callback(self.session.close)
        self.ladder = self._rungs()

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

    def deploy(
        self, production: bool = False, progress: Callable[[int, int], None] = lambda done, total: None
    ) -> Synced:
        """Put library, application and, unless for ``production``, the rig's agent on the board.

        ``progress`` gets bytes done and bytes to do.
        """
        settings = self.settings
        try:
            with self.steps("build") as note:
                wanted = self.wanted(production)
                mpy = self.identity.mpy
                note(f"{len(wanted)} files for .mpy {mpy}" if mpy else f"{len(wanted)} source files")
            with self.steps("deploy") as note:
                speed, done = self._through_resets(lambda: self._send(wanted, production, progress))
                note((f"at {speed} baud, " if speed != settings.baud else "") + str(done))
            if not production and not self.imports:  # they are the same when the board is brought back
                self._try_imports([*MODULES, *import_order(sources(settings.lib, settings.app, settings.agent))])
        except CamrigError as error:
            raise error.on(self.spec) from None
        return done

    def _send(
        self, wanted: Sequence[File], production: bool, progress: Callable[[int, int], None]
    ) -> tuple[int, Synced]:
        settings = self.settings
        plan = look(self.session, wanted, _unwanted(production), self._link(settings.baud))
        with at_speed(self.session.transport, settings.fast if plan.bytes > WORTH_SPEED else None) as speed:
            return speed, send(self.session, plan, self._link(speed), progress)

    def plan(self, production: bool = False) -> tuple[Plan, dict[str, int | None]]:
        """What ``deploy`` would do, and the sizes of what it would remove; nothing is changed."""
        try:
            plan = look(
                self.session, self.wanted(production), _unwanted(production), self._link(self.settings.baud), dry=True
            )
        except CamrigError as error:
            raise error.on(self.spec) from None
        return plan, sizes(self.session, plan.remove)

    def _link(self, baud: int) -> Link:
        return Link(baud, self.identity.heap_free, self.identity.inflates)

    def wanted(self, production: bool = False) -> list[File]:
        """The files that should be on this board, built for it."""
        settings = self.settings
        found = sources(settings.lib, settings.app, None if production else settings.agent)
        wanted = files(found, self.identity.mpy, self._written(production))
        library = next((file for file in wanted if file.target.startswith(LIBRARY + ".")), None)
        if library is not None:
            self._library_file, self.library_sha256 = library.target, library.sha256
        return wanted

    def read_back(self) -> dict[str, str]:
        """The SHA-256 of each deployed file as the board holds it, empty if it holds none. Ends the application.

        Without the files that hold the Wi-Fi password and the token: with a hash, whoever has a guess can check it.
        """
        self.session.repl()
        return hashes(self.session, [file.target for file in self.wanted() if file.target not in SECRET])

    def _try_imports(self, modules: list[str]) -> None:
        with self.steps("imports") as note:
            try:
                self.imports, failed = retained(self.session, modules)
            except BlockedError as error:  # booting the application will tell why
                note(f"not measured: {error.what}")
                self.session.repl()
                return
            note(f"{len(self.imports)} modules retain {sum(self.imports.values())} bytes")
            for name, why in failed.items():
                note(f"({name} cannot be imported: {why})")

    def _written(self, production: bool) -> list[File]:
        """The files that are made, not compiled: settings, and the agent's token."""
        made = [File(SETTINGS_FILE, _json(self._board_settings()))]
        if not production:
            made.append(File(TOKEN_FILE, _json({"token": self.token})))
        return made

    def _board_settings(self) -> dict[str, Any]:
        """The application's own ``camrig.json`` with this bench's Wi-Fi and port."""
        path = self.settings.app / "camrig.json"
        found: Any = {}
        if path.is_file():
            try:
                found = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise DeployError(f"{path} cannot be read: {error}", hint="mend it, or remove it") from None
            if not isinstance(found, dict):
                raise DeployError(f"{path} is no JSON object", hint="mend it, or remove it")
        wifi = {"ssid": self.wifi.ssid, "password": self.wifi.password}
        return {**found, "wifi": wifi, "port": self.settings.port}

    def boot(self, production: bool = False) -> Dut:
        """Restart the board and wait until its server answers. Raises what keeps it from that."""
        start = Start(
            token=None if production else self.token,
            ssid=self.wifi.ssid,
            url=self.settings.url_of(self.spec),
            seconds=self.settings.boot_timeout,
            expect_cors=self._library_file or None,
            step=self.steps,
        )
        dut = Dut(self.session, self.identity, start)
        dut.boot()
        return dut

    def recover(self, dut: Dut) -> None:
        """Bring a board back whose application went down: up the ladder, the files made sure of, and booted again.

        Raises BoardBrokenError, or what keeps the application from serving.
        """
        self._climb(CTRL_C)
        try:
            self.session.repl()
        except CamrigError:
            self._climb(CHIP_RESET)
        self.deploy()
        dut.boot()

    def _wake(self) -> None:
        """The raw REPL of a board that may run anything."""
        try:
            self.session.repl()
        except (BoardSilentError, NoMicroPythonError, BoardResetError) as error:
            # What says nothing, or waits in its boot loader, cannot be asked for a reset.
            deaf = isinstance(error, (BoardSilentError, BootLoaderError))
            try:
                self._climb(CONTROL_LINES if deaf else SOFT_RESET)
            except BoardBrokenError as broken:
                details = "\n\n".join(text for text in (error.details, broken.what) if text)
                raise error.amended(details=details) from None

    def _climb(self, first: str) -> None:
        with self.steps("recover") as note:
            before = len(self.ladder.attempts)
            try:
                self.ladder.climb(first)
            finally:
                note("; ".join(str(tried) for tried in self.ladder.attempts[before:] if not tried.absent))

    def _through_resets(self, act: Callable[[], T]) -> T:
        """``act``, and once more if the board restarts meanwhile: what ran before may have armed a watchdog."""
        try:
            return act()
        except BoardResetError:
            self._climb(AT_BOOT)
            return act()

    def _rungs(self) -> Ladder:
        session, device = self.session, self.device
        power, no_power = (device.power_cycle, "") if device.power_cycle else usb_power(device.port)
        flash, no_flash = reflash(device.port, self.settings.firmware)
        return Ladder(
            session,
            rungs(
                session,
                pulse=lambda: session.transport.pulse(),
                power=power,
                no_power=no_power,
                reflash=flash,
                no_reflash=no_flash,
                find=None if device.spec == VIRTUAL else lambda: find_port(device.spec),
                boot=self.settings.boots_in,
            ),
        )


def _unwanted(production: bool) -> list[str]:
    """What must not be on the board, also when nobody knows who put it there."""
    return [*AGENT_FILES, TOKEN_FILE] if production else []


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
