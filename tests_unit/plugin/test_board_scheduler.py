"""Which process runs which tests: a board is in one process, and what befalls that takes no other board's tests."""

from __future__ import annotations

from collections import deque

import pytest
from camrig.plugin.board_scheduler import ANYWHERE, BoardScheduler
from hypothesis import given
from hypothesis import strategies as st


class Process:
    """A process of xdist: it begins a test only when it knows the next one, or that there is none."""

    def __init__(self) -> None:
        self.queue: deque[int] = deque()
        self.done: list[int] = []
        self.ends = self.is_down = False

    def send_runtest_some(self, indices) -> None:
        assert indices
        assert not self.ends
        self.queue.extend(indices)

    def shutdown(self) -> None:
        self.ends = True

    @property
    def can_run(self) -> bool:
        return not self.is_down and (len(self.queue) > 1 or (self.ends and bool(self.queue)))


def started(boards: list[str], workers: int) -> tuple[BoardScheduler, list[Process]]:
    scheduler = BoardScheduler(workers)
    processes = [Process() for _ in range(workers)]
    for process in processes:
        add(scheduler, process, boards)
    return scheduler, processes


def add(scheduler: BoardScheduler, process: Process, boards: list[str]) -> None:
    scheduler.boards = boards
    scheduler.add_node(process)
    scheduler.add_node_collection(process, [f"test {number}" for number in range(len(boards))])
    if scheduler.collection_is_completed:
        scheduler.schedule()


def step(scheduler: BoardScheduler, process: Process) -> None:
    test = process.queue.popleft()
    process.done.append(test)
    scheduler.mark_test_complete(process, test, 0.1)


def run_all(scheduler: BoardScheduler, processes: list[Process], choose=lambda able: able[0]) -> None:
    while able := [process for process in processes if process.can_run]:
        step(scheduler, choose(able))


collections = st.lists(st.sampled_from(["a", "b", "c", ANYWHERE]), max_size=14)


@given(collections, st.integers(1, 3), st.randoms(use_true_random=False))
def test_every_test_runs_once_and_a_board_in_one_process(boards, workers, random):
    scheduler, processes = started(boards, workers)
    run_all(scheduler, processes, random.choice)
    assert sorted(test for process in processes for test in process.done) == list(range(len(boards)))
    for board in set(boards) - {ANYWHERE}:
        (owner,) = [process for process in processes if board in {boards[test] for test in process.done}]
        ran = [test for test in owner.done if boards[test] == board]
        assert ran == [test for test in range(len(boards)) if boards[test] == board]
        first, last = owner.done.index(ran[0]), owner.done.index(ran[-1])
        assert owner.done[first : last + 1] == ran  # its fixtures are set up once
    assert scheduler.tests_finished
    assert not scheduler.has_pending
    assert scheduler.unfinished == {}


@given(collections, st.integers(1, 3), st.data())
def test_a_process_that_dies_takes_its_board_alone(boards, workers, data):
    scheduler, processes = started(boards, workers)
    crashed = None
    for _ in range(data.draw(st.integers(0, 8))):
        if able := [process for process in processes if process.can_run]:
            step(scheduler, data.draw(st.sampled_from(able)))
    if able := [process for process in processes if process.can_run]:
        victim = data.draw(st.sampled_from(able))
        victim.is_down = True
        crashed = victim.queue[0]
        assert scheduler.remove_node(victim) == f"test {crashed}"
        processes.append(Process())
        add(scheduler, processes[-1], boards)
    run_all(scheduler, processes)
    done = [test for process in processes for test in process.done]
    lost = set(range(len(boards))) - set(done) - {crashed}
    assert len(done) == len(set(done))
    assert {boards[test] for test in lost} <= ({boards[crashed]} - {ANYWHERE} if crashed is not None else set())
    assert sum(scheduler.unfinished.values()) == len(lost)
    assert scheduler.lost == ({boards[crashed]: [f"test {test}" for test in sorted(lost)]} if lost else {})
    assert scheduler.tests_finished


def test_fewer_processes_than_boards_take_the_next_board():
    scheduler, (process,) = started(["a", "a", "b", "b"], 1)
    assert list(process.queue) == [0, 1]
    step(scheduler, process)
    assert list(process.queue) == [1, 2, 3]


def test_nothing_runs_before_all_have_collected():
    scheduler = BoardScheduler(2)
    process = Process()
    add(scheduler, process, ["a"])
    assert (list(process.queue), process.ends, scheduler.tests_finished) == ([], False, False)
    add(scheduler, Process(), ["a"])
    assert (list(process.queue), process.ends) == ([0], True)


def test_different_collections_are_one_sentence():
    scheduler = BoardScheduler(2)
    scheduler.boards = ["a"]
    scheduler.add_node_collection(Process(), ["test 0"])
    with pytest.raises(pytest.UsageError, match="the processes of this run have collected different tests"):
        scheduler.add_node_collection(Process(), ["test 1"])


def test_what_a_run_left_undone_is_counted_by_board():
    scheduler, (process, _) = started(["a", "a", "b", ANYWHERE, "a"], 2)
    step(scheduler, process)
    assert scheduler.unfinished == {"a": 2, "b": 1}


def test_a_crashed_test_without_a_board_may_run_again():
    scheduler, (process, victim) = started([ANYWHERE, ANYWHERE, "a"], 2)
    assert scheduler.remove_node(victim) == "test 0"
    replacement = Process()
    add(scheduler, replacement, [ANYWHERE, ANYWHERE, "a"])
    scheduler.mark_test_pending("test 2")  # a board's test does not
    run_all(scheduler, [process, replacement])
    assert sorted(process.done + replacement.done) == [1, 2]
