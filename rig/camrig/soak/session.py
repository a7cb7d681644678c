"""The soak itself: rounds of requests of every kind on one board, which is brought back whenever it goes down."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from camrig.board.crash import APPLICATION
from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import EXIT_FAILED, AgentError, AnswerLostError, CamrigError, NotAvailableError, ServerSilentError
from camrig.measure.losses import CONTROL, REQUEST
from camrig.probe.client import TIMING_HEADER, Response
from camrig.probe.heap_series import settled_heap
from camrig.probe.request_kinds import PAGE, POLICY, RequestKind
from camrig.probe.request_mix import fill_caches, kinds_of_application, mixed
from camrig.probe.sampling import WITHOUT_CORS
from camrig.progress import SECONDS
from camrig.settings.duration import in_words
from camrig.soak.course import Course, Reading

SECONDS_TO_FILL = 60.0  # which a cache gets before the heap is first read, and a quarter of the time at most
WARM_UP = 12  # rounds whose times are dropped
TOO_MANY, WITHIN = 20, 3600.0  # incidents, and the seconds within which they end a soak
MOST = 500  # incidents that end a soak of days
# A page for an application that has none at this place, until it restarts.
ADD_PAGE = f"app.get({PAGE.path!r})(lambda request: {{}})"
_CONTROL = PAGE.message(WITHOUT_CORS)


@dataclass(frozen=True)
class SoakOptions:
    """How long, how many exchanges a second at most, and the seed of their order."""

    seconds: float
    rate: float = 5.0
    seed: int = 0


@dataclass(frozen=True)
class Incident:
    """What went wrong, ``at`` seconds after the soak began; ``failed``: by the fault of what runs on the board."""

    at: float
    text: str
    failed: bool

    def __str__(self) -> str:
        return f"after {in_words(self.at)}: {self.text}"


def numbered(count: int, noun: str) -> str:
    """``1 incident``, ``2 incidents``."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


