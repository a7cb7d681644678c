"""A verdict's reason in one sentence."""

from __future__ import annotations

from math import isinf

from camrig.gate.limits import Limit
from camrig.gate.verdict import Outcome
from camrig.measure.statistics import Estimate


def reason(
    limit: Limit,
    unit: str,
    found: Estimate | None,
    outcome: Outcome,
    floor: float | None,
    *,
    exact: bool = False,
    assumed: bool = False,
) -> str:
    """Why ``outcome``: the effect (a share is a fraction), its interval and the limit.

    ``exact``: nothing varied. ``assumed``: the floor is not this bench's own.
    """
    if found is None:
        return "no batch is left to tell by"
    size = figure(limit, unit, found.value)
    if found.low == found.high:
        told = f"{size}, exactly," if exact else size
    elif isinf(found.low) and isinf(found.high):
        return f"{size}, but these batches are too few to bound it"
    else:
        told = f"{size} ({_end(limit, unit, found.low)} to {_end(limit, unit, found.high)})"
    if outcome is Outcome.REGRESSED:
        return f"{told} is beyond {limit}"
    if outcome is Outcome.PASS:
        return f"{told} is within {limit}"
    if limit.change and floor and floor > (limit.size / 100 if limit.relative else limit.size):
        size = figure(limit, unit, floor)
        if assumed:
            return f"{told} cannot be told from {limit}: sessions may differ by {size} (see camrig calibrate)"
        return f"{told} cannot be told from {limit}, which is below this bench's noise floor of {size}"
    return f"{told} cannot be told from {limit}"


def figure(limit: Limit, unit: str, value: float) -> str:
    """A change with its sign, in % for a share; a value plain."""
    sign = "+" if limit.change else ""
    if limit.relative:
        return f"{value * 100:{sign}.1f}%"
    return f"{value:{sign}.4g} {unit}" if abs(value) < 1000 else f"{value:{sign},.0f} {unit}"


def _end(limit: Limit, unit: str, value: float) -> str:
    return "unbounded" if isinf(value) else figure(limit, unit, value)
