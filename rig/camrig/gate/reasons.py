"""The reason of a verdict in one sentence."""

from __future__ import annotations

from math import isinf

from camrig.gate.limits import Limit
from camrig.gate.verdict import Outcome
from camrig.measure.sessions import ENOUGH
from camrig.measure.statistics import Estimate


def reason(
    limit: Limit,
    unit: str,
    effect: Estimate | None,
    outcome: Outcome,
    floor: float | None,
    *,
    exact: bool = False,
    sessions: int | None = None,
) -> str:
    """Why ``outcome``: the effect (a share is a fraction), its interval and the limit.

    ``exact``: nothing varied. ``sessions``: how many the baseline holds, where these are too few.
    """
    if effect is None:
        return "no good batch is left to judge by"
    size = figure(limit, unit, effect.value)
    if effect.low == effect.high:
        subject = f"{size}, exactly," if exact else size
    elif isinf(effect.low) and isinf(effect.high):
        return f"{size}, but there are too few batches to bound it"
    else:
        subject = f"{size} ({_end(limit, unit, effect.low)} to {_end(limit, unit, effect.high)})"
    if sessions is not None:
        return (
            f"{subject} cannot be judged: the baseline holds {sessions} session{'s' * (sessions != 1)}, and how far"
            f" days differ takes {ENOUGH} of them (add some with --hil-save, or run camrig calibrate)"
        )
    if outcome is Outcome.REGRESSED:
        return f"{subject} is beyond {limit}"
    if outcome is Outcome.PASS:
        return f"{subject} is within {limit}"
    if limit.change and floor and floor > (limit.size / 100 if limit.relative else limit.size):
        size = figure(limit, unit, floor)
        return f"{subject} cannot be judged by {limit}, which is below this bench's noise floor of {size}"
    return f"{subject} is neither clearly within {limit} nor clearly beyond it"


def figure(limit: Limit, unit: str, value: float) -> str:
    """A change with its sign, in % for a share; a value without."""
    sign = "+" if limit.change else ""
    if limit.relative:
        return f"{value * 100:{sign}.1f}%"
    return f"{value:{sign}.4g} {unit}" if abs(value) < 1000 else f"{value:{sign},.0f} {unit}"


def _end(limit: Limit, unit: str, value: float) -> str:
    return "unbounded" if isinf(value) else figure(limit, unit, value)
