"""Samples meet limits and become a verdict: pass, regressed, inconclusive, or blocked for what was not measured.

Red wants the whole interval beyond the limit and beyond this bench's noise floor, green wants the whole interval
within the limit, and anything else is inconclusive. A metric keeps the first red or green that a look gives it.
Everything is worked out anew from the samples alone, so that the same samples give the same verdict at any time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import expm1, isinf, log1p

from camrig.errors import BaselineError, SettingsError
from camrig.gate.calibration import Noise
from camrig.gate.control_samples import SHARE, Mark, Usual, in_order, mark, usual
from camrig.gate.effect import counts, effect, exact
from camrig.gate.limits import Limit
from camrig.gate.reasons import reason
from camrig.gate.samples import Kind, Samples
from camrig.gate.sequential_plan import Plan
from camrig.gate.verdict import GateVerdict, Outcome, Side, Verdict
from camrig.measure.statistics import Estimate, Tails, median, outliers

# By how much, as a share, a metric of the same library may differ from one session to another on a bench that nobody
# has calibrated. Batches of one session say nothing about that: they share a boot, and places on the heap.
SESSIONS_TIMED = 0.15
SESSIONS_SHARE = 0.10  # of what was set against another figure of its own session

_GRAIN = 1e-12  # rounding of a logarithm, so that +10 % exactly is not more than +10 %
Table = Mapping[str, Samples]


@dataclass(frozen=True)
class Case:
    """One metric before the gate. ``baseline`` is None only for a limit on the value itself."""

    metric: str
    limit: Limit
    candidate: Samples
    baseline: Samples | None
    paired: bool
    noise: Noise | None

    @cached_property
    def once(self) -> bool:
        """Whether it is judged once, with all that there is and all that the plan may spend: slopes and counts."""
        beside = self.baseline if self.limit.change else None
        return self.candidate.kind is Kind.SLOPE or counts(self.candidate, beside)

    @property
    def together(self) -> bool:
        """Whether the n-th batches of both sides belong together; a heap has one library to itself."""
        return self.paired and self.candidate.kind is not Kind.SLOPE

    @property
    def sessions(self) -> bool:
        """Whether a difference between two sessions might be taken for one between two libraries."""
        return not self.paired and self.limit.change and not self.once and self.noise is None

    @property
    def floor(self) -> float | None:
        """The noise floor on the limit's scale: the calibrated one, or what two sessions may differ by; else None."""
        if self.noise:
            return self.noise.floor_for(self.limit)
        if not self.sessions or self.baseline is None:
            return None
        share = SESSIONS_TIMED if self.candidate.kind is Kind.TIMED else SESSIONS_SHARE
        return share if self.limit.relative else share * abs(median(self.baseline.values))

    @cached_property
    def marks(self) -> tuple[list[Mark | None], list[Mark | None]]:
        """What the control samples of each side's batches say; of both sides together when measured together."""
        ours = [batch.control for batch in self.candidate.batches]
        theirs = [batch.control for batch in self.baseline.batches] if self.baseline else []
        if self.together and self.baseline:
            both = [mark(a + b) for a, b in zip(ours, theirs, strict=True)]
            return both, both
        return [mark(one) for one in ours], [mark(one) for one in theirs]


