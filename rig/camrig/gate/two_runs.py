"""A run against the stored sessions of a baseline: nothing was interleaved, and days differ.

Red and green need both of two intervals: of the batches, and of the sessions.
"""

from __future__ import annotations

from collections.abc import Sequence

from camrig.gate.samples import MetricKind, Samples
from camrig.gate.tails import points
from camrig.measure.batch import SampleBatch
from camrig.measure.control import Pair, control_coefficient
from camrig.measure.sessions import ENOUGH, session_shift
from camrig.measure.shift import logarithms, shift
from camrig.measure.statistics import Estimate, Tails, median

# By how much the same library is expected to differ between two sessions of one bench (a standard deviation). The
# batches of one session do not show it: they share a boot, and places on the heap.
EXPECTED_SHARE = 0.025
EXPECTED_POINTS = 1.0  # of a tail


def run_shift(candidate: Samples, baseline: Samples, relative: bool, tails: Tails) -> Estimate:
    """By how much the candidate's batches lie above the baseline's; logarithms when ``relative``.

    The Hodges–Lehmann shift of the batches, with levels less their control's part in them; from ``ENOUGH`` sessions
    on widened to include the interval of ``session_shift``. Raises ValueError for a share of values that are not
    positive.
    """
    candidate_sessions, sessions = _adjusted(candidate, baseline, relative)
    levels = [level for session in candidate_sessions for level in session]
    stored = [level for session in sessions for level in session]
    of_batches = shift(levels, stored, tails)
    if len(sessions) < ENOUGH:
        return of_batches
    of_sessions = session_shift(
        [median(session) for session in candidate_sessions],
        [median(session) for session in sessions],
        _expected(candidate, stored, relative),
        tails,
    )
    return Estimate(of_sessions.value, min(of_batches.low, of_sessions.low), max(of_batches.high, of_sessions.high))


def _adjusted(candidate: Samples, baseline: Samples, relative: bool) -> tuple[list[list[float]], list[list[float]]]:
    """The levels of the batches of each session, without what their control samples explain."""
    sides = [[[_level(batch, samples.kind, relative) for batch in session] for session in samples.by_session()]
             for samples in (candidate, baseline)]  # fmt: skip
    if candidate.kind is not MetricKind.TIMED:
        return sides[0], sides[1]
    controls = [[[median(_scaled(batch.control, relative)) for batch in session] for session in samples.by_session()]
                for samples in (candidate, baseline)]  # fmt: skip
    pairs: list[Sequence[Pair]] = [
        list(zip(control, levels, strict=True))
        for side_controls, side in zip(controls, sides, strict=True)
        for control, levels in zip(side_controls, side, strict=True)
    ]
    coefficient = control_coefficient(pairs)
    usual = median([value for session in controls[1] for value in session])
    adjusted = [
        [
            [level - coefficient * (value - usual) for level, value in zip(levels, control, strict=True)]
            for levels, control in zip(side, side_controls, strict=True)
        ]
        for side, side_controls in zip(sides, controls, strict=True)
    ]
    return adjusted[0], adjusted[1]


def _expected(candidate: Samples, stored: Sequence[float], relative: bool) -> float:
    """The spread to expect between sessions, on the scale of the levels."""
    if candidate.kind is MetricKind.TAIL:
        return EXPECTED_POINTS
    return EXPECTED_SHARE * (1.0 if relative else abs(median(stored)))


def _level(batch: SampleBatch, kind: MetricKind, relative: bool) -> float:
    return points(batch.values) if kind is MetricKind.TAIL else median(_scaled(batch.values, relative))


def _scaled(values: Sequence[float], relative: bool) -> Sequence[float]:
    return logarithms(values) if relative else values
