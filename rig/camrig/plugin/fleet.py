"""Several boards at once: with pytest-xdist each board's tests run in one process, and boards side by side.

The process that starts the others schedules by board, and says at the end which boards have not run to their end. The
others say first of each collected test which board it needs.
"""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from camrig.errors import BlockedError, CamrigError, SettingsError
from camrig.plugin.board_scheduler import ANYWHERE, BoardScheduler
from camrig.plugin.run import BLOCKED, GATE, Run, uses_board

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from camrig.settings.resolve import Settings

CHANNEL = "camrig_channel"  # the name of what a process writes to the one that started it
UNKNOWN = "?"  # the board of a test whose settings are wrong
BOARDS, LINE = "boards", "line"  # kinds of what is written


def processes(config: pytest.Config) -> int:
    """How many processes xdist runs the tests in; 0 where it does not."""
    if hasattr(config, "workerinput"):
        return int(config.workerinput["workercount"])
    if config.getoption("dist", "no") == "no" or not config.getoption("tx", None):
        return 0
    numbers = [text.partition("*")[0] for text in config.getoption("tx") if "*" in text]  # such as 2*popen
    return len(config.getoption("tx")) + sum(int(number) - 1 for number in numbers if number.isdecimal())


def is_fleet(settings: Settings, number: int) -> bool:
    """Whether each board of the run has one process of ``number``, which may have several boards."""
    return 0 < number <= len(settings.device)


def check_processes(settings: Settings, number: int) -> None:
    """Raises SettingsError where xdist's processes would share a board, or where samples of a board that belong
    together would be in several of them.
    """
    from camrig.settings.resolve import is_virtual

    if number == 0 or is_fleet(settings, number):
        return
    if (boards := len(settings.device)) > 1:
        raise SettingsError(
            f"-n {number} is more than the {boards} boards of this run, and a process needs one of its own",
            hint=f"write -n {boards}, or -n auto",
        )
    if settings.save or settings.compare or settings.evidence:
        raise SettingsError(
            "with -n no process has all samples, so there is no baseline, comparison or evidence",
            hint="leave out -n",
        )
    if not is_virtual(settings.device[0]):
        raise SettingsError("with -n each process would need the board for itself", hint="leave out -n")


def boards_for_auto(config: pytest.Config) -> int | None:
    """The number of processes that ``-n auto`` means: one for each of several boards, else what xdist says."""
    try:
        boards = len(Run(config).settings.device)
    except CamrigError:
        return None  # said when the settings are needed
    return boards if boards > 1 else None


def board_of(run: Run, item: pytest.Item) -> str:
    """The board that a test needs, as a process says it to the one that started it."""
    if not uses_board(item) and item.nodeid.partition("::")[0] != GATE:
        return ANYWHERE
    try:
        return run.spec_of(item)
    except CamrigError:
        return UNKNOWN


class FleetProcess:
    """A plugin of a process that xdist started."""

    def __init__(self, run: Run, config: Any) -> None:
        self._run, self._channel = run, config.workerinput.get(CHANNEL)

    @pytest.hookimpl(tryfirst=True)  # before xdist reports the collection
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        boards = [board_of(self._run, item) for item in session.items]
        if not any(boards):
            return
        from camrig.parent_death import signal_on_parent_death

        if sys.platform == "linux":  # else a killed run keeps its boards, and the air, for some seconds
            signal_on_parent_death(signal.SIGKILL)
        self._send(BOARDS, boards)

    def show(self, line: str) -> None:
        """Show a line on the terminal of the process that started this one."""
        self._send(LINE, line)

    def _send(self, kind: str, content: object) -> None:
        if self._channel is not None:
            self._channel.send((kind, content))


class Fleet:
    """A plugin of the process that starts the others."""

    def __init__(self, run: Run, show: Callable[[str], None]) -> None:
        self._run, self._show = run, show
        self._boards: dict[str, list[str]] = {}  # of each collected test, by process
        self._scheduler: BoardScheduler | None = None
        self._had: dict[str, set[str]] = {}  # the boards of tests that each process has begun
        self._silent: set[str] = set()  # boards whose process sent no report
        self._crashed: set[str] = set()  # those of them that a report names
        self._board_of: dict[str, str] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        name, channel = node.gateway.id, node.gateway.newchannel()

        def receive(message: tuple[str, Any]) -> None:  # in a thread of execnet's
            kind, content = message
            if kind == BOARDS:
                self._boards[name] = content
            else:
                self._show(content)

        channel.setcallback(receive)
        node.workerinput[CHANNEL] = channel

    @pytest.hookimpl(tryfirst=True, optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config) -> BoardScheduler | None:
        try:
            settings = self._run.settings
        except CamrigError:
            return None  # raised below, if a test needs them
        if is_fleet(settings, number := processes(config)):
            self._scheduler = BoardScheduler(number)
        return self._scheduler

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: Sequence[str]) -> None:
        boards = self._boards.get(node.gateway.id, [])
        if not any(boards):
            if self._scheduler is not None:
                self._scheduler.boards = [ANYWHERE] * len(ids)
            return
        try:
            settings = self._run.settings
        except CamrigError as error:
            raise pytest.UsageError(str(error)) from None
        if self._scheduler is None:
            return
        config = self._run.config
        if not self._run.in_use or not config.pluginmanager.hasplugin("camrig-outcomes"):
            config.pluginmanager.register(self._run.outcomes, "camrig-outcomes")
        self._run.in_use = True
        self._run.limits_collected = sum(name.partition("::")[0] == GATE for name in ids)
        self._run.header = self._run.header or settings.source
        self._scheduler.boards = boards
        self._board_of = dict(zip(ids, boards, strict=True))
        for name, board in self._board_of.items():
            if board:
                self._run.outcomes.on_board(name, board)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        if board := self._board_of.get(report.nodeid):
            node = getattr(report, "node", None)
            if node is not None:
                self._had.setdefault(node.gateway.id, set()).add(board)

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str, report: pytest.TestReport) -> None:
        if board := self._board_of.get(crashitem):
            error = BlockedError(
                f"the process of this board ended while it ran {crashitem}",
                board=board,
                hint="see what it printed last, and whether the computer was out of memory",
            )
            self._crashed.add(board)
            self._run.keep(error)
            report.longrepr = f"{BLOCKED}{error}"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        from camrig.plugin.many_processes import has_report

        if not has_report(node):
            self._silent |= self._had.get(node.gateway.id, set())

    def finish(self) -> None:
        """Name the boards of which not everything is known. Not where somebody or ``-x`` ended the run."""
        if self._scheduler is None:
            return
        unfinished = self._scheduler.unfinished
        self._run.not_run += sum(unfinished.values())
        if self._run.stopped or self._run.interruption.came:
            return
        for board in sorted({*unfinished, *self._silent} - self._crashed):
            number = unfinished.get(board, 0)
            tests = f"; {number} of its tests {'was' if number == 1 else 'were'} not run" if number else ""
            self._run.keep(
                BlockedError(
                    f"the process of this board ended without its results{tests}", board=board, hint="run it again"
                )
            )
