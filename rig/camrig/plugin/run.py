"""One run of pytest: its settings, the boards that it brought up, what blocked it, and the report of all that.

A run is *in use* once an option of camrig was given or a collected test asks for one of its fixtures. Until then it
resolves no settings, so that nothing of camrig matters to a repository that does not use it.
"""

from __future__ import annotations

import datetime
import os
import time
from importlib.metadata import version

import pytest

from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.bringup.in_force import run_header
from camrig.compare.stored import limits_of
from camrig.errors import CamrigError, SettingsError
from camrig.plugin.step_printer import step_printer
from camrig.report.json_report import BoardReport, RunReport
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import VIRTUAL, Settings, resolve
from camrig.steps import Steps

BLOCKED = "blocked: "  # how the text of a report begins whose test could not run
DEVICE_FIXTURE, BOARD_RUN_FIXTURE = "_camrig_device", "_camrig_board_run"


class Run:
    """What this run has brought up and seen so far."""

    def __init__(self, config: pytest.Config) -> None:
        self.started = datetime.datetime.now(datetime.timezone.utc)
        self.clock = time.monotonic()
        self.board_runs: list[BoardRun] = []
        self.blocked: dict[str, CamrigError] = {}
        self.exit_code = 0
        self._config = config
        self._flags = {option.name: config.getoption(f"camrig_{option.name}") for option in OPTIONS}
        self.in_use = any(value is not None for value in self._flags.values())
        self.header = ""  # what is in force, known once the collected tests ask for a board
        self._settings: Settings | CamrigError | None = None

    @property
    def settings(self) -> Settings:
        """The settings, resolved at the first use. Raises SettingsError, the same one ever after."""
        if self._settings is None:
            try:
                self._settings = self._resolve()
            except CamrigError as error:
                self._settings = error
        if isinstance(self._settings, CamrigError):
            raise self._settings
        return self._settings

    def _resolve(self) -> Settings:
        config = self._config
        folder = config.invocation_params.dir
        tests = [folder / argument.partition("::")[0] for argument in config.args]
        settings = resolve(self._flags, os.environ, folder, *tests, config.rootpath)
        self._require_one_process(settings)
        return settings

    def _require_one_process(self, settings: Settings) -> None:
        """Raises SettingsError when xdist spreads out tests that share a board, or whose samples belong together."""
        config = self._config
        if config.getoption("dist", "no") == "no" and not hasattr(config, "workerinput"):
            return
        if settings.save or settings.compare or settings.evidence:
            raise SettingsError(
                "no process of several has all samples, so there is no baseline, comparison or evidence with -n",
                hint="leave out -n",
            )
        if any(spec != VIRTUAL for spec in self._flags["device"] or ()):
            raise SettingsError("with -n each process would need the board for itself", hint="leave out -n")

    def use(self, items: list[pytest.Item]) -> None:
        """Note which fixtures the collected tests ask for.

        Raises SettingsError if they need wrong settings, or files that cannot be deployed together.
        """
        needs_board = any(uses_board(item) for item in items)
        self.in_use = self.in_use or needs_board
        if self.in_use:
            self.header = self.settings.source
        if needs_board:
            self.header = run_header(self.settings, limits_of(self.settings, paired=False))

    def board_run(self, spec: str) -> BoardRun:
        """What belongs to the board ``spec`` in this run."""
        for board_run in self.board_runs:
            if board_run.spec == spec:
                return board_run
        board_run = BoardRun(spec, Steps(step_printer(self._config)))
        self.board_runs.append(board_run)
        return board_run

    def board_run_of(self, item: pytest.Item) -> BoardRun:
        """What belongs to the board that ``item`` runs on. Raises SettingsError."""
        callspec = getattr(item, "callspec", None)  # of a test that is parametrized
        spec = callspec.params.get(DEVICE_FIXTURE) if callspec else None
        return self.board_run(spec or self.settings.device[0])

    def block(self, report: pytest.TestReport, error: CamrigError) -> None:
        """Make a report say that its test could not run; each cause is kept once."""
        cause = self.blocked.setdefault(str(error), error)
        report.outcome = "failed"
        report.longrepr = f"{BLOCKED}{cause}"

    def crashes_between_tests(self) -> list[str]:
        """Whose doing each crash was that no test has failed for."""
        records = [record for board_run in self.board_runs for record in board_run.crashes]
        return [record.crash.attributed_to for record in records if record.between]

    def report(self, tests: dict[str, int]) -> RunReport:
        """What is kept of this run; ``tests`` are the numbers of them by their outcome."""
        return RunReport(
            camrig=version("camrig"),
            started=self.started.isoformat(),
            seconds=round(time.monotonic() - self.clock, 3),
            exit_code=self.exit_code,
            tests=tests,
            blocked=list(self.blocked),
            boards=[_board_report(run, run.board) for run in self.board_runs if run.board is not None],
        )


RUN = pytest.StashKey[Run]()


def uses_board(item: pytest.Item) -> bool:
    """Whether a test asks for a fixture of camrig's; a fixture of the same name from elsewhere does not count."""
    return BOARD_RUN_FIXTURE in getattr(item, "fixturenames", ())


def is_blocked(report: pytest.TestReport) -> bool:
    """Whether the test of a report could not run, in this process or in one that xdist started."""
    return isinstance(report.longrepr, str) and report.longrepr.startswith(BLOCKED)


def _board_report(board_run: BoardRun, board: Board) -> BoardReport:
    identity = board.identity
    return BoardReport(
        spec=board_run.spec,
        machine=identity.machine,
        firmware=identity.firmware,
        build=identity.build,
        mac=identity.mac,
        mpy=identity.mpy_text,
        virtual=identity.virtual,
        heap_bytes=identity.heap_total,
        url=board_run.dut.url if board_run.dut else "",
        library_source=str(board.deployment.library_source),
        library_source_sha256=board.deployment.library_source_sha256,
        library_sha256=board.deployment.library_sha256,
        steps=[
            {"name": step.name, "seconds": round(step.seconds, 3), "ok": step.ok} for step in board_run.steps.done
        ],
        recovery=[
            {"rung": attempt.rung, "seconds": round(attempt.seconds, 3), "ok": attempt.ok}
            for attempt in board.recovery.attempts
        ],
        crashes=[
            {"test": record.test, "kind": record.crash.kind, "what": record.crash.summary, "between": record.between}
            for record in board_run.crashes
        ],
        metrics=board_run.recorder.metrics,
        notes=board_run.recorder.notes,
    )
