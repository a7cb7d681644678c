"""One board through a whole run: what is measured on it, which test it went down in, and how it came back.

The rules by which a test is judged are those of docs/console-and-recovery.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from camrig.board.backtrace import decode
from camrig.board.crash import APPLICATION, Crash
from camrig.board.events import Event, PanicDump, Restarted, TaskFailed, Traceback
from camrig.bringup.board import Board
from camrig.deadline import Deadline
from camrig.dut import SECONDS_FOR_LAST_WORDS, Dut
from camrig.errors import BoardBrokenError, CamrigError, ServerSilentError
from camrig.measure.recorder import Recorder
from camrig.probe.agent import Radio
from camrig.steps import Steps

LINES_BEFORE = 3  # of the console, from before a test
LINES = 30  # of a failed test's console
LINES_OF_CRASH = 60  # registers, backtrace and the boot banner behind them
LINES_TO_CRASH = 25
SECONDS_FOR_DUMP = 2.0  # from a panic's first line to the chip's restart: a kilobyte at 9,600 baud
AGENT = "rig_agent.py"  # the rig's own part of what runs on the board
TRACEBACKS = 3  # shown beside a failure


@dataclass(frozen=True)
class Went:
    """A crash and the test that it belongs to; ``between`` is true for one that came when that test had ended."""

    test: str
    crash: Crash
    between: bool


@dataclass(frozen=True)
class Judged:
    """What is to be made of a test's phase: ``blocked`` or ``failed`` with a text, or neither, and what to show."""

    failed: str = ""
    blocked: CamrigError | None = None
    passed_over: bool = False
    sections: tuple[tuple[str, str], ...] = ()


