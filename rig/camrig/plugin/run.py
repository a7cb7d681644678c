"""One run of pytest: its settings, the boards that it brought up, what blocked it, and the report of all that.

A run is *in use* once an option of camrig was given, a variable asks for a baseline, a comparison, evidence or
hardware, or a collected test asks for one of the fixtures. Until then it resolves no settings, so that nothing of
camrig matters to a repository that does not use it.
"""

from __future__ import annotations

import datetime
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from camrig.errors import CamrigError, DeployError, FirmwareBootError, LibraryError, SettingsError
from camrig.interruption import Interruption
from camrig.plugin.outcomes import Outcomes
from camrig.settings.options import OPTIONS

if TYPE_CHECKING:
    from camrig.bringup.board_run import BoardRun
    from camrig.deploy.hang import Hang
    from camrig.report.json_report import RunReport
    from camrig.settings.resolve import Settings

GATE = "gate"  # how the name of each item begins that judges a limit
GATE_PLUGIN, AIR_PLUGIN = "camrig-gate", "camrig-air"
BLOCKED = "blocked: "  # how the text of a report begins whose test could not run
DEVICE_FIXTURE, BOARD_RUN_FIXTURE, DUT_FIXTURE = "_camrig_device", "_camrig_board_run", "_camrig_dut"
MEASURE_FIXTURE = "_camrig_air"
BOARD_SPEC = re.compile(r"/dev/|(?:\\\\\.\\)?COM\d|id:|labgrid:|rfc2217:|socket:|(auto$|sim(:|$))")
# A variable of one of these says that a run is to be judged: it counts as much as the option.
JUDGING = ("save", "compare", "evidence", "require")