class Soak:
    """Measures ``board``, which serves. What it has measured stays when it is interrupted."""

    def __init__(self, board_run: BoardRun, board: Board, dut: Dut, options: SoakOptions) -> None:
        self.options = options
        self.course = Course(options.seconds, options.seed)
        self.incidents: list[Incident] = []
        self.wrong: dict[str, tuple[int, str]] = {}  # by kind: the number of wrong answers, and the first in words
        self.kinds: list[RequestKind] = []
        self.requests, self.seconds = 0, 0.0
        self._board_run, self._board, self._dut = board_run, board, dut
        self._random = Random(options.seed)
        self._start = self._due = time.monotonic()
        self._boot, self._rounds, self._is_prepared = 0, 0, False

    def run(self) -> None:
        """Send requests until the time is over, or the board does not come back."""
        self._start = self._due = time.monotonic()
        until = Deadline.after(self.options.seconds)
        with self._board.steps("soak") as note:
            try:
                while not until.passed and self._may_go_on():
                    try:
                        self._prepare()
                        for kind in self._round():
                            self._take(kind)
                            self._wait(until)
                        self._rounds += 1
                        if self.course.is_due(self._now) or until.passed:
                            self._close_window()
                    except CamrigError as error:
                        if not self._boot and isinstance(error, (AgentError, NotAvailableError)):
                            raise  # this application cannot be soaked
                        self._survive(error)
            finally:
                self.seconds = self._now
                self.course.close_window(self.seconds)
                note(f"{self.requests:,} requests, {numbered(len(self.incidents), 'incident')}")

    @property
    def _now(self) -> float:
        return time.monotonic() - self._start

    def _may_go_on(self) -> bool:
        latest = self.incidents[-TOO_MANY:]
        too_many = len(latest) == TOO_MANY and self._now - latest[0].at < WITHIN
        return self._board_run.broken is None and not too_many and len(self.incidents) < MOST

    def _prepare(self) -> None:
        """Once after each boot: the policy, the routes that there are, full caches and the first reading."""
        if self._is_prepared:
            return
        dut = self._dut
        dut.policy(**POLICY)
        if dut.request("GET", PAGE.path).status == 404:
            dut.agent.run(ADD_PAGE)
            self._board.steps.say(f"the application has no {PAGE.path}: a page of the rig stands in for it")
        self.kinds = self.kinds or kinds_of_application(dut.request)
        until = Deadline.after(min(SECONDS_TO_FILL, self.options.seconds / 4))
        fill_caches(dut.request, seconds=until.seconds)  # answers are checked in the rounds
        for _ in range(WARM_UP):
            for kind in () if until.passed else self._round():
                self._exchange(kind)
        self._boot, self._rounds, self._is_prepared = self._boot + 1, 0, True
        if until.passed and until.seconds < SECONDS_TO_FILL:
            self.course.filling.add(self._boot)
        self._read()

    def _round(self) -> Iterator[RequestKind | None]:
        """A request of each kind, in an order of its own, with a control (None) before each."""
        kinds: Sequence[RequestKind] = mixed(self.kinds)
        for kind in self._random.sample(kinds, len(kinds)):
            yield None
            yield kind

    def _take(self, kind: RequestKind | None) -> None:
        """One exchange, its times kept and its answer checked."""
        name = kind.name if kind else CONTROL
        before = self._lost(kind)
        try:
            response = self._exchange(kind)
        finally:
            if lost := self._lost(kind) - before:
                self.course.lose(name, lost)
        self.requests += 1
        self.course.add(name, response.phases.total, response.phases.on_board)
        self._check(kind, response)

    def _exchange(self, kind: RequestKind | None) -> Response:
        method, target, headers, body = kind.message if kind else _CONTROL
        return self._dut.request(method, target, [*headers, TIMING_HEADER], body, repeat=True)

    def _lost(self, kind: RequestKind | None) -> int:
        return self._dut.exchanges.count([REQUEST if kind else CONTROL]).lost

    def _check(self, kind: RequestKind | None, response: Response) -> None:
        if kind is None:
            if response.status != 200:
                raise AgentError(f"the request without CORS was answered with status {response.status}")
        elif mistake := kind.mistake_in(response):
            count, first = self.wrong.get(kind.name, (0, f"{kind.words}: {mistake}"))
            self.wrong[kind.name] = count + 1, first

    def _wait(self, until: Deadline) -> None:
        """Until the next exchange is due. What took longer is not caught up with."""
        now = time.monotonic()
        self._due = max(now, self._due + 1 / self.options.rate)
        time.sleep(min(self._due - now, until.left))

    def _close_window(self) -> None:
        self._read()
        self.course.close_window(self._now)
        self._show_progress()

    def _show_progress(self) -> None:
        lost = sum(self.course.lost.values())
        incidents = numbered(len(self.incidents), "incident")
        text = f"{self.requests:,} requests, {lost:,} lost, {self.course.readings[-1].alive:,} B alive, {incidents}"
        self._board.steps.progress(text, done=self._now, total=self.options.seconds, unit=SECONDS)

    def _read(self) -> None:
        heap = settled_heap(self._dut.heap)
        self.course.read(
            Reading(
                seconds=round(self._now, 1),
                boot=self._boot,
                rounds=self._rounds,
                alive=heap.alloc,
                free=heap.free,
                idf_used=sum(row[0] - row[1] for row in heap.idf) if heap.idf else None,
                idf_lowest=sum(row[3] for row in heap.idf) if heap.idf else None,
                rssi=self._dut.agent.radio().rssi,
            )
        )

    def _survive(self, error: CamrigError) -> None:
        """Keep what went wrong, and bring the board back if it is down."""
        board_run, at = self._board_run, self._now
        crash = self._dut.crash_monitor.crash
        if crash is not None:
            board_run.record_crash(crash, between=False)
            text, failed = crash.summary, crash.attributed_to == APPLICATION
        else:
            text, failed = error.what, error.exit_code == EXIT_FAILED
            if isinstance(error, ServerSilentError) and (hang := board_run.find_hang()) is not None:
                text, failed = hang.summary, True
            if isinstance(error, (AnswerLostError, ServerSilentError)):
                board_run.record_silence(error)
        incident = Incident(at, text, failed)
        self.incidents.append(incident)
        self._board.steps.say(str(incident))
        attempts = len(self._board.recovery.attempts)
        board_run.recover_if_down()
        self._is_prepared = self._is_prepared and len(self._board.recovery.attempts) == attempts
