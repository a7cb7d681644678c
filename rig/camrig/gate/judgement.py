"""Samples meet limits and become a verdict: pass, regressed, inconclusive, or blocked for what was not measured.

Red needs the whole interval beyond the limit and beyond this bench's noise floor, green needs the whole interval
within the limit, and anything else is inconclusive. A metric keeps the first red or green that a look gives it.
Everything is computed from the samples alone, so that the same samples give the same verdict at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import expm1, isinf, log1p

from camrig.errors import BaselineError, SettingsError
from camrig.gate.calibration import Noise
from camrig.gate.case import Case, good_batches
from camrig.gate.control_samples import MAX_BAD_SHARE
from camrig.gate.effect import effect
from camrig.gate.limits import Limit
from camrig.gate.reasons import reason
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.tails import judged_samples, points, source_of
from camrig.gate.verdict import GateVerdict, MetricVerdict, Outcome, SideSummary
from camrig.measure.sessions import ENOUGH
from camrig.measure.statistics import Estimate, Tails, median, outliers

_ROUNDING = 1e-12  # of a logarithm, so that exactly +10 % is not more than +10 %
Table = Mapping[str, Samples]


def judge(
    candidate: Table,
    baseline: Table,
    limits: Mapping[str, Limit],
    *,
    plan: SequentialPlan,
    paired: bool,
    final: bool = False,
    noise: Mapping[str, Noise] | None = None,
    blocked: Mapping[str, str] | None = None,
) -> GateVerdict:
    """Judge every metric that has a limit.

    ``paired``: the n-th batches of both sides were measured together (A/B); otherwise ``baseline`` is a stored run.
    ``final``: no more batches will come. ``noise`` is the bench's calibration. ``blocked`` says why a metric could
    not be measured.

    Raises SettingsError for no limits or a limit that does not fit its metric, BaselineError for a metric that is
    missing on either side and not ``blocked``.
    """
    if not limits:
        raise SettingsError("the gate has no limits to judge by", hint="set limits in the config file")
    blocked = blocked or {}
    cases = {}
    for metric, limit in limits.items():
        if metric in blocked and source_of(metric) not in candidate:
            continue
        cases[metric] = Case(
            metric,
            limit,
            _required(candidate, metric, "this run"),
            _required(baseline, metric, "the baseline") if limit.change else judged_samples(baseline, metric),
            paired,
            (noise or {}).get(metric),
        )
        _check(cases[metric])
    # Those that are exact cannot be wrong by chance, and leave the error rates to the others.
    varying = max(1, len(limits) - sum(case.is_exact for case in cases.values()))
    verdicts, holds = [], True
    for metric, limit in limits.items():
        if metric not in cases:
            verdicts.append(MetricVerdict(metric, "", str(limit), Outcome.BLOCKED, blocked[metric]))
            continue
        case = cases[metric]
        verdicts.append(_first_decision(case, plan, varying, final))
        holds = holds and not _lacks_sessions(case, case.baseline)
    return GateVerdict(tuple(verdicts), plan.false_alarm, plan.false_pass, holds)


def _required(table: Table, metric: str, source: str) -> Samples:
    samples = judged_samples(table, metric)
    if samples is None or not samples.values:
        raise BaselineError(
            f"{metric} has a limit, but {source} holds no samples of it", hint="measure it, or remove its limit"
        )
    return samples


def _check(case: Case) -> None:
    limit, candidate, baseline = case.limit, case.candidate, case.baseline
    if not limit.relative and limit.unit != candidate.unit:
        raise SettingsError(f"the limit of {case.metric} is {limit}, but it is measured in {candidate.unit}")
    if not limit.change and candidate.kind is MetricKind.TAIL:
        raise SettingsError(
            f"the limit of {case.metric} is {limit}, but a tail is compared with the baseline's",
            hint="write it like +5 points",
        )
    if limit.relative and candidate.kind is MetricKind.TAIL:
        raise SettingsError(
            f"the limit of {case.metric} is {limit}, but a tail is a share itself", hint="write it like +5 points"
        )
    if limit.relative and candidate.kind is MetricKind.SLOPE:
        raise SettingsError(
            f"the limit of {case.metric} is {limit}, but a slope has no share",
            hint=f"give it in {candidate.unit}",
        )
    if baseline and (baseline.unit, baseline.kind) != (candidate.unit, candidate.kind):
        raise BaselineError(
            f"{case.metric} is {candidate.kind.value} in {candidate.unit} in this run, but in the baseline"
            f" {baseline.kind.value} in {baseline.unit}",
            hint="save the baseline again",
        )
    if case.batches_paired and baseline and len(baseline.batches) != len(candidate.batches):
        raise ValueError(f"{case.metric} must have the same number of batches on both sides")


@dataclass(frozen=True)
class _Look:
    """A look at the candidate's first ``batches``; ``previous`` is the number of the look before, -1 for none."""

    number: int
    previous: int
    batches: int
    candidate_flags: list[bool]
    baseline_flags: list[bool]


