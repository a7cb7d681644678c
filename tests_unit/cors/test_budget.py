"""The bytes that the library costs a board stay within the committed budget, and the budget within the goals."""

from __future__ import annotations

import json

import pytest

from benchmarks.cors_cost import BUDGET, GOALS, Cost, interpreter, measure

COMMITTED = json.loads(BUDGET.read_text())


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    return {cost.label: cost for cost in measure(interpreter())}


@pytest.mark.parametrize("label", sorted(GOALS))
def test_budget_within_goal(label: str) -> None:
    assert COMMITTED[label] <= GOALS[label]


@pytest.mark.parametrize("label", sorted(COMMITTED))
def test_cost_within_budget(label: str, costs: dict[str, Cost]) -> None:
    assert costs[label].ours <= COMMITTED[label], "run `make bench-cors` for the whole table"
