"""What belongs on a board: library, application, agent and settings, built for it, sent, and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from camrig.board.identity import Identity
from camrig.board.session import Session
from camrig.board.speed import at_speed
from camrig.bringup.contents import contents_for
from camrig.bringup.recovery import Recovery
from camrig.deploy.board_settings import merged, own_settings
from camrig.deploy.file_names import check_names
from camrig.deploy.folders import hash_of_files, read_source, sha256_of
from camrig.deploy.hang import Hang, find_hang, hang_in
from camrig.deploy.import_heap import LIBRARY_MODULES, import_order, measure_imports
from camrig.deploy.layers import (
    AGENT,
    AGENT_MODULES,
    APPLICATION,
    CORS_MODULE,
    LIBRARY,
    SETTINGS_FILE,
    TOKEN_FILE,
    Layers,
    merge,
    stem,
)
from camrig.deploy.library_check import check_library, library_error
from camrig.deploy.manifest import File, build_files, faults_of
from camrig.deploy.plan import DeployPlan
from camrig.deploy.read_back import file_hashes
from camrig.deploy.transfer import TransferLimits, TransferResult, file_sizes, plan_deploy, send
from camrig.errors import BlockedError, CamrigError, DeployError, LibraryError
from camrig.progress import BYTES
from camrig.report.header import short
from camrig.settings.resolve import Settings
from camrig.settings.wifi import Wifi
from camrig.steps import Steps

AGENT_FILES = tuple(f"/{module}{suffix}" for module in AGENT_MODULES for suffix in (".mpy", ".py"))
SECRET = (SETTINGS_FILE, TOKEN_FILE)
WORTH_SPEED = 4096  # bytes to send, above which changing the line's speed takes less time than it saves


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
        wifi: Wifi | None,
        token: str,
        steps: Steps,
    ) -> None:
        self.library = settings.lib
        self.library_file = ""  # on the board; empty while none was built
        self.library_sha256 = ""
        self.library_source: Path | None = None
        self.has_agent = False
        self.library_source_sha256 = ""
        self.application_sha256 = ""  # of its source files, each with its name on the board
        self.imports: dict[str, int] = {}  # bytes that each module of the application retains, in the order of import
        self.import_allocations: dict[str, int] = {}  # bytes that it allocates, where they could be counted
        self._layers: Layers = {LIBRARY: {}, APPLICATION: {}}  # that were deployed last
        self._library_hashes: dict[str, str] = {}  # of each module of the library, as it was built
        self._library_sizes: dict[str, int] = {}
        self._changes: Mapping[str, Any] = {}  # of the application's settings
        self._source_hashes: dict[Path, str] = {}  # of the CORS module in each folder, when it was first deployed
        self._session, self._identity, self._recovery = session, identity, recovery
        self._settings, self._wifi, self._token, self._steps = settings, wifi, token, steps

    def deploy(
        self,
        *,
        library: Path | None = None,
        changes: Mapping[str, Any] | None = None,
        production: bool = False,
        remeasure_imports: bool = False,
        measure_imports: bool = True,
    ) -> TransferResult:
        """Put library, application and, unless for ``production``, the rig's agent on the board.

        ``library`` takes the place of the one that was deployed last, and ``changes`` of the application's settings
        that of those that were made last. What imports retain is measured by the first
        deploy and, since it stays the same when a board is brought back, again only with ``remeasure_imports``.
        Without ``measure_imports`` the library is only imported and called, which takes a fraction of the time, and
        only if it changed.
        Raises DeployError and what else ends a transfer.
        """
        settings, steps = self._settings, self._steps
        self.library = library or self.library
        self._changes = self._changes if changes is None else changes
        with steps("build") as note:
            files = self.files(production)
            mpy = self._identity.mpy
            count, plural = len(files), "s" * (len(files) != 1)
            note(f"{count} file{plural} for .mpy {mpy}" if mpy else f"{count} source file{plural}")
        with steps("deploy") as note:
            speed, result = self._recovery.retry_after_reset(lambda: self._send(files, production))
            note((f"at {speed} baud, " if speed != settings.baud else "") + str(result))
        if self._library_hashes:
            with steps("library") as note:
                # Else the hashes of all files were compared by the deploy itself, on the board.
                if measure_imports and (result.sent or result.removed):
                    self._recovery.retry_after_reset(self._read_back_library)
                note(self._name_library())
        if not measure_imports:
            if result.removed or not self._library_hashes.keys().isdisjoint(result.sent):
                self._check_library()
        elif not production and (remeasure_imports or not self.imports):
            self._measure_imports(import_order(merge(self._layers)))
        return result

    def plan(self, production: bool = False) -> tuple[DeployPlan, dict[str, int | None]]:
        """What ``deploy`` would do, and the sizes of what it would remove; nothing is changed."""
        link = self._link(self._settings.baud)
        files = self.files(production)
        check_names(self._session, files)
        plan = plan_deploy(self._session, files, self._unwanted(), link, dry=True)
        return plan, file_sizes(self._session, plan.remove)

    def files(self, production: bool = False) -> list[File]:
        """The files that should be on this board, built for it. Raises SettingsError and DeployError."""
        contents = contents_for(self._settings, self.library, agent=not production)
        layers = self._layers = contents.layers
        self.has_agent = bool(layers[AGENT])
        merged = merge(layers)
        with faults_of(layers):
            built = build_files(merged, self._identity.mpy, self._generated())
        modules = {stem(target): source for target, source in layers[LIBRARY].items()}
        library = [file for file in built if stem(file.target) in modules]
        self._library_hashes = {file.target: file.sha256 for file in library}
        self._library_sizes = {file.target: len(file.data) for file in library}
        self.library_file = next((target for target in self._library_hashes if stem(target) == CORS_MODULE), "")
        self.library_sha256 = self._library_hashes.get(self.library_file, "")
        self.library_source = contents.cors
        self.library_source_sha256 = self._unchanged_source(contents.cors) if contents.cors is not None else ""
        self.application_sha256 = hash_of_files(layers[APPLICATION])
        return built

    def _name_library(self) -> str:
        if not self.library_file:
            count = len(self._library_hashes)
            return f"{count} module{'s' * (count != 1)} built from {self.library}"
        built, source = short(self.library_sha256), short(self.library_source_sha256)
        return f"{self.library_file} is {built}, built from {self.library_source}, {source}"

    def _unchanged_source(self, source: Path) -> str:
        """The SHA-256 of the library's source. Raises DeployError if it has changed since it was first deployed."""
        sha256 = sha256_of(read_source(source))
        if self._source_hashes.setdefault(self.library, sha256) != sha256:
            raise DeployError(f"{source} has changed since this run deployed it", hint="run again, with one version")
        return sha256

    def _read_back_library(self) -> None:
        """Read the hashes of the library's modules back from the board. Raises DeployError if one is another file."""
        hashes = file_hashes(self._session, self._library_sizes)
        for target, built in self._library_hashes.items():
            if hashes[target] != built:
                raise DeployError(
                    f"{target} on the board is not the file that was built from {self.library}",
                    hint="deploy again; if it stays so, erase the board's flash",
                )

    def read_back(self) -> dict[str, str]:
        """The SHA-256 of each deployed file as the board holds it, empty if it holds none. Ends the application.

        Without the files that hold the Wi-Fi password and the token: with a hash, whoever has a guess can check it.
        """
        self._session.repl()
        sizes = {file.target: len(file.data) for file in self.files() if file.target not in SECRET}
        return file_hashes(self._session, sizes)

    def _send(self, files: Sequence[File], production: bool) -> tuple[int, TransferResult]:
        session, settings = self._session, self._settings
        check_names(session, files)
        plan = plan_deploy(session, files, self._unwanted(), self._link(settings.baud))
        with at_speed(session.transport, settings.fast if plan.bytes > WORTH_SPEED else None) as speed:
            return speed, send(session, plan, self._link(speed), self._show_progress)

    def _show_progress(self, sent: int, total: int) -> None:
        self._steps.progress(done=sent, total=total, unit=BYTES)

    def _link(self, baud: int) -> TransferLimits:
        return TransferLimits(baud, self._identity.heap_free, self._identity.inflates)

    def library_error(self) -> LibraryError | None:
        """What is wrong with the library itself, asked of the board; None if nothing is, or nobody answers."""
        if not self.library_file:
            return None
        try:
            return library_error(self._session, self._library_hashes)
        except CamrigError:
            return None

    def _check_library(self) -> None:
        """Import and call the library. Raises LibraryError; what else fails, booting the application will say."""
        if not self.library_file:
            return
        fault = None
        with self._steps("check"):
            with suppress(CamrigError):
                fault = check_library(self._session, self._library_hashes)
            if fault is not None:
                raise fault
            if not self._session.transport.in_raw_repl:
                self._session.repl()

    def find_hang(self) -> Hang | None:
        """What hangs on a board whose server does not answer. See ``camrig.deploy.hang.find_hang``."""
        return find_hang(self._session, self._layers)

    def hang_since(self, seen: int) -> Hang | None:
        """What hung where Ctrl-C was sent after event number ``seen`` of the console."""
        return hang_in(self._session.console.since(seen), self._layers)

    def _measure_imports(self, modules: list[str]) -> None:
        self.imports = self.import_allocations = {}
        with self._steps("imports") as note:
            try:
                # The library first: one that hangs is not waited for as long as a whole application.
                library = measure_imports(self._session, LIBRARY_MODULES if self.library_file else ())
                sizes = library.joined(measure_imports(self._session, modules, fresh=False))
            except BlockedError as error:  # booting the application will say why
                note(f"not measured: {error.what}")
                if (fault := self.library_error()) is not None:
                    raise fault from None
                self._session.repl()
                return
            if LIBRARY_MODULES[-1] in sizes.errors and (fault := self.library_error()) is not None:
                raise fault
            self.imports, self.import_allocations = sizes.retained, sizes.allocated
            total = sum(self.imports.values())
            note(
                f"1 module retains {total} bytes"
                if len(self.imports) == 1
                else f"{len(self.imports)} modules retain {total} bytes"
            )
            for name, reason in sizes.errors.items():
                note(f"({name} cannot be imported: {reason})")

    def _unwanted(self) -> list[str]:
        """What must not be on the board, whoever put it there."""
        return [] if self.has_agent else [*AGENT_FILES, TOKEN_FILE]

    def _generated(self) -> list[File]:
        """The files that are generated, not compiled: settings, and the agent's token."""
        generated = [File(SETTINGS_FILE, _json(self._board_settings()))]
        if self.has_agent:
            generated.append(File(TOKEN_FILE, _json({"token": self._token})))
        return generated

    def _board_settings(self) -> dict[str, Any]:
        """The application's own settings, with what config file and deploy change, and the bench's own values."""
        own = merged(own_settings(self._settings.app) or {}, self._settings.deploy.settings)
        own = merged(own, self._changes)
        wifi = {"wifi": {"ssid": self._wifi.ssid, "password": self._wifi.password}} if self._wifi else {}
        return {**own, **wifi, "port": self._settings.port}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True).encode()