def _first_decision(case: Case, plan: SequentialPlan, metrics: int, final: bool) -> MetricVerdict:
    """The verdict of the first look that decides, else that of the last."""
    verdict = None
    for look in _looks(case, plan, final):
        if case.judged_once:
            return _judge_look(case, look, (plan.false_alarm / metrics, plan.false_pass))
        verdict = _judge_look(case, look, plan.errors(look.number, metrics, look.previous))
        if verdict.outcome is not Outcome.INCONCLUSIVE:
            return verdict
    total = len(case.candidate.batches)
    is_open = not final and total < plan.max_batches
    if verdict is None:
        text = f"{total} batches so far, but the first look needs {plan.looks[0]} good ones"
        return MetricVerdict(
            case.metric, case.candidate.unit, str(case.limit), Outcome.INCONCLUSIVE, text, open=is_open
        )
    return replace(verdict, open=is_open)


def _looks(case: Case, plan: SequentialPlan, final: bool) -> Iterator[_Look]:
    """Each look that the batches allow, as soon as enough of them are good, with a flag for each batch."""
    total = len(case.candidate.batches)
    last = len(plan.looks) - 1
    if case.judged_once:
        yield _Look(0, -1, total, *good_batches(case, total))
        return
    done = -1
    for batches in range(plan.looks[0], total + 1):
        candidate, baseline = good_batches(case, batches)
        unpaired = not case.batches_paired and case.baseline is not None
        number = plan.look(min(sum(candidate), sum(baseline)) if unpaired else sum(candidate)) - 1
        if number > done:
            yield _Look(number, done, batches, candidate, baseline)
            done = number
    if done < last and (final or total >= plan.max_batches):
        yield _Look(last, done, total, *good_batches(case, total))


def _judge_look(case: Case, look: _Look, tails: Tails) -> MetricVerdict:
    limit, unit, floor = case.limit, case.candidate.unit, case.floor
    candidate = case.candidate
    if look.batches < len(candidate.batches):  # of sessions there is one look only
        candidate = Samples(unit, candidate.kind, candidate.batches[: look.batches])
    baseline = case.baseline
    if baseline and case.batches_paired:
        baseline = replace(baseline, batches=baseline.batches[: look.batches])
    sides = (
        _side_summary(candidate, look.candidate_flags),
        _side_summary(baseline, look.baseline_flags) if baseline else None,
    )
    estimate, outcome = None, Outcome.INCONCLUSIVE
    text = _bad_radio(sides)
    good = baseline.select(look.baseline_flags) if baseline else None
    if not text:
        try:
            estimate = effect(
                limit,
                candidate.select(look.candidate_flags),
                good,
                case.paired,
                tails if limit.upward else tails[::-1],
            )
        except ValueError as error:
            outcome, text = Outcome.BLOCKED, str(error)
    if estimate:
        outcome = _outcome(limit, estimate, floor or 0.0)
        if _lacks_sessions(case, good):
            outcome = Outcome.INCONCLUSIVE
        if limit.relative:
            estimate = _as_share(estimate)
    if not text:
        exact = candidate.kind is MetricKind.SLOPE or case.is_exact
        sessions = len(good.by_session()) if good and _lacks_sessions(case, good) else None
        text = reason(limit, unit, estimate, outcome, floor, exact=exact, sessions=sessions)
    return MetricVerdict(
        case.metric, unit, str(limit), outcome, text, estimate, *sides, floor, look.number + 1, *tails
    )


def _lacks_sessions(case: Case, baseline: Samples | None) -> bool:
    """Whether too few sessions show how far days differ, and no calibration does."""
    if not case.is_between_sessions or case.noise is not None or baseline is None:
        return False
    return len(baseline.by_session()) < ENOUGH


def _bad_radio(sides: tuple[SideSummary | None, ...]) -> str:
    """Why nothing can be decided, where too many batches of a side are bad; else empty."""
    text = ""
    for side in sides:
        if side and side.bad > MAX_BAD_SHARE * side.batches:
            text = f"the radio was bad, or not watched by control samples, in {side.bad} of {side.batches} batches"
    return text


def _as_share(estimate: Estimate) -> Estimate:
    """An estimate in logarithms as a fraction."""
    return Estimate(*(end if isinf(end) else expm1(end) for end in (estimate.value, estimate.low, estimate.high)))


def _outcome(limit: Limit, estimate: Estimate, floor: float) -> Outcome:
    """The answer, from the estimate with the sign that makes more of it worse."""
    low, high = (estimate.low, estimate.high) if limit.upward else (-estimate.high, -estimate.low)
    if limit.relative:
        share = limit.size / 100
        bound = _ROUNDING + (log1p(share) if limit.upward else -log1p(-share))
        floor = log1p(floor)
    else:
        bound = limit.size if limit.upward or limit.change else -limit.size
    if (low > bound or (limit.strict and low == bound)) and (low > floor or not limit.change):
        return Outcome.REGRESSED
    if not isinf(high) and (high < bound or (high == bound and not limit.strict)):
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def _side_summary(samples: Samples, flags: list[bool]) -> SideSummary:
    values = samples.select(flags).values
    has_level = bool(values) and samples.kind is not MetricKind.SLOPE  # a slope's values have another unit
    distant = outliers(values) if has_level else None
    level = points if samples.kind is MetricKind.TAIL else median
    return SideSummary(
        len(values),
        level(values) if has_level else None,
        len(flags),
        flags.count(False),
        distant.low if distant else 0,
        distant.high if distant else 0,
    )
