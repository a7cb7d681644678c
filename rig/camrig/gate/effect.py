"""One metric's samples become one estimate, on the scale of its limit.

The unit of evidence is the batch, not the value: the values of one batch share the radio, the phase of the garbage
collector and the state of the machine, so that intervals over single values would be far too narrow. Bytes and other
counts are not samples of anything, and have a rule of their own: ``camrig.gate.counts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log

from camrig.gate.counts import count_level, count_shift
from camrig.gate.limits import Limit
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.two_runs import run_shift
from camrig.measure.batch import SampleBatch
from camrig.measure.growth import lasting_rise
from camrig.measure.shift import centre, logarithms, median_shift
from camrig.measure.statistics import Estimate, Tails, median, quantile_interval
from camrig.measure.tail import exceedance_difference, mean_difference


def effect(limit: Limit, candidate: Samples, baseline: Samples | None, paired: bool, tails: Tails) -> Estimate | None:
    """What ``limit`` is about: a share as a logarithm, a change in the metric's unit, or the value itself.

    None without a batch to compute it from. ``baseline`` may be None for a limit on the value itself. In ``paired``
    samples the n-th batches of both sides were measured together.

    Raises ValueError for a share of values that are not positive.
    """
    if not candidate.values or (limit.change and (baseline is None or not baseline.values)):
        return None
    if candidate.kind is MetricKind.SLOPE:
        return _rise(limit, candidate, baseline, tails)
    if not limit.change or baseline is None:
        return _level(limit, candidate, tails)
    if both_exact(candidate, baseline):
        return _exact(_difference(candidate.values[0], baseline.values[0], limit.relative))
    if both_counts(candidate, baseline):
        values = _more_is_worse(limit, candidate), _more_is_worse(limit, baseline)
        return _limit_scale(limit, count_shift(*values, paired, tails if limit.upward else tails[::-1]))
    if paired and candidate.kind is MetricKind.TAIL:
        return _tail_shift(candidate, baseline, tails)
    if paired:
        return centre(batch_differences(candidate.batches, baseline.batches, limit.relative), tails)
    return run_shift(candidate, baseline, limit.relative, tails)


def both_counts(candidate: Samples, baseline: Samples | None) -> bool:
    """Whether both sides are counts, which are judged by their ranges."""
    return candidate.are_counts and (baseline is None or baseline.are_counts)


def both_exact(candidate: Samples, baseline: Samples | None) -> bool:
    """Whether nothing varies: two values or more on each side, all of them equal."""
    return candidate.kind is MetricKind.COUNTED and candidate.constant and (baseline is None or baseline.constant)


def batch_differences(
    candidate: Sequence[SampleBatch], baseline: Sequence[SampleBatch], relative: bool
) -> list[float]:
    """Batch by batch, by how much the candidate lies above the baseline; logarithms of the ratio when ``relative``.

    Swapping the sides changes the sign and nothing else, which is what the signed-rank interval assumes.
    Raises ValueError for ratios of values that are not positive.
    """
    return [
        median_shift(_scaled(a.values, relative), _scaled(b.values, relative))
        for a, b in zip(candidate, baseline, strict=True)
    ]


def _tail_shift(candidate: Samples, baseline: Samples, tails: Tails) -> Estimate:
    """By how many percentage points the candidate's share of slow values lies above the baseline's."""
    differences = [
        exceedance_difference(a.values, b.values) for a, b in zip(candidate.batches, baseline.batches, strict=True)
    ]
    estimate = mean_difference(differences, tails)
    return Estimate(100 * estimate.value, 100 * estimate.low, 100 * estimate.high)


def _rise(limit: Limit, candidate: Samples, baseline: Samples | None, tails: Tails) -> Estimate | None:
    half = (tails[0] / 2, tails[1] / 2) if limit.change else tails
    candidate_rise = _slope(candidate, half)
    if not limit.change or baseline is None:
        return candidate_rise
    baseline_rise = _slope(baseline, (half[1], half[0]))
    if candidate_rise is None or baseline_rise is None:
        return None
    return Estimate(
        candidate_rise.value - baseline_rise.value,
        candidate_rise.low - baseline_rise.high,
        candidate_rise.high - baseline_rise.low,
    )


def _slope(samples: Samples, tails: Tails) -> Estimate | None:
    series = [list(zip(batch.at, batch.values, strict=True)) for batch in samples.batches if len(batch.values) > 1]
    return lasting_rise(series, tails) if series else None


def _level(limit: Limit, samples: Samples, tails: Tails) -> Estimate:
    if samples.kind is MetricKind.COUNTED and samples.constant:
        return _exact(samples.values[0])
    if samples.are_counts:
        level = count_level(_more_is_worse(limit, samples), tails if limit.upward else tails[::-1])
        return _limit_scale(limit, level)
    return quantile_interval(_levels(samples, False), 0.5, tails)


def _more_is_worse(limit: Limit, samples: Samples) -> list[list[float]]:
    """The values of each batch on the scale of ``limit``, with the sign that makes more of them worse."""
    sign = 1 if limit.upward else -1
    return [
        [sign * value for value in _scaled(batch.values, limit.relative)] for batch in samples.batches if batch.values
    ]


def _limit_scale(limit: Limit, estimate: Estimate) -> Estimate:
    """The estimate of ``_more_is_worse`` values with the limit's own sign."""
    return estimate if limit.upward else Estimate(-estimate.value, -estimate.high, -estimate.low)


def _levels(samples: Samples, relative: bool) -> list[float]:
    return [median(_scaled(batch.values, relative)) for batch in samples.batches]


def _scaled(values: Sequence[float], relative: bool) -> Sequence[float]:
    return logarithms(values) if relative else values


def _difference(candidate: float, baseline: float, relative: bool) -> float:
    if candidate == baseline:
        return 0.0
    if not relative:
        return candidate - baseline
    if candidate <= 0 or baseline <= 0:
        raise ValueError("a ratio needs values above zero")
    return log(candidate / baseline)


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)
