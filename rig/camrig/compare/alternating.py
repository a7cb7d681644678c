"""Two sides that cannot run at once, such as settings read at boot: pairs of boots, until they decide.

The n-th boots of both sides follow each other, and which comes first alternates: what drifts meets both alike. For
the gate such a pair is what an interleaved batch is with two libraries: it is judged by the same statistics, and what
differs from one boot to the next is part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Protocol

from camrig.deadline import Deadline
from camrig.gate.baseline import Baseline
from camrig.gate.comparison import Comparison
from camrig.gate.limits import Limit
from camrig.gate.provenance import Provenance
from camrig.gate.samples import Samples, recorded_samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import GateVerdict, Outcome
from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import Recorder
from camrig.measure.statistics import median
from camrig.probe.interleaved import SIDES

LOOK_EVERY = 3  # pairs


class Boots(Protocol):
    """What boots a side and records one batch of each metric; see ``WholeBoots``."""

    missing: dict[str, str]
    provenances: dict[str, Provenance]

    def try_both(self) -> None:
        """Boot each side once, unmeasured."""

    def take(self, side: str, recorder: Recorder) -> None:
        """Boot a side and record."""


@dataclass
class AlternatingSession:
    """Measures the candidate, side a, and the baseline, side b, in pairs of ``boots``.

    ``seconds`` bounds the time; ``pairs``, if set, fixes their number instead. Limits that the user has chosen, and
    not only the usual ones, are ``demanded``: what cannot be measured blocks then.
    """

    boots: Boots
    limits: Mapping[str, Limit]
    compared: tuple[str, ...]
    facts: Mapping[str, Mapping[str, str | int | float | bool | None]]  # of each side, for its provenance
    seconds: float = 300.0
    pairs: int | None = None
    seed: int = 0
    demanded: bool = False
    plan: SequentialPlan = field(default_factory=SequentialPlan)
    say: Callable[[str], None] = lambda line: None
    recorders: dict[str, Recorder] = field(default_factory=lambda: {side: Recorder() for side in SIDES})
    orders: list[str] = field(default_factory=list)  # the sides of each pair, as they were booted

    def run(self) -> None:
        """Measure. Raises CamrigError."""
        self.boots.try_both()
        first = Random(self.seed).sample(SIDES, len(SIDES))
        until = Deadline.after(self.seconds)
        while self._wanted(until):
            order = first if len(self.orders) % 2 == 0 else first[::-1]
            for side in order:
                self.boots.take(side, self.recorders[side])
            self.orders.append("".join(order))
            if len(self.orders) % LOOK_EVERY == 0:
                self.say(f"{len(self.orders)} pairs of boots in {until.spent:.0f} s")

    def _wanted(self, until: Deadline) -> bool:
        pairs = len(self.orders)
        if self.pairs is not None:
            return pairs < self.pairs
        if pairs >= self.plan.max_batches or (pairs and until.passed):
            return False
        if pairs < self.plan.looks[0] or pairs % LOOK_EVERY:
            return True
        verdict = self.comparison().decide(final=False)
        return verdict.open and not is_red(verdict)

    def comparison(self) -> Comparison:
        """What was measured so far, for the gate."""
        sides = {side: self._side(side) for side in SIDES}
        return compare(sides, self.boots.missing, self.limits, self.demanded, self.plan, self.compared, paired=True)

    def _side(self, side: str) -> Baseline:
        return side_samples(self.boots.provenances[side], self.facts[side], [self.recorders[side]])


def is_red(verdict: GateVerdict) -> bool:
    """Whether a metric has regressed, so that the answer of the whole gate cannot change."""
    return any(metric.outcome is Outcome.REGRESSED for metric in verdict.metrics)


def compare(
    sides: Mapping[str, Baseline],
    missing: Mapping[str, str],
    limits: Mapping[str, Limit],
    demanded: bool,
    plan: SequentialPlan,
    compared: tuple[str, ...],
    *,
    paired: bool,
) -> Comparison:
    """Both sides for the gate. Metrics that are ``missing`` on a side block if they are ``demanded``."""
    candidate, baseline = (sides[side] for side in SIDES)
    if not demanded:
        limits = {name: limit for name, limit in limits.items() if name not in missing}
    return Comparison(
        without(candidate, missing),
        without(baseline, missing),
        limits,
        plan,
        paired=paired,
        blocked={name: reason for name, reason in missing.items() if name in limits},
        compared=compared,
    )


def side_samples(
    provenance: Provenance, facts: Mapping[str, str | int | float | bool | None], recorders: list[Recorder]
) -> Baseline:
    """What was recorded of one side, in as many sessions as there are ``recorders``."""
    provenance = replace(provenance, settings={**provenance.settings, **facts})
    *earlier, last = (
        Baseline(provenance, metrics)
        for metrics in _by_own_controls([recorded_samples(recorder.metrics) for recorder in recorders])
    )
    return replace(last, earlier=tuple(earlier))


def without(side: Baseline, missing: Mapping[str, str]) -> Baseline:
    """A side without the metrics that are ``missing`` on either."""
    sessions = [
        replace(
            session,
            earlier=(),
            metrics={name: samples for name, samples in session.metrics.items() if name not in missing},
        )
        for session in side.sessions
    ]
    return replace(sessions[-1], earlier=tuple(sessions[:-1]))


def _by_own_controls(sessions: Sequence[Mapping[str, Samples]]) -> list[dict[str, Samples]]:
    """Control samples as shares of their own median on this side.

    What is compared may slow the controls of one side as it does all requests. Here they only tell which boots had a
    worse radio than others of the same side. The controls themselves are a metric of their own, in milliseconds.
    """
    controls: dict[str, list[float]] = {}
    for session in sessions:
        for name, samples in session.items():
            controls.setdefault(name, []).extend(value for batch in samples.batches for value in batch.control)
    middles = {name: median(values) for name, values in controls.items() if values}
    return [
        {
            name: replace(samples, batches=_divided(samples.batches, middles.get(name, 0.0)))
            for name, samples in session.items()
        }
        for session in sessions
    ]


def _divided(batches: tuple[SampleBatch, ...], middle: float) -> tuple[SampleBatch, ...]:
    if middle <= 0:
        return batches
    return tuple(replace(batch, control=tuple(value / middle for value in batch.control)) for batch in batches)