def judge(
    candidate: Table,
    baseline: Table,
    limits: Mapping[str, Limit],
    *,
    plan: Plan,
    paired: bool,
    final: bool = False,
    noise: Mapping[str, Noise] | None = None,
    blocked: Mapping[str, str] | None = None,
) -> GateVerdict:
    """Judge every metric that has a limit.

    ``paired``: the n-th batches of both sides were measured together (A/B); otherwise ``baseline`` is a stored run.
    ``final``: no more batches will come. ``noise`` is the bench's calibration. ``blocked`` says why a metric could
    not be measured.

    Raises SettingsError for no limits or a limit that does not suit its metric, BaselineError for a metric that
    neither side nor ``blocked`` accounts for.
    """
    if not limits:
        raise SettingsError("the gate has no limits, so it has nothing to say", hint="set some in the config file")
    excuses = blocked or {}
    found, holds = [], True
    for metric, limit in limits.items():
        if metric in excuses and metric not in candidate:
            found.append(Verdict(metric, "", str(limit), Outcome.BLOCKED, excuses[metric]))
            continue
        case = Case(
            metric,
            limit,
            _have(candidate, metric, "this run"),
            _have(baseline, metric, "the baseline") if limit.change else baseline.get(metric),
            paired,
            (noise or {}).get(metric),
        )
        _suits(case)
        found.append(_follow(case, plan, len(limits), final))
        holds = holds and not case.sessions
    return GateVerdict(tuple(found), plan.false_alarm, plan.false_pass, holds)


def _have(table: Table, metric: str, where: str) -> Samples:
    samples = table.get(metric)
    if samples is None or not samples.values:
        raise BaselineError(
            f"{metric} has a limit, but {where} holds no samples of it", hint="measure it, or remove its limit"
        )
    return samples


def _suits(case: Case) -> None:
    limit, ours, theirs = case.limit, case.candidate, case.baseline
    if not limit.relative and limit.unit != ours.unit:
        raise SettingsError(f"the limit of {case.metric} is {limit}, but it is measured in {ours.unit}")
    if limit.relative and ours.kind is Kind.SLOPE:
        raise SettingsError(f"the limit of {case.metric} is {limit}, but a slope has no share", hint="give a value")
    if theirs and (theirs.unit, theirs.kind) != (ours.unit, ours.kind):
        raise BaselineError(
            f"{case.metric} is {ours.kind.value} in {ours.unit} here, and in the baseline"
            f" {theirs.kind.value} in {theirs.unit}",
            hint="save the baseline anew",
        )
    if case.together and theirs and len(theirs.batches) != len(ours.batches):
        raise ValueError(f"{case.metric} has batches without a partner")


@dataclass(frozen=True)
class _Look:
    number: int
    before: int
    batches: int
    ours: list[bool]
    theirs: list[bool]


def _follow(case: Case, plan: Plan, metrics: int, final: bool) -> Verdict:
    """The verdict of the first look that decides, else that of the last."""
    verdict = None
    for look in _looks(case, plan, final):
        whole = plan.false_alarm / metrics, plan.false_pass
        verdict = _at(case, look, whole if case.once else plan.errors(look.number, metrics, look.before))
        if verdict.outcome is not Outcome.INCONCLUSIVE or case.once:
            return verdict
    total = len(case.candidate.batches)
    more = not final and total < plan.most
    if verdict is None:
        few = f"{total} batches so far, {plan.looks[0]} in order are wanted for a first look"
        return Verdict(case.metric, case.candidate.unit, str(case.limit), Outcome.INCONCLUSIVE, few, open=more)
    return Verdict(**{**vars(verdict), "open": more})


def _looks(case: Case, plan: Plan, final: bool) -> Iterator[_Look]:
    """Each look that the batches allow, as soon as enough of them are in order, with a flag for each batch."""
    total = len(case.candidate.batches)
    last = len(plan.looks) - 1
    if case.once:
        yield _Look(0, -1, total, *_flags(case, total))
        return
    done = -1
    for batches in range(plan.looks[0], total + 1):
        ours, theirs = _flags(case, batches)
        good = sum(ours) if case.together or case.baseline is None else min(sum(ours), sum(theirs))
        number = plan.look(good) - 1
        if number > done:
            yield _Look(number, done, batches, ours, theirs)
            done = number
    if done < last and (final or total >= plan.most):
        yield _Look(last, done, total, *_flags(case, total))


