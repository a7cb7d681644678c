"""One board through a whole run: what is measured on it, which test runs on it, what went down, how it came back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from camrig.board.crash import Crash
from camrig.bringup.board import Board
from camrig.deploy.hang import Hang
from camrig.dut import Dut
from camrig.errors import (
    AnswerLostError,
    BoardBrokenError,
    CameraError,
    CamrigError,
    FirmwareBootError,
    LeaseLostError,
    PortError,
    PowerLostError,
)
from camrig.measure.losses import CONTROL, REQUEST, ExchangeCounts, LossCount, certainly_exceeds, loss_sentence
from camrig.measure.recorder import Recorder
from camrig.probe.agent import Radio
from camrig.report.pictures import kind as pictures_kind
from camrig.settings.resolve import Settings
from camrig.steps import Steps

SECONDS_TO_EXAMINE = 30.0  # at the end of a run in which requests may have been lost more often than controls


@dataclass(frozen=True)
class CrashRecord:
    """A crash and the test that it belongs to; ``between`` is true for one that came when that test had ended."""

    test: str
    crash: Crash
    between: bool

    @property
    def when(self) -> str:
        return f"after {self.test} had ended" if self.test else "after it had booted"


@dataclass(frozen=True)
class TestStart:
    """Where the present test began: its id, a mark in the console's text, and the number of events before it."""

    __test__ = False  # not a test class, although pytest would take its name for one

    test: str = ""
    mark: int = 0
    events: int = 0


