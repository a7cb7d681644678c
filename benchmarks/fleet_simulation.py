"""Runs of several boards without boards and without time: the real scheduler and the real queue for the air.

Processes, tests and their durations are simulated; what is checked is who is measured when.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from camrig.lab.air import Claim
from camrig.plugin.board_scheduler import ANYWHERE, BoardScheduler


@dataclass(frozen=True)
class Plan:
    """A suite on boards: the airs of each board, and for each of its tests the seconds, and whether it measures."""

    airs: dict[str, tuple[str, ...]]
    tests: dict[str, list[tuple[float, bool]]]
    processes: int
    anywhere: int = 0  # tests without a board


@dataclass
class Schedule:
    """What became of a plan. ``held`` has the air, the board, and from when to when it was measured."""

    held: list[tuple[str, str, float, float]] = field(default_factory=list)
    waits: dict[str, list[float]] = field(default_factory=dict)
    overtaken: int = 0
    done: int = 0
    seconds: float = 0.0

    @property
    def overlaps(self) -> int:
        """How often two boards were measured in one air at once."""
        number = 0
        for _, group in itertools.groupby(sorted(self.held), key=lambda entry: entry[0]):
            spans = sorted((start, end) for _, _, start, end in group)
            number += sum(later[0] < earlier[1] for earlier, later in itertools.pairwise(spans))
        return number


class _Process:
    """A process of xdist: it begins a test only when it knows the next one, or that there is none."""

    def __init__(self) -> None:
        self.queue: deque[int] = deque()
        self.ends = self.busy = False

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        self.queue.extend(indices)

    def shutdown(self) -> None:
        self.ends = True


class _Simulation:
    def __init__(self, plan: Plan, choice: random.Random) -> None:
        self.plan, self.choice = plan, choice
        tests = [(board, *test) for board, rows in plan.tests.items() for test in rows]
        self.tests = tests + [(ANYWHERE, 0.1, False)] * plan.anywhere
        self.schedule = Schedule(waits={board: [] for board in plan.tests})
        self.scheduler = BoardScheduler(plan.processes)
        self.processes = [_Process() for _ in range(plan.processes)]
        self.events: list[tuple[float, int, _Process, Claim | None, float]] = []
        self.waiting: list[tuple[float, int, _Process, Claim]] = []
        self.now, self.count = 0.0, itertools.count()

    def run(self) -> Schedule:
        self.scheduler.boards = [board for board, _, _ in self.tests]
        names = [str(number) for number in range(len(self.tests))]
        for process in self.processes:
            self.scheduler.add_node(process)
            self.scheduler.add_node_collection(process, names)
        self.scheduler.schedule()
        self._begin()
        while self.events:
            self.now, _, process, claim, start = heapq.heappop(self.events)
            test = process.queue.popleft()
            if claim is not None:
                claim.release()
                board = self.tests[test][0]
                self.schedule.held += [(air, board, start, self.now) for air in self.plan.airs[board]]
            self.schedule.done += 1
            process.busy = False
            self.scheduler.mark_test_complete(process, test)
            self._poll()
            self._begin()
        assert not self.waiting, "a claim waits for ever"
        self.schedule.seconds = self.now
        return self.schedule

    def _begin(self) -> None:
        for process in self.processes:
            if process.busy or not (len(process.queue) > 1 or (process.ends and process.queue)):
                continue
            process.busy = True
            board, seconds, measures = self.tests[process.queue[0]]
            if not measures:
                heapq.heappush(self.events, (self.now + seconds, next(self.count), process, None, self.now))
                continue
            claim = Claim(self.plan.airs[board], board)
            self.waiting.append((self.now, next(self.count), process, claim))
            self._look(self.waiting[-1])

    def _poll(self) -> None:
        """All that wait look at the air, in any order."""
        for entry in self.choice.sample(self.waiting, len(self.waiting)):
            self._look(entry)

    def _look(self, entry: tuple[float, int, _Process, Claim]) -> None:
        arrived, number, process, claim = entry
        if claim.advance() is not None:
            return
        self.waiting.remove(entry)
        airs = self.plan.airs[claim.board]
        self.schedule.overtaken += sum(
            earlier < number and self.plan.airs[behind.board] == airs for _, earlier, _, behind in self.waiting
        )
        self.schedule.waits[claim.board].append(self.now - arrived)
        seconds = self.tests[process.queue[0]][1]
        heapq.heappush(self.events, (self.now + seconds, next(self.count), process, claim, self.now))


def simulate(plan: Plan, seed: int = 0) -> Schedule:
    """Run ``plan``; with each seed whoever waits looks in another order."""
    return _Simulation(plan, random.Random(seed)).run()


def any_plan(seed: int) -> Plan:
    """A lab of two to six boards, on one to three networks and channels."""
    choice = random.Random(seed)
    boards = [f"board {number}" for number in range(choice.randint(2, 6))]
    networks, channels = ["network a", "network b"], ["channel 1", "channel 6", "channel 11"]
    airs = {
        board: tuple(
            sorted(choice.choice([{choice.choice(channels)}, {choice.choice(networks), choice.choice(channels)}]))
        )
        for board in boards
    }
    tests = {
        board: [(choice.expovariate(1.0) + 0.01, choice.random() < 0.5) for _ in range(choice.randint(1, 12))]
        for board in boards
    }
    return Plan(airs, tests, choice.randint(1, len(boards)), choice.randint(0, 4))


def equal_plan(seed: int, boards: int = 4, tests: int = 12) -> Plan:
    """Boards on one access point, with work of the same kind: none has a reason to wait longer than another."""
    choice = random.Random(seed)
    names = [f"board {number}" for number in range(boards)]
    rows = {
        name: [(choice.expovariate(0.2), False)]
        + [(choice.expovariate(1.0) + 0.01, measures) for _ in range(tests) for measures in (True, False)]
        for name in names
    }
    return Plan(dict.fromkeys(names, ("channel 6",)), rows, boards)


def unfairness(schedules: Sequence[Schedule]) -> float:
    """How far the board that waited longest or shortest is from the mean of all, as a share of that."""
    totals: dict[str, float] = {}
    for schedule in schedules:
        for board, waits in schedule.waits.items():
            totals[board] = totals.get(board, 0.0) + sum(waits)
    mean = sum(totals.values()) / len(totals)
    return max(abs(total - mean) for total in totals.values()) / mean
