"""The simulated night that ``benchmarks/fleet_scale.py`` measures: all tests end, and no two boards share the air."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest
from camrig.lab.air import VARIABLE

from benchmarks.fleet_world import BROKEN, FUNCTIONAL, HANG, HUNG, LOST, MEASURING, PASSED, Lab, drawn, night

SMALL = Lab(boards=9, boards_per_host=5, boards_per_access_point=3, functional=6, measuring=3)
WELL = replace(SMALL, broken=0.0, hung=0.0, lost=0.0)


def test_every_test_of_every_board_runs_once_and_alone_on_the_air():
    outcome = night(WELL)
    assert outcome.hosts == 2
    assert outcome.ended == {PASSED: 9}
    assert outcome.tests == {"ran": 9 * 9}
    assert outcome.overlaps == 0
    assert len(outcome.held) == 4
    assert sum(map(len, outcome.waited.values())) == 9
    assert outcome.searches > 0
    assert outcome.looks > 0


@pytest.mark.parametrize("fate", [BROKEN, HUNG, LOST])
def test_boards_that_fail_take_only_their_own_tests(fate):
    outcome = night(replace(WELL, **{fate: 1.0}), seed=3)
    assert outcome.ended == {fate: 9}
    assert sum(outcome.tests.values()) == 9 * 9
    assert outcome.overlaps == 0
    if fate == HUNG:
        assert outcome.tests["ran"] == 9 * 9
        assert outcome.seconds >= 2 * HANG
    else:
        assert 0 < outcome.tests["ran"] < 9 * 9
    assert outcome.tests["crashed"] == (9 if fate == LOST else 0)


def test_without_measuring_nobody_waits():
    outcome = night(replace(WELL, measuring=0))
    assert (outcome.held, outcome.looks, outcome.searches, outcome.unfair) == ({}, 0.0, 0, 0.0)


def test_the_night_is_as_long_as_its_busiest_air_needs():
    outcome = night(replace(WELL, functional=0, measuring=8, boards_per_access_point=9, boards_per_host=9))
    (seconds,) = outcome.held.values()
    assert outcome.longest == pytest.approx(seconds)


def test_the_same_seed_gives_the_same_night():
    first, second = night(SMALL, 5), night(SMALL, 5)
    assert (first.longest, first.ended, first.held) == (second.longest, second.ended, second.held)
    assert night(SMALL, 6).held != first.held


def test_the_tickets_of_a_simulation_are_not_those_of_this_host():
    before = os.environ.get(VARIABLE)
    night(replace(WELL, boards=2))
    assert os.environ.get(VARIABLE) == before


@pytest.mark.parametrize("quantiles", [FUNCTIONAL, MEASURING])
def test_times_are_drawn_from_the_measured_quantiles(quantiles):
    random = Random(7)
    values = sorted(drawn(quantiles, random) for _ in range(4000))
    assert quantiles[0] <= values[0] <= values[-1] <= quantiles[-1]
    assert values[2000] == pytest.approx(quantiles[2], rel=0.3)
    assert values[3600] == pytest.approx(quantiles[4], rel=0.3)
