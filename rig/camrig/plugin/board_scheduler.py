"""Which process of pytest-xdist runs which tests: all those of one board, one board after the other.

A process starts a test only when it knows the next one, or that there is none. So it gets the tests of a board at
once, and the next work when a single test is left. Tests without a board go to whichever process has no board to do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

import pytest

ANYWHERE = ""  # the board of a test that needs none
SHARE = 2  # of such tests at a time: the fewest that keep a process at work


class Worker(Protocol):
    """A process of xdist, as its scheduler sees it."""

    def send_runtest_some(self, indices: Sequence[int]) -> None: ...

    def shutdown(self) -> None: ...


class BoardScheduler:
    """xdist's scheduler for several boards, in the form that xdist calls it.

    ``boards`` is filled by whoever knows it: for each test in the order of collection its board. ``lost`` are the
    tests of boards whose process died, by board, without the one that ran.
    """

    def __init__(self, workers: int) -> None:
        self.boards: Sequence[str] = ()
        self.lost: dict[str, list[str]] = {}
        self._workers = workers
        self._collections = 0
        self._collected: list[str] = []
        self._tests: list[str] | None = None  # what was collected, once it is given out
        self._waiting: dict[str, list[int]] = {}  # the tests of each board that no process has
        self._anywhere: deque[int] = deque()
        self._pending: dict[Worker, list[int]] = {}
        self._ended: set[Worker] = set()  # that were let go: they take no more

    @property
    def nodes(self) -> list[Worker]:
        return list(self._pending)

    @property
    def collection_is_completed(self) -> bool:
        return self._collections >= self._workers

    @property
    def has_pending(self) -> bool:
        return bool(self._waiting or self._anywhere) or any(self._pending.values())

    @property
    def tests_finished(self) -> bool:
        """Whether no process needs to hear of more tests."""
        if not self.collection_is_completed or self._tests is None:
            return False
        return not (self._waiting or self._anywhere) and all(len(tests) < 2 for tests in self._pending.values())

    @property
    def unfinished(self) -> dict[str, int]:
        """The number of tests of each board that no process has finished, if there are any."""
        numbers = {board: len(tests) for board, tests in self._waiting.items()}
        for tests in self._pending.values():
            for test in tests:
                numbers[self.boards[test]] = numbers.get(self.boards[test], 0) + 1
        for board, names in self.lost.items():
            numbers[board] = numbers.get(board, 0) + len(names)
        return {board: number for board, number in numbers.items() if board != ANYWHERE}

    def add_node(self, node: Worker) -> None:
        self._pending[node] = []

    def add_node_collection(self, node: Worker, collection: Sequence[str]) -> None:
        """The tests that a process has collected. Raises UsageError if others have collected different ones."""
        if self._collections and list(collection) != self._collected:
            raise pytest.UsageError("the processes of this run have collected different tests")
        self._collected = list(collection)
        self._collections += 1

    def schedule(self) -> None:
        """Give every process work. Called again for one that replaces another."""
        if self._tests is None:
            self._tests = self._collected
            for test in range(len(self._tests)):
                if self.boards[test] == ANYWHERE:
                    self._anywhere.append(test)
                else:
                    self._waiting.setdefault(self.boards[test], []).append(test)
        for node, tests in self._pending.items():
            if (
                not tests and node not in self._ended
            ):  # one for each first, then a second for those with a single test
                self._give(node)
        for node in self._pending:
            self._feed(node)

    def mark_test_complete(self, node: Worker, item_index: int, duration: float = 0) -> None:
        self._pending[node].remove(item_index)
        self._feed(node)

    def mark_test_pending(self, item: str) -> None:
        """Run a test again, as a plugin may ask for one that brought its process down. A board's runs once."""
        assert self._tests is not None
        test = self._tests.index(item)
        if self.boards[test] == ANYWHERE:
            self._anywhere.appendleft(test)
            for node in self._pending:
                self._feed(node)

    def remove_pending_tests_from_node(self, node: Worker, indices: Sequence[int]) -> None:
        raise NotImplementedError("no test is taken back from a process")

    def remove_node(self, node: Worker) -> str | None:
        """A process has ended; the test that it ran then, if any. The other tests of that board are lost."""
        tests = self._pending.pop(node)
        if not tests or self._tests is None:
            return None
        crashed = tests.pop(0)
        for test in tests:
            board = self.boards[test]
            if board == ANYWHERE:
                self._anywhere.append(test)
            elif board == self.boards[crashed]:
                self.lost.setdefault(board, []).append(self._tests[test])
            else:  # a board that it had not come to
                self._waiting.setdefault(board, []).append(test)
        for left in self._pending:
            self._feed(left)
        return self._tests[crashed]

    def _feed(self, node: Worker) -> None:
        """Give a process more if it is about to have nothing to do, or let it end."""
        while len(self._pending[node]) < 2 and node not in self._ended:
            if not self._give(node):
                self._ended.add(node)
                node.shutdown()

    def _give(self, node: Worker) -> bool:
        """Give a process the tests of the next board, or some without one; whether there were any."""
        if self._waiting:
            tests = self._waiting.pop(next(iter(self._waiting)))
        else:
            tests = [self._anywhere.popleft() for _ in range(min(SHARE, len(self._anywhere)))]
        if tests:
            self._pending[node] += tests
            node.send_runtest_some(tests)
        return bool(tests)
