"""A night of many simulated boards: the rig's own scheduler and queue for the air, on a clock that jumps.

Every host has one run with a process for each of its boards, and access points of its own. Decisions are real: those
of ``BoardScheduler``, and the tickets of ``camrig.lab.air``. Only the tests are not: each takes a time that is drawn.
"""

from __future__ import annotations

import heapq
import os
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from statistics import mean
from typing import TypeVar

from camrig.lab.air import VARIABLE, Claim, pause
from camrig.plugin.board_scheduler import BoardScheduler

Result = TypeVar("Result")

# Quantiles of how long the suite's tests took on a virtual board: 445 that measure nothing (24 s), 36 that do (20 s).
QUANTILES = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 1.0)
FUNCTIONAL = (0.001, 0.001, 0.002, 0.007, 0.065, 0.213, 0.413, 0.756, 6.525)
MEASURING = (0.001, 0.005, 0.074, 1.147, 1.952, 2.037, 2.969, 2.969, 2.969)
HANG = 60.0 + 45.0  # seconds: a test's time-out, and all rungs of the ladder after it
BLOCKED = 0.002  # that a test takes to say that its board is broken
PASSED, HUNG, BROKEN, LOST = "passed", "hung", "broken", "lost"


@dataclass(frozen=True)
class Lab:
    """``slower`` is how much longer a test takes than on a virtual board; the shares are of boards in a night."""

    boards: int = 500
    boards_per_host: int = 40
    boards_per_access_point: int = 12
    functional: int = 445
    measuring: int = 36
    slower: float = 5.0
    broken: float = 0.02
    hung: float = 0.02
    lost: float = 0.01


@dataclass
class Outcome:
    """What a night of one host, or of several, was like. Seconds are simulated, but for those of a processor."""

    hosts: int = 0
    longest: float = 0.0  # the seconds of the host that took longest
    seconds: float = 0.0  # of all hosts together
    events: int = 0
    scheduling: float = 0.0  # seconds of a processor
    looks: float = 0.0  # at the lock of the oldest ticket, by all who wait
    look: float = 0.0  # seconds of a processor for one, in the mean
    searches: int = 0  # for the oldest ticket, by all who wait, whenever one was released
    search: float = 0.0  # seconds of a processor for one, in the mean
    overlaps: int = 0
    ended: Counter[str] = field(default_factory=Counter)  # boards
    tests: Counter[str] = field(default_factory=Counter)
    held: dict[str, float] = field(default_factory=dict)  # seconds, by air
    waited: dict[str, list[float]] = field(default_factory=dict)  # by air, for each board that ran to its end

    @property
    def overhead(self) -> float:
        """What all decisions take of one processor on each host, as a share."""
        work = self.scheduling + self.looks * self.look + self.searches * self.search
        return work / self.seconds if self.seconds else 0.0

    @property
    def unfair(self) -> float:
        """How far the wait of a board is from the mean of its access point, in the mean over all boards."""
        shares = []
        for waits in self.waited.values():
            middle = mean(waits)
            shares += [abs(wait - middle) / middle for wait in waits if middle]
        return mean(shares or [0.0])


def drawn(quantiles: Sequence[float], random: Random) -> float:
    """A value of the distribution with these quantiles."""
    share = random.random()
    place = next(place for place, known in enumerate(QUANTILES[1:], 1) if share <= known)
    low, high = QUANTILES[place - 1], QUANTILES[place]
    return quantiles[place - 1] + (quantiles[place] - quantiles[place - 1]) * (share - low) / (high - low)


class _Process:
    """A process of xdist with one board at a time: it starts a test when it knows the next, or that there is none."""

    def __init__(self) -> None:
        self.tests: deque[int] = deque()
        self.last = False
        self.running = False

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        self.tests.extend(indices)

    def shutdown(self) -> None:
        self.last = True

    @property
    def can_start(self) -> bool:
        return not self.running and bool(self.tests) and (len(self.tests) > 1 or self.last)


@dataclass
class _Wait:
    process: _Process
    claim: Claim
    since: float
    counted: float  # until when its looks are counted