def _flags(case: Case, batches: int) -> tuple[list[bool], list[bool]]:
    """Which of the candidate's first ``batches`` are in order, and which of the baseline's to set beside them."""
    ours = case.candidate.batches[:batches]
    theirs = case.baseline.batches[: batches if case.together else None] if case.baseline else ()
    our_marks, their_marks = case.marks[0][:batches], case.marks[1][: len(theirs)]
    like = usual(their_marks if case.baseline else our_marks)
    our_flags = [bool(one.values) and fits for one, fits in zip(ours, _right(case, our_marks, like), strict=True)]
    their_flags = [
        bool(one.values) and fits for one, fits in zip(theirs, _right(case, their_marks, like), strict=True)
    ]
    if case.together and case.baseline:
        our_flags = their_flags = [a and b for a, b in zip(our_flags, their_flags, strict=True)]
    return our_flags, their_flags


def _right(case: Case, marks: list[Mark | None], like: Usual | None) -> list[bool]:
    """Which batches met the usual radio: that of this session, and roughly that of the calibration."""
    if case.candidate.kind is not Kind.TIMED:
        return [True] * len(marks)
    flags = in_order(marks, like)
    if case.noise and case.noise.control:
        known = in_order(marks, case.noise.control.loosened())
        return [now and ever for now, ever in zip(flags, known, strict=True)]
    return flags


def _at(case: Case, look: _Look, tails: Tails) -> Verdict:
    limit = case.limit
    ours = Samples(case.candidate.unit, case.candidate.kind, case.candidate.batches[: look.batches])
    theirs = case.baseline
    if theirs:
        theirs = Samples(theirs.unit, theirs.kind, theirs.batches[: len(look.theirs)])
    sides = (_side(ours, look.ours), _side(theirs, look.theirs) if theirs else None)
    floor = case.floor
    found, trouble, outcome = None, "", Outcome.INCONCLUSIVE
    sure = ours.kind is Kind.SLOPE or exact(ours, theirs if limit.change else None)
    for side in sides:
        if side and side.bad > SHARE * side.batches:
            trouble = f"the radio was off, or unwatched, in {side.bad} of {side.batches} batches"
    if not trouble:
        kept = theirs.take(look.theirs) if theirs else None
        try:
            found = effect(limit, ours.take(look.ours), kept, case.paired, tails if limit.upward else tails[::-1])
        except ValueError as error:
            outcome, trouble = Outcome.BLOCKED, str(error)
    if found:
        outcome = _outcome(limit, found, floor or 0.0)
        if limit.relative:
            found = Estimate(*(end if isinf(end) else expm1(end) for end in (found.value, found.low, found.high)))
    text = trouble or reason(limit, ours.unit, found, outcome, floor, exact=sure, assumed=case.sessions)
    return Verdict(case.metric, ours.unit, str(limit), outcome, text, found, *sides, floor, look.number + 1, *tails)


def _outcome(limit: Limit, found: Estimate, floor: float) -> Outcome:
    """The answer, with the estimate turned so that more is worse."""
    low, high = (found.low, found.high) if limit.upward else (-found.high, -found.low)
    if limit.relative:
        share = limit.size / 100
        bound = _GRAIN + (log1p(share) if limit.upward else -log1p(-share))
        floor = log1p(floor)
    else:
        bound = limit.size if limit.upward or limit.change else -limit.size
    if (low > bound or (limit.strict and low == bound)) and (low > floor or not limit.change):
        return Outcome.REGRESSED
    if not isinf(high) and (high < bound or (high == bound and not limit.strict)):
        return Outcome.PASS
    return Outcome.INCONCLUSIVE


def _side(samples: Samples, flags: list[bool]) -> Side:
    values = samples.take(flags).values
    level = bool(values) and samples.kind is not Kind.SLOPE  # the values of a slope have another unit, and no level
    far = outliers(values) if level else None
    return Side(
        len(values),
        median(values) if level else None,
        len(flags),
        flags.count(False),
        far.low if far else 0,
        far.high if far else 0,
    )
