"""What belongs on a board: library, application, agent and settings, built for it, sent, and read back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from camrig.board.identity import Identity
from camrig.board.session import Session
from camrig.board.speed import at_speed
from camrig.bringup.recovery import Recovery
from camrig.deploy.folders import read_source
from camrig.deploy.import_heap import LIBRARY_MODULES, SECONDS_FOR_LIBRARY, import_order, measure_imports
from camrig.deploy.library_check import library_error
from camrig.deploy.manifest import CORS_MODULE, LIBRARY, File, build_files, faults_of, merge, read_layers, sources
from camrig.deploy.plan import DeployPlan
from camrig.deploy.read_back import file_hashes
from camrig.deploy.transfer import TransferLimits, TransferResult, file_sizes, plan_deploy, send
from camrig.errors import BlockedError, CamrigError, DeployError, LibraryError
from camrig.report.header import short
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.steps import Steps

SETTINGS_FILE = "/camrig.json"
AGENT_FILES = ("/rig_agent.mpy", "/rig_agent.py")
TOKEN_FILE = "/camrig_rig.json"
SECRET = (SETTINGS_FILE, TOKEN_FILE)
WORTH_SPEED = 4096  # bytes to send, above which changing the line's speed takes less time than it saves

Progress = Callable[[int, int], None]


def no_progress(sent: int, total: int) -> None:
    """The progress of a deploy that nobody watches."""


class Deployment:
    """The files of one board. ``library`` is the folder that is laid over ``/lib``, at first the settings' own.

    ``library_sha256`` is read back from the board after each deploy; ``library_source`` is the file from which that
    module was built, and ``library_source_sha256`` that file's own.
    """

    def __init__(
        self,
        session: Session,
        identity: Identity,
        recovery: Recovery,
        settings: Settings,
        wifi: Wifi,
        token: str,
        steps: Steps,
    ) -> None:
        self.library = settings.lib
        self.library_file = ""  # on the board; empty while none was built
        self.library_sha256 = ""
        self.library_source = Path()
        self.library_source_sha256 = ""
        self.imports: dict[str, int] = {}  # bytes that each module of the application retains, in the order of import
        self.import_allocations: dict[str, int] = {}  # bytes that it allocates, where they could be counted
        self._library_hashes: dict[str, str] = {}  # of each module of the library, as it was built
        self._source_hashes: dict[Path, str] = {}  # of the CORS module in each folder, when it was first deployed
        self._session, self._identity, self._recovery = session, identity, recovery
        self._settings, self._wifi, self._token, self._steps = settings, wifi, token, steps

    def deploy(
        self,
        *,
        library: Path | None = None,
        production: bool = False,
        remeasure_imports: bool = False,
        progress: Progress = no_progress,
    ) -> TransferResult:
        """Put library, application and, unless for ``production``, the rig's agent on the board.

        ``library`` takes the place of the one that was deployed last. What imports retain is measured by the first
        deploy and, since it stays the same when a board is brought back, again only with ``remeasure_imports``.
        ``progress`` gets bytes sent and bytes to send. Raises DeployError and what else ends a transfer.
        """
        settings, steps = self._settings, self._steps
        self.library = library or self.library
        with steps("build") as note:
            wanted = self.files(production)
            mpy = self._identity.mpy
            count, plural = len(wanted), "s" * (len(wanted) != 1)
            note(f"{count} file{plural} for .mpy {mpy}" if mpy else f"{count} source file{plural}")
        with steps("deploy") as note:
            speed, result = self._recovery.retry_after_reset(lambda: self._send(wanted, production, progress))
            note((f"at {speed} baud, " if speed != settings.baud else "") + str(result))
        with steps("library") as note:
            self._recovery.retry_after_reset(self._read_back_library)
            built, source = short(self.library_sha256), short(self.library_source_sha256)
            note(f"{self.library_file} is {built}, built from {self.library_source}, {source}")
        if not production and (remeasure_imports or not self.imports):
            modules = import_order(sources(self.library, settings.app, settings.agent))
            self._measure_imports(modules)
        return result

    def plan(self, production: bool = False) -> tuple[DeployPlan, dict[str, int | None]]:
        """What ``deploy`` would do, and the sizes of what it would remove; nothing is changed."""
        link = self._link(self._settings.baud)
        plan = plan_deploy(self._session, self.files(production), _unwanted(production), link, dry=True)
        return plan, file_sizes(self._session, plan.remove)

    def files(self, production: bool = False) -> list[File]:
        """The files that should be on this board, built for it. Raises SettingsError and DeployError."""
        settings = self._settings
        agent = None if production else settings.agent
        layers = read_layers(self.library, settings.app, agent)
        merged = merge(layers)
        with faults_of(layers):
            built = build_files(merged, self._identity.mpy, self._generated(production))
        modules = {_stem(target): source for target, source in layers[LIBRARY].items()}
        self._library_hashes = {file.target: file.sha256 for file in built if _stem(file.target) in modules}
        self.library_file = next(target for target in self._library_hashes if _stem(target) == CORS_MODULE)
        self.library_source = modules[CORS_MODULE]
        self.library_source_sha256 = self._unchanged_source()
        return built

    def _unchanged_source(self) -> str:
        """The SHA-256 of the library's source. Raises DeployError if it has changed since it was first deployed."""
        sha256 = hashlib.sha256(read_source(self.library_source)).hexdigest()
        if self._source_hashes.setdefault(self.library, sha256) != sha256:
            raise DeployError(
                f"{self.library_source} has changed since this run deployed it", hint="run again, with one version"
            )
        return sha256

    def _read_back_library(self) -> None:
        """Read the hashes of the library's modules back from the board. Raises DeployError if one is another file."""
        hashes = file_hashes(self._session, list(self._library_hashes))
        for target, built in self._library_hashes.items():
            if hashes[target] != built:
                raise DeployError(
                    f"{target} on the board is not the file that was built from {self.library}",
                    hint="deploy again; if it stays so, erase the board's flash",
                )
        self.library_sha256 = hashes[self.library_file]

    def read_back(self) -> dict[str, str]:
        """The SHA-256 of each deployed file as the board holds it, empty if it holds none. Ends the application.

        Without the files that hold the Wi-Fi password and the token: with a hash, whoever has a guess can check it.
        """
        self._session.repl()
        return file_hashes(self._session, [file.target for file in self.files() if file.target not in SECRET])

    def _send(self, wanted: Sequence[File], production: bool, progress: Progress) -> tuple[int, TransferResult]:
        session, settings = self._session, self._settings
        plan = plan_deploy(session, wanted, _unwanted(production), self._link(settings.baud))
        with at_speed(session.transport, settings.fast if plan.bytes > WORTH_SPEED else None) as speed:
            return speed, send(session, plan, self._link(speed), progress)

    def _link(self, baud: int) -> TransferLimits:
        return TransferLimits(baud, self._identity.heap_free, self._identity.inflates)

    def library_error(self) -> LibraryError | None:
        """What is wrong with the library itself, asked of the board; None if nothing is, or nobody answers."""
        try:
            return library_error(self._session, self._library_hashes)
        except CamrigError:
            return None

    def _measure_imports(self, modules: list[str]) -> None:
        self.imports = self.import_allocations = {}
        with self._steps("imports") as note:
            try:
                # The library first: one that hangs is not waited for as long as a whole application.
                library = measure_imports(self._session, LIBRARY_MODULES, SECONDS_FOR_LIBRARY)
                sizes = library.joined(measure_imports(self._session, modules))
            except BlockedError as error:  # booting the application will say why
                note(f"not measured: {error.what}")
                if (fault := self.library_error()) is not None:
                    raise fault from None
                self._session.repl()
                return
            if LIBRARY_MODULES[-1] in sizes.errors and (fault := self.library_error()) is not None:
                raise fault
            self.imports, self.import_allocations = sizes.retained, sizes.allocated
            note(f"{len(self.imports)} modules retain {sum(self.imports.values())} bytes")
            for name, reason in sizes.errors.items():
                note(f"({name} cannot be imported: {reason})")

    def _generated(self, production: bool) -> list[File]:
        """The files that are generated, not compiled: settings, and the agent's token."""
        generated = [File(SETTINGS_FILE, _json(self._board_settings()))]
        if not production:
            generated.append(File(TOKEN_FILE, _json({"token": self._token})))
        return generated

    def _board_settings(self) -> dict[str, Any]:
        """The application's own ``camrig.json`` with this bench's Wi-Fi and port."""
        path = self._settings.app / "camrig.json"
        own: Any = {}
        if path.is_file():
            try:
                own = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise DeployError(f"{path} cannot be read: {error}", hint="fix it, or remove it") from None
            if not isinstance(own, dict):
                raise DeployError(f"{path} is not a JSON object", hint="fix it, or remove it")
        wifi = {"ssid": self._wifi.ssid, "password": self._wifi.password}
        return {**own, "wifi": wifi, "port": self._settings.port}


def _unwanted(production: bool) -> list[str]:
    """What must not be on the board, whoever put it there."""
    return [*AGENT_FILES, TOKEN_FILE] if production else []


def _stem(target: str) -> str:
    return str(PurePosixPath(target).with_suffix(""))


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