class Host:
    """One run with all boards of a host."""

    def __init__(self, name: str, boards: int, lab: Lab, random: Random) -> None:
        self.name, self.lab, self._random = name, lab, random
        self.outcome = Outcome(hosts=1)
        self._boards = [f"{name}/board-{number}" for number in range(boards)]
        self._air = {
            board: f"{name} access point {number // lab.boards_per_access_point}"
            for number, board in enumerate(self._boards)
        }
        per_board = lab.functional + lab.measuring
        every = per_board / lab.measuring if lab.measuring else 0
        measuring = {int(number * every) for number in range(lab.measuring)}
        self._measuring = [number in measuring for number in range(per_board)] * boards
        self._board_of = [board for board in self._boards for _ in range(per_board)]
        self._fate = {board: self._fate_of_a_board() for board in self._boards}
        self._fatal = {board: random.randrange(per_board) for board in self._boards}  # the test that meets its fate
        self._run_of: Counter[str] = Counter()  # tests that each board has begun
        self._scheduler = BoardScheduler(boards)
        self._scheduler.boards = self._board_of
        self._names = [f"{board}::{number}" for number, board in enumerate(self._board_of)]
        self._now, self._events = 0.0, 0
        self._heap: list[tuple[float, int, _Process, Claim | None]] = []
        self._queues: dict[str, list[_Wait]] = {air: [] for air in self._air.values()}
        self._holder: dict[str, str] = {}
        self._waited: Counter[str] = Counter()
        self._looks: list[float] = []  # seconds of a processor
        self._searches: list[float] = []

    def night(self) -> Outcome:
        """Run all tests. Raises RuntimeError if the night cannot end: a test would wait for ever."""
        for _ in self._boards:
            self._add_process()
        self._decide(self._scheduler.schedule)
        self._start_all()
        while self._heap:
            self._now, _, process, claim = heapq.heappop(self._heap)
            self._end(process, claim)
        if self._scheduler.has_pending or not self._decide(lambda: self._scheduler.tests_finished):
            raise RuntimeError(f"{self.name}: tests are left, and nothing happens any more")
        outcome = self.outcome
        outcome.longest = outcome.seconds = self._now
        outcome.look, outcome.search = mean(self._looks or [0.0]), mean(self._searches or [0.0])
        for board, air in self._air.items():
            outcome.ended[self._fate[board]] += 1
            if self._fate[board] == PASSED:
                outcome.waited.setdefault(air, []).append(self._waited[board])
        outcome.tests["not run"] = sum(self._scheduler.unfinished.values())
        return outcome

    def _fate_of_a_board(self) -> str:
        share = self._random.random()
        for fate, width in ((BROKEN, self.lab.broken), (HUNG, self.lab.hung), (LOST, self.lab.lost)):
            if share < width:
                return fate
            share -= width
        return PASSED

    def _decide(self, decision: Callable[[], Result]) -> Result:
        """Let the scheduler decide, and count the time."""
        start = time.process_time()
        try:
            return decision()
        finally:
            self.outcome.scheduling += time.process_time() - start
            self.outcome.events += 1

    def _add_process(self) -> None:
        process = _Process()
        self._decide(lambda: self._scheduler.add_node(process))
        self._decide(lambda: self._scheduler.add_node_collection(process, self._names))

    def _start_all(self) -> None:
        for node in self._scheduler.nodes:
            assert isinstance(node, _Process)
            self._start(node)

    def _start(self, process: _Process) -> None:
        """Let the process begin its next test, or wait for its air."""
        if not process.can_start:
            return
        process.running = True
        test = process.tests[0]
        board = self._board_of[test]
        self._run_of[board] += 1
        if not self._measuring[test] or self._is_broken(board):
            self._schedule_end(process, test, None)
            return
        air = self._air[board]
        claim = Claim([air], board)
        wait = _Wait(process, claim, self._now, self._now)
        self._count_looks(air)
        self._queues[air].append(wait)
        self.outcome.scheduling += self._look(air, wait)

    def _is_broken(self, board: str) -> bool:
        return self._fate[board] == BROKEN and self._run_of[board] > self._fatal[board]

    def _look(self, air: str, wait: _Wait) -> float:
        """One real look at the queue, and its seconds of a processor; whoever has the air now begins."""
        start = time.process_time()
        held = wait.claim.advance() is None
        seconds = time.process_time() - start
        if held:
            self._queues[air].remove(wait)
            board = wait.claim.board
            self.outcome.overlaps += air in self._holder
            self._holder[air] = board
            self._waited[board] += self._now - wait.since
            self._schedule_end(wait.process, wait.process.tests[0], wait.claim)
        return seconds

    def _wake(self, air: str) -> None:
        """The air is free, and everybody who waits sees it at their next look; in whose order does not matter."""
        queue = self._queues[air]
        self.outcome.searches += len(queue)
        if queue:
            self._searches.append(self._look(air, self._random.choice(queue)))
        if queue and air not in self._holder:
            self._searches.append(self._look(air, queue[0]))
        if queue:
            wait = self._random.choice(queue)
            self._look(air, wait)  # which opens the oldest ticket, if this one has not
            self._looks.append(self._look(air, wait))

    def _count_looks(self, air: str) -> None:
        """The looks that everybody who waits has taken since the queue was last as long."""
        for ahead, wait in enumerate(self._queues[air], 1):
            self.outcome.looks += (self._now - wait.counted) / pause(ahead)
            wait.counted = self._now

    def _schedule_end(self, process: _Process, test: int, claim: Claim | None) -> None:
        board = self._board_of[test]
        seconds = drawn(MEASURING if self._measuring[test] else FUNCTIONAL, self._random) * self.lab.slower
        if self._is_broken(board):
            seconds = BLOCKED
        elif self._fate[board] == HUNG and self._run_of[board] - 1 == self._fatal[board]:
            seconds = HANG
        if claim is not None:
            air = self._air[board]
            self.outcome.held[air] = self.outcome.held.get(air, 0.0) + seconds
        self._events += 1
        heapq.heappush(self._heap, (self._now + seconds, self._events, process, claim))

    def _end(self, process: _Process, claim: Claim | None) -> None:
        test = process.tests[0]
        board = self._board_of[test]
        died = self._fate[board] == LOST and self._run_of[board] - 1 == self._fatal[board]
        if died:
            self._decide(lambda: self._scheduler.remove_node(process))
            self.outcome.tests["crashed"] += 1
        else:
            process.tests.popleft()
            process.running = False
            self.outcome.tests["blocked" if self._is_broken(board) else "ran"] += 1
            self._decide(lambda: self._scheduler.mark_test_complete(process, test))
        self._decide(lambda: self._scheduler.tests_finished)
        if claim is not None:
            air = self._air[board]
            claim.release()  # of a process that died, the system does
            del self._holder[air]
            self._count_looks(air)
            self._wake(air)
        if died:
            self._add_process()
            self._decide(self._scheduler.schedule)
            self._start_all()
        else:
            self._start(process)


