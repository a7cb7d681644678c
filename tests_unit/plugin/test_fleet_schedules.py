"""Simulated runs of several boards: measured one at a time in each air, in the order of arrival, all to the end."""

from __future__ import annotations

import pytest
from camrig.lab import air

from benchmarks.fleet_simulation import Plan, any_plan, equal_plan, simulate, unfairness


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv(air.VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("seed", range(20))
def test_no_two_boards_are_measured_in_one_air(seed, folder):
    plan = any_plan(seed)
    schedule = simulate(plan, seed)
    assert (schedule.overlaps, schedule.overtaken) == (0, 0)
    assert schedule.done == sum(map(len, plan.tests.values())) + plan.anywhere
    assert list(folder.rglob("*.ticket")) == []


def test_boards_in_airs_of_their_own_do_not_wait():
    tests = {"a": [(1.0, True)] * 3, "b": [(1.0, True)] * 3}
    schedule = simulate(Plan({"a": ("channel 1",), "b": ("channel 6",)}, tests, 2))
    assert schedule.seconds == 3.0
    assert sum(map(sum, schedule.waits.values())) == 0
    shared = simulate(Plan({"a": ("channel 1",), "b": ("channel 1",)}, tests, 2))
    assert shared.seconds == 6.0


def test_functional_tests_run_while_another_board_is_measured():
    tests = {"a": [(4.0, True)], "b": [(1.0, False)] * 4}
    assert simulate(Plan(dict.fromkeys("ab", ("channel 1",)), tests, 2)).seconds == 4.0


def test_equal_boards_wait_alike():
    assert unfairness([simulate(equal_plan(seed), seed) for seed in range(20)]) <= 0.2


def test_the_simulation_sees_two_boards_in_one_air(monkeypatch):
    """With a queue that lets everybody in, so that the tests above mean something."""
    monkeypatch.setattr(air.Ticket, "ahead", lambda ticket: None)
    assert sum(simulate(any_plan(seed), seed).overlaps for seed in range(5)) > 0