class BoardRun:
    """One board of a run with all that belongs to it."""

    def __init__(self, spec: str, steps: Steps) -> None:
        self.spec = spec
        self.steps = steps
        self.recorder = Recorder()
        self.board: Board | None = None
        self.dut: Dut | None = None
        self.radio: Radio | None = None
        self.sensor: dict[str, Any] | None = None  # the camera's, where the application has one
        self.files: dict[str, str] = {}  # SHA-256 of each file on the board, read back at the end
        self.console = ""  # all of it, kept at the end
        self.broken: CamrigError | None = None
        self.crashes: list[CrashRecord] = []
        self.hangs: list[Hang] = []
        self.start = TestStart()
        self._silence: CamrigError | None = None
        self._has_passed = False

    @contextmanager
    def reserved(self, settings: Settings) -> Iterator[Board]:
        """The board, reserved, identified and deployed to."""
        with Board(self.spec, settings, self.steps) as board:
            self.board = board
            board.deploy()
            yield board

    def keep_console(self) -> None:
        """Keep all that the board has printed."""
        if self.board is not None:
            self.console = self.board.session.console.text()

    def keep_files(self, settings: Settings) -> None:
        """Read the board's files back if there will be evidence."""
        if self.board is not None and settings.evidence is not None and self.broken is None:
            self.files = self.board.deployment.read_back()

    def boot(self, board: Board, confirm: bool = True) -> Dut:
        """The board's dut. Unless ``confirm``, the first test that passes confirms firmware on trial."""
        try:
            self.dut = board.boot(confirm)
        finally:
            self.radio, self.sensor = board.radio, board.sensor
        self._mark_start(self.start.test)
        return self.dut

    def properties(self) -> list[tuple[str, str]]:
        """What a test report says of the board that the test ran on."""
        if self.board is None:
            return [("board", self.spec)]
        identity = self.board.identity
        name = self.board.settings.name_of(self.spec, identity.mac)
        pictures = [("pictures", pictures_kind(self.sensor))] if self.sensor else []
        return [
            ("board", identity.mac or self.spec),
            ("firmware", identity.firmware),
            ("virtual", str(identity.virtual).lower()),
            *([("name", name)] if name else []),
            *pictures,
        ]

    def summary(self) -> list[str]:
        """Lines for the end of a run: crashes that no test has failed for, and every recovery."""
        lines = [f"{self.spec}: {record.crash.summary}, {record.when}" for record in self.crashes if record.between]
        requests, controls = self.losses
        if self.lost_answers is not None:
            lines.append(str(self.lost_answers))
        elif requests.lost or controls.lost:
            lines.append(f"{self.spec}: {loss_sentence(requests, controls)}")
        attempts = self.board.recovery.attempts if self.board else []
        return [*lines, f"{self.spec}: recovery: {'; '.join(map(str, attempts))}"] if attempts else lines

    def start_test(self, test: str) -> None:
        """A test starts on this board. Raises the first cause when the board is broken."""
        self._check_lease()
        self.confirm_firmware()
        self.recover_if_down()
        if self.broken is not None:
            raise self.broken
        self._mark_start(test)

    def _check_lease(self) -> None:
        """A board that has become somebody else's is broken for this run."""
        if self.board is None or self.broken is not None:
            return
        try:
            self.board.device.check()
        except LeaseLostError as error:
            self._give_up(error)

    def _give_up(self, error: CamrigError) -> None:
        self.broken = error
        if self.dut is not None:
            self.dut.give_up(error)

    def _mark_start(self, test: str) -> None:
        if self.dut is None:
            self.start = TestStart(test)
        else:
            self.start = TestStart(test, self.dut.console.mark(), self.dut.console.seen)

    def record_crash(self, crash: Crash, between: bool) -> None:
        """Keep a crash, once, with the test that ran last."""
        if not self.crashes or self.crashes[-1].crash is not crash:
            self.crashes.append(CrashRecord(self.start.test, crash, between))

    def find_hang(self) -> Hang | None:
        """What hangs on a board whose server gives no answer, if that is code: see ``Board.find_hang``."""
        if self.board is None or self.dut is None:
            return None
        if (hang := self.board.find_hang(self.dut)) is not None:
            self.hangs.append(hang)
        return hang

    def record_pass(self) -> None:
        """A test has passed: firmware on trial has proven itself, if a request was answered or there is no server."""
        requests, _ = self.losses
        serves = self.dut is not None and bool(self.dut.server_url)
        self._has_passed = self._has_passed or not serves or requests.total > requests.lost

    def confirm_firmware(self) -> None:
        """Keep firmware on trial once a test of it has passed. The application then has to start again."""
        board = self.board
        if board is None or self.dut is None or self.broken is not None or not self._has_passed or not board.on_trial:
            return
        if self.dut.crash_monitor.crash is None:
            board.over_the_air.confirm()

    def record_silence(self, error: CamrigError) -> None:
        """The server gave no answer: before the next test, it has to answer or is brought back."""
        self._silence = error

    def recover_if_down(self) -> None:
        """Bring the board back if it went down or fell silent. A board that stays down is ``broken``."""
        dut = self.dut
        self._check_lease()
        if dut is None or self.broken is not None:
            return
        crash, silence = dut.crash_monitor.crash, self._silence
        self._silence = None
        if crash is not None:
            self.record_crash(crash, between=True)
            self._recover(dut, dut.down(crash))
        elif silence is not None and not dut.answers():
            self._recover(dut, silence)
        elif self.board is not None and self.board.is_interrupted:  # to run code of a test's own
            self.board.start(dut)

    def hear_out(self) -> None:
        """Wait until an application that ended right behind its ready line has said so."""
        if self.dut is not None and self.broken is None:
            self.dut.hear_out()

    def examine_losses(self) -> None:
        """Look closer at lost requests, while the board still serves."""
        if self.dut is not None and self.broken is None and self.dut.crash_monitor.crash is None:
            self.dut.examine_losses(SECONDS_TO_EXAMINE)

    @property
    def losses(self) -> tuple[LossCount, LossCount]:
        """The exchanges with the board that passed through the library, and those that did not."""
        counts = self.dut.exchanges if self.dut else ExchangeCounts()
        return counts.count([REQUEST]), counts.count([CONTROL])

    @property
    def lost_answers(self) -> AnswerLostError | None:
        """The error that lost requests are, if they were certainly lost more often than controls."""
        requests, controls = self.losses
        if not certainly_exceeds(requests, controls):
            return None
        return AnswerLostError(
            f"{loss_sentence(requests, controls)}: that is not the network, the library or the application loses "
            "answers",
            board=self.spec,
            hint="see the console of the board",
        )

    def _recover(self, dut: Dut, cause: CamrigError) -> None:
        assert self.board is not None
        dut.crash_monitor.forget()  # this crash has its test
        try:
            if isinstance(cause, LeaseLostError):
                raise cause
            self.board.recover(dut)
            if isinstance(cause, (PortError, PowerLostError)):
                self.board.health.recovered()
        except (FirmwareBootError, LeaseLostError, CameraError) as error:
            self._give_up(error)
        except CamrigError as error:
            broken = BoardBrokenError(
                f"{cause.what}, and it did not come back: {error.what}",
                board=cause.board,
                hint=error.hint,
                details=error.details,
            )
            self._give_up(broken)
        self.radio, self.sensor = self.board.radio, self.board.sensor