def night(lab: Lab, seed: int = 1) -> Outcome:
    """A night of all hosts of a lab."""
    random, total = Random(seed), Outcome()
    look_seconds = search_seconds = 0.0
    with _tickets():
        for number, start in enumerate(range(0, lab.boards, lab.boards_per_host)):
            boards = min(lab.boards_per_host, lab.boards - start)
            outcome = Host(f"host-{number + 1}", boards, lab, random).night()
            total.hosts += 1
            total.longest = max(total.longest, outcome.longest)
            total.seconds += outcome.seconds
            total.events += outcome.events
            total.scheduling += outcome.scheduling
            total.looks += outcome.looks
            look_seconds += outcome.look * outcome.looks
            total.searches += outcome.searches
            search_seconds += outcome.search * outcome.searches
            total.overlaps += outcome.overlaps
            total.ended += outcome.ended
            total.tests += outcome.tests
            total.held.update(outcome.held)
            total.waited.update(outcome.waited)
    total.look = look_seconds / total.looks if total.looks else 0.0
    total.search = search_seconds / total.searches if total.searches else 0.0
    return total


@contextmanager
def _tickets() -> Iterator[None]:
    """A folder of tickets that no run of this host shares."""
    known = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = folder
        try:
            yield
        finally:
            if known is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = known
