"""One metric's samples become one estimate, on the scale on which its limit speaks.

The unit of evidence is the batch, not the value: values of one batch share their radio minute, their collector's
phase and their machine's mood, so that counting them one by one would promise far more than they know. Bytes and
other counts are no samples of anything, and have a rule of their own: ``camrig.gate.counts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from camrig.gate.counts import counted_level, counted_shift
from camrig.gate.limits import Limit
from camrig.gate.samples import Batch, Kind, Samples
from camrig.measure.shift import centre, logarithms, middle_shift, shift
from camrig.measure.slope import rise
from camrig.measure.statistics import Estimate, Tails, median, quantile_interval


def effect(limit: Limit, candidate: Samples, baseline: Samples | None, paired: bool, tails: Tails) -> Estimate | None:
    """What ``limit`` is about: a share as a logarithm, a change in the metric's unit, or the value itself.

    None without a batch to tell it from. ``baseline`` may be None for a limit on the value itself. In ``paired``
    samples the n-th batches of both sides were measured together.

    Raises ValueError for a share of values that are not positive.
    """
    if not candidate.values or (limit.change and (baseline is None or not baseline.values)):
        return None
    if candidate.kind is Kind.SLOPE:
        return _rise(limit, candidate, baseline, tails)
    if not limit.change or baseline is None:
        return _level(limit, candidate, tails)
    if exact(candidate, baseline):
        return _exact(_difference(candidate.values[0], baseline.values[0], limit.relative))
    if counts(candidate, baseline):
        ours, theirs = _turned(limit, candidate), _turned(limit, baseline)
        return _back(limit, counted_shift(ours, theirs, paired, tails if limit.upward else tails[::-1]))
    if paired:
        return centre(differences(candidate.batches, baseline.batches, limit.relative), tails)
    return _unpaired(candidate, baseline, limit.relative, tails)


def counts(candidate: Samples, baseline: Samples | None) -> bool:
    """Whether both sides are counts, which are judged by their ranges."""
    return candidate.whole and (baseline is None or baseline.whole)


def exact(candidate: Samples, baseline: Samples | None) -> bool:
    """Whether the values themselves, two or more on a side, are all there is to know."""
    return candidate.kind is Kind.COUNTED and candidate.constant and (baseline is None or baseline.constant)


def differences(candidate: Sequence[Batch], baseline: Sequence[Batch], relative: bool) -> list[float]:
    """Batch by batch, by how much the candidate lies above the baseline; logarithms of the ratio when ``relative``.

    Swapping the sides changes the sign and nothing else, which is what the signed-rank interval asks for.
    Raises ValueError for ratios of values that are not positive.
    """
    return [
        middle_shift(_scaled(ours.values, relative), _scaled(theirs.values, relative))
        for ours, theirs in zip(candidate, baseline, strict=True)
    ]


def _unpaired(candidate: Samples, baseline: Samples, relative: bool, tails: Tails) -> Estimate:
    ours, theirs = _levels(candidate, relative), _levels(baseline, relative)
    found = shift(ours, theirs, tails)
    if candidate.kind is not Kind.TIMED:
        return found
    # The radio may have changed from one session to the other by less than would mark a batch as bad. So the shift is
    # taken once more with each batch against its own control samples, and the two must agree for any answer.
    against = shift(_above_control(candidate, ours, relative), _above_control(baseline, theirs, relative), tails)
    return Estimate(found.value, min(found.low, against.low), max(found.high, against.high))


def _above_control(samples: Samples, levels: list[float], relative: bool) -> list[float]:
    return [
        level - median(_scaled(batch.control, relative)) for level, batch in zip(levels, samples.batches, strict=True)
    ]


def _rise(limit: Limit, candidate: Samples, baseline: Samples | None, tails: Tails) -> Estimate | None:
    half = (tails[0] / 2, tails[1] / 2) if limit.change else tails
    ours = _slope(candidate, half)
    if not limit.change or baseline is None:
        return ours
    theirs = _slope(baseline, (half[1], half[0]))
    if ours is None or theirs is None:
        return None
    return Estimate(ours.value - theirs.value, ours.low - theirs.high, ours.high - theirs.low)


def _slope(samples: Samples, tails: Tails) -> Estimate | None:
    series = [list(zip(batch.at, batch.values, strict=True)) for batch in samples.batches if len(batch.values) > 1]
    return rise(series, tails) if series else None


def _level(limit: Limit, samples: Samples, tails: Tails) -> Estimate:
    if samples.kind is Kind.COUNTED and samples.constant:
        return _exact(samples.values[0])
    if samples.whole:
        found = counted_level(_turned(limit, samples), tails if limit.upward else tails[::-1])
        return _back(limit, found)
    return quantile_interval(_levels(samples, False), 0.5, tails)


def _turned(limit: Limit, samples: Samples) -> list[list[float]]:
    """The values of each batch on the scale of ``limit``, more of them being worse."""
    sign = 1 if limit.upward else -1
    return [
        [sign * value for value in _scaled(batch.values, limit.relative)] for batch in samples.batches if batch.values
    ]


def _back(limit: Limit, found: Estimate) -> Estimate:
    return found if limit.upward else Estimate(-found.value, -found.high, -found.low)


def _levels(samples: Samples, relative: bool) -> list[float]:
    return [median(_scaled(batch.values, relative)) for batch in samples.batches]


def _scaled(values: Sequence[float], relative: bool) -> Sequence[float]:
    return logarithms(values) if relative else values


def _difference(ours: float, theirs: float, relative: bool) -> float:
    if not relative or ours == theirs:
        return 0.0 if ours == theirs else ours - theirs
    if ours <= 0 or theirs <= 0:
        raise ValueError("a ratio wants values above nought")
    return log(ours / theirs)


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)
