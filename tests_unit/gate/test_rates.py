"""How often the gate is wrong on made-up boards; ``benchmarks/gate_sim.py`` asks the same of a hundred each."""

from __future__ import annotations

import pytest

from benchmarks.gate_sim import SCENARIOS, put_through

RUNS = 10


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_rates(scenario):
    rates = put_through(scenario, RUNS, seed=20)
    assert sum(rates.outcomes.values()) == RUNS
    assert rates.suit(scenario), dict(rates.outcomes)
