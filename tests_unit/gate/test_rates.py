"""How often the gate is wrong on simulated boards; ``benchmarks/gate_sim.py`` does the same with a hundred each."""

from __future__ import annotations

import pytest

from benchmarks.gate_sim import SCENARIOS, simulate

RUNS = 10


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_error_rates_of_each_scenario(scenario):
    rates = simulate(scenario, RUNS, seed=20)
    assert sum(rates.outcomes.values()) == RUNS
    assert rates.meet(scenario), dict(rates.outcomes)