class Bench:
    """One board of a run with all that belongs to it."""

    def __init__(self, spec: str, steps: Steps, elf: Path | None = None) -> None:
        self.spec = spec
        self.steps = steps
        self.recorder = Recorder()
        self.board: Board | None = None
        self.dut: Dut | None = None
        self.radio: Radio | None = None
        self.files: dict[str, str] = {}  # on the board, with their SHA-256, once it is wound up
        self.console = ""
        self.broken: CamrigError | None = None
        self.went: list[Went] = []
        self._elf = elf
        self._test = ""
        self._mark = 0
        self._seen = 0
        self._silent: CamrigError | None = None

    def boot(self, board: Board) -> Dut:
        """The board's dut."""
        self.dut = board.boot()
        self.radio = self.dut.agent.radio()
        return self.dut

    def wind_up(self, evidence: bool) -> None:
        """Before the board is let go: keep its console and, for ``evidence``, ask which files it really holds."""
        if self.board is None:
            return
        self.console = self.board.session.console.text()
        if evidence and self.broken is None:
            self.files = self.board.read_back()

    def properties(self) -> list[tuple[str, str]]:
        """What a test report says of the board that the test ran on."""
        if self.board is None:
            return [("board", self.spec)]
        identity = self.board.identity
        return [
            ("board", identity.mac or self.spec),
            ("firmware", identity.firmware),
            ("virtual", str(identity.virtual).lower()),
        ]

    def story(self) -> list[str]:
        """Lines for the end of a run: crashes that no test stands for, and every climb."""
        lines = [
            f"{self.spec}: {went.crash.what}, after {went.test or 'it had booted'} had ended"
            for went in self.went
            if went.between
        ]
        climbed = [str(tried) for tried in self.board.ladder.attempts if not tried.absent] if self.board else []
        return [*lines, f"{self.spec}: recovery: {'; '.join(climbed)}"] if climbed else lines

    def begin(self, test: str) -> None:
        """A test starts on this board. Raises the first cause when the board is broken."""
        self.settle()
        if self.broken is not None:
            raise self.broken
        if self.dut is not None:
            self._test, self._mark, self._seen = test, self.dut.console.mark(), self.dut.console.seen

    def judge(self, phase: str, failed: bool, error: BaseException | None, text: str) -> Judged:
        """What a phase of the present test comes to. ``text`` is what pytest would say of ``error``."""
        dut = self.dut
        if dut is None:
            return Judged(blocked=error) if isinstance(error, CamrigError) else Judged()
        crash = dut.watch.crash
        if crash is None and isinstance(error, OSError):  # the connection may die before the console tells
            crash = dut.watch.wait(SECONDS_FOR_LAST_WORDS)
        if crash is not None:
            return self._crashed(dut, crash, error, text)
        if isinstance(error, CamrigError):
            if isinstance(error, ServerSilentError):
                self._silent = error
                if phase != "teardown" and (task := self._failed_task(dut)) is not None:
                    what = f"{error}\n\nThe application raised {task.error} ({task.where or 'nobody knows where'})"
                    return Judged(failed=f"{what}\n\n{self._where(error)}".rstrip(), sections=self._sections(dut))
            if phase == "teardown" and self.broken is not None:
                return Judged(passed_over=True)  # the test has its verdict, and this is why it cannot clear up
            return Judged(blocked=error)
        return Judged(sections=self._sections(dut)) if failed else Judged()

    def settle(self) -> None:
        """Bring the board back if it went down or fell silent. A board that cannot be brought back is ``broken``."""
        dut = self.dut
        if dut is None or self.broken is not None:
            return
        crash, silent = dut.watch.crash, self._silent
        self._silent = None
        if crash is not None:
            if not self.went or self.went[-1].crash is not crash:
                self.went.append(Went(self._test, crash, between=True))
            self._recover(dut, dut.down(crash))
        elif silent is not None and not dut.answers():
            self._recover(dut, silent)

    def _recover(self, dut: Dut, cause: CamrigError) -> None:
        assert self.board is not None
        dut.watch.forget()  # this crash has its test
        try:
            self.board.recover(dut)
        except CamrigError as error:
            self.broken = dut.broken = BoardBrokenError(
                f"{cause.what}, and it did not come back: {error.what}",
                board=cause.board,
                hint=error.hint,
                details=error.details,
            )

    def _crashed(self, dut: Dut, crash: Crash, error: BaseException | None, text: str) -> Judged:
        if not self.went or self.went[-1].crash is not crash:
            self.went.append(Went(self._test, crash, between=False))
        dump = self._dump(dut, crash)
        down = dut.down(crash)
        if crash.attributed_to != APPLICATION:
            return Judged(blocked=down)
        sections = [*self._sections(dut, crash)]
        if dump is not None:
            sections.append((f"backtrace of {self.spec}", decode(dump.addresses, self._elf)))
        own = error is not None and not isinstance(error, CamrigError)
        return Judged(failed=f"{down}\n\n{text if own else self._where(error)}".rstrip(), sections=tuple(sections))

    def _failed_task(self, dut: Dut) -> TaskFailed | None:
        """The task of the present test that ended in an exception which is the application's, if there is one.

        An OSError may be the network's, a MemoryError that of a small heap which the rig's agent shares.
        """

        def ours(event: Event) -> TaskFailed | None:
            if not isinstance(event, TaskFailed) or event.error.startswith(("OSError", "MemoryError")):
                return None
            return None if event.where.startswith(AGENT) else event

        try:
            return dut.console.wait(ours, self._seen, Deadline.after(SECONDS_FOR_LAST_WORDS))
        except CamrigError:
            return None

    def _where(self, error: BaseException | None) -> str:
        """The line of the test that was at work; empty when it had got to its end."""
        file = Path(self._test.partition("::")[0]).name
        trace, found = error.__traceback__ if error else None, ""
        while trace is not None:
            code = trace.tb_frame.f_code
            if Path(code.co_filename).name == file:
                found = f"{file}:{trace.tb_lineno}: in {code.co_name}"
            trace = trace.tb_next
        return found

    def _dump(self, dut: Dut, crash: Crash) -> PanicDump | None:
        """A panic's dump, once the panic handler is through with it."""

        def through(event: Event) -> bool | None:
            return True if isinstance(event, (PanicDump, Restarted)) else None

        if crash.firmware:
            try:
                dut.console.wait(through, self._seen, Deadline.after(SECONDS_FOR_DUMP))
            except CamrigError:
                return None
        dumps = [event for event in dut.console.since(self._seen) if isinstance(event, PanicDump)]
        return dumps[-1] if dumps else None

    def _sections(self, dut: Dut, crash: Crash | None = None) -> tuple[tuple[str, str], ...]:
        """The console of the present test, and the tracebacks that are not in what is shown of it."""
        console = dut.console
        lines = console.text(since=self._mark).rstrip("\n").split("\n")
        if crash is not None and len(lines) > LINES_OF_CRASH:
            after = len(console.text(since=crash.mark).rstrip("\n").split("\n"))
            end = min(len(lines), len(lines) - after + LINES_OF_CRASH - LINES_TO_CRASH)
            start = max(0, len(lines) - after - LINES_TO_CRASH)
            shown = "\n".join(["…", *lines[start:end]])
        elif crash is None and len(lines) > LINES:
            shown = "\n".join(["…", *lines[-LINES:]])
        else:
            ahead = console.before(self._mark, LINES_BEFORE)
            own = "\n".join(lines) or "(the board said nothing)"
            shown = f"{ahead}\n--- {self._test.rpartition('::')[2]} ---\n{own}" if ahead else own
        found = [(f"console of {self.spec}", shown)]
        traces = [console.hide(event.text) for event in console.since(self._seen) if isinstance(event, Traceback)]
        hidden = [text for text in traces[-TRACEBACKS:] if text not in shown]
        if hidden:
            found.append((f"tracebacks on {self.spec}", "\n\n".join(hidden)))
        return tuple(found)