class Run:
    """What this run has brought up and seen so far."""

    def __init__(self, config: pytest.Config) -> None:
        self.started = datetime.datetime.now(datetime.timezone.utc)
        self.clock = time.monotonic()
        self.board_runs: list[BoardRun] = []
        self.blocked: dict[str, CamrigError] = {}
        self.fault: LibraryError | DeployError | None = None  # known before a board is looked for
        self.results: tuple[RunReport, Path | OSError] | None = None  # and their file, or why there is none
        self.exit_code = 0
        self.unavailable: Counter[str] = Counter()  # tests that were skipped, by what their setup lacks
        self.limits_collected = 0  # by the processes that xdist started
        self.stopped = ""  # why xdist ended the run before its last test, if it did
        self.not_run = 0  # tests that were left out, because their board was known not to serve
        self.interruption = Interruption()
        self.outcomes = Outcomes(config, self.clock)
        self.config = config
        self._flags = {option.name: config.getoption(f"camrig_{option.name}") for option in OPTIONS}
        variables = [name for option in OPTIONS if option.name in JUDGING for name in option.env]
        flagged = any(value is not None for value in self._flags.values())
        self.parts: list[RunReport] = []  # of the processes that xdist started
        self.in_use = flagged or any(os.environ.get(name) for name in variables)
        self.end_early: Callable[[], None] = lambda: None  # ends a board that was switched on and that nobody took
        self._is_ending = False
        self._unexpected: dict[str, CamrigError] = {}
        self.browser = ""  # its name and version, once one has been started
        self.header = ""  # what is in force, known once the collected tests ask for a board
        self._settings: Settings | CamrigError | None = None

    @property
    def settings(self) -> Settings:
        """The settings, resolved at the first use. Raises SettingsError, the same at every later call."""
        if self._settings is None:
            try:
                self._settings = self._resolve()
            except CamrigError as error:
                self._settings = error
        if isinstance(self._settings, CamrigError):
            raise self._settings
        return self._settings

    def _resolve(self) -> Settings:
        from camrig.plugin.fleet import check_processes, processes
        from camrig.settings.bench import ALL
        from camrig.settings.resolve import resolve

        config = self.config
        folder = config.invocation_params.dir
        tests = [folder / argument.partition("::")[0] for argument in config.args]
        self._check_foreign_device()
        settings = resolve(self._flags, os.environ, folder, *tests, config.rootpath)
        if ALL in settings.device:
            from camrig.lab.attached import with_attached

            settings = with_attached(settings)
        check_processes(settings, processes(config))
        return settings

    def _check_foreign_device(self) -> None:
        """Raises SettingsError where another plugin's ``--device`` seems to name a board of camrig's."""
        value = self.config.getoption("--device", None)
        if self._flags["device"] is None and isinstance(value, str) and BOARD_SPEC.match(value):
            raise SettingsError(
                f"--device is another plugin's option here, so {value} names no board of camrig's",
                hint=f"write --hil-device {value}",
            )

    def use(self, items: list[pytest.Item]) -> None:
        """Note which fixtures the collected tests ask for.

        Raises SettingsError if they need wrong settings, or files that cannot be deployed together.
        """
        needs_board = any(uses_board(item) for item in items)
        self.in_use = self.in_use or needs_board
        if self.in_use:
            self.header = self.settings.source
        if needs_board:
            self._switch_on()
            from camrig.bringup.in_force import run_header
            from camrig.compare.limits import limits_of

            try:
                self.header = run_header(self.settings, limits_of(self.settings, paired=False))
            except (LibraryError, DeployError) as error:
                self.fault = error

    def _switch_on(self) -> None:
        """Let a virtual board start up while this process reads what it needs itself."""
        if self.config.option.collectonly or (hasattr(self.config, "workerinput") and len(self.settings.device) > 1):
            return  # no board is needed, or it is not known which
        from camrig.lab.early_start import switch_on

        with suppress(CamrigError):  # said again by the test that needs the board
            self.end_early = switch_on(self.settings)

    def board_run(self, spec: str) -> BoardRun:
        """What belongs to the board ``spec`` in this run."""
        for board_run in self.board_runs:
            if board_run.spec == spec:
                return board_run
        from camrig.bringup.board_run import BoardRun
        from camrig.plugin.step_printer import terminal_steps

        board_run = BoardRun(spec, terminal_steps(self.config))
        self.board_runs.append(board_run)
        return board_run

    def known_board_run(self, item: pytest.Item) -> BoardRun | None:
        """What belongs to the board that ``item`` runs on, if a test of it has run before."""
        return next((known for known in self.board_runs if known.spec == self.spec_of(item)), None)

    def board_run_of(self, item: pytest.Item) -> BoardRun:
        """What belongs to the board that ``item`` runs on. Raises SettingsError."""
        return self.board_run(self.spec_of(item))

    def spec_of(self, item: pytest.Item) -> str:
        """The board that ``item`` runs on. Raises SettingsError."""
        if board := getattr(item, "judged_board", ""):  # of an item of the gate
            return str(board)
        callspec = getattr(item, "callspec", None)  # of a test that is parametrized
        spec = callspec.params.get(DEVICE_FIXTURE) if callspec else None
        return spec or self.settings.device[0]

    @contextmanager
    def bringing_up(self, board_run: BoardRun) -> Iterator[None]:
        """A context in which whatever is raised keeps the board from serving: it is ``broken``."""
        try:
            yield
        except (LibraryError, FirmwareBootError):
            raise  # it ends the run
        except Exception as error:
            board_run.broken = cause = self.sentence(error)
            raise cause from cause.__cause__

    def sentence(self, error: BaseException) -> CamrigError:
        """An exception as an error of camrig, with its traceback kept if nobody expected it."""
        if isinstance(error, CamrigError):
            return error
        from camrig.bug_report import summary, unexpected

        if (key := summary(error)) not in self._unexpected:  # one file, however often it is raised
            settings = self._settings
            folders = [] if settings is None or isinstance(settings, CamrigError) else [settings.results]
            self._unexpected[key] = unexpected(error, *folders)
        return self._unexpected[key]

    def begin_end(self, interrupted: bool) -> None:
        """From now on no test takes what goes wrong, and Ctrl-C does not keep results from being written."""
        self._is_ending = True
        self.interruption.came = interrupted
        self.interruption.defer(counts=not hasattr(self.config, "workerinput"))

    def at_end(self, *steps: Callable[[], object]) -> None:
        """Do what a board is asked at the end of a run; nothing if it was interrupted, and Ctrl-C cuts it short."""
        if self.interruption.came:
            return
        try:
            with self.interruption.cut_short():
                for step in steps:
                    step()
        except Exception as error:
            if not self._is_ending:  # the report of the last test has it
                raise
            self.keep(error)

    def keep(self, error: Exception) -> CamrigError:
        """Keep an error that belongs to no test as what blocked this run."""
        cause = self.sentence(error)
        return self.blocked.setdefault(str(cause), cause)

    def leaves_out(self, item: pytest.Item) -> bool:
        """Whether a test would say no more than that its board does not serve, which a report says already."""
        broken = self.board_run_of(item).broken if self.blocked and uses_board(item) else None
        return broken is not None and str(broken) in self.blocked

    def never_served(self, item: pytest.Item) -> bool:
        """Whether the board that ``item`` judges is broken, and never served."""
        board_run = self.known_board_run(item)
        return board_run is not None and board_run.broken is not None and board_run.dut is None

    def block(self, report: pytest.TestReport, error: CamrigError) -> None:
        """Make a report say that its test could not run; each cause is kept once."""
        cause = self.keep(error)
        report.outcome = "failed"
        report.longrepr = f"{BLOCKED}{cause}"

    def hangs(self) -> list[Hang]:
        """What hung while tests ran."""
        return [hang for board_run in self.board_runs for hang in board_run.hangs]

    def crashes_between_tests(self) -> list[str]:
        """What each crash that came between tests is attributed to."""
        records = [record for board_run in self.board_runs for record in board_run.crashes]
        return [record.crash.attributed_to for record in records if record.between]


RUN = pytest.StashKey[Run]()


def uses_board(item: pytest.Item) -> bool:
    """Whether a test asks for a fixture of camrig's; a fixture of the same name from elsewhere does not count."""
    return BOARD_RUN_FIXTURE in getattr(item, "fixturenames", ())


def uses_dut(item: pytest.Item) -> bool:
    """Whether a test runs on a booted board of camrig's."""
    return DUT_FIXTURE in getattr(item, "fixturenames", ())


def is_blocked(report: pytest.TestReport) -> bool:
    """Whether the test of a report could not run, in this process or in one that xdist started."""
    return isinstance(report.longrepr, str) and report.longrepr.startswith(BLOCKED)
