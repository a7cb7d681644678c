"""How often the gate may look at growing samples, and how much of its error rates each look may spend."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import e, log
from sys import maxsize

from camrig.measure.statistics import Tails


@dataclass(frozen=True)
class SequentialPlan:
    """After how many good batches the gate looks, and the chances of a wrong answer over all looks.

    ``false_alarm`` is the chance that a candidate no worse than its limits is called regressed on any metric at any
    look; ``false_pass`` that one beyond a limit passes. ``max_batches`` bounds all batches, bad ones included.

    Error spending after Lan and DeMets, "Discrete Sequential Boundaries for Clinical Trials", Biometrika 70 (1983),
    with their spending function for bounds like Pocock's. The shares of the looks are added (Bonferroni), which needs
    no model of how looks depend on each other and can only err on the safe side. Raises ValueError for looks that do
    not rise.
    """

    looks: tuple[int, ...] = (12, 18, 27, 40, 60, 90)
    max_batches: int = 135
    false_alarm: float = 0.01
    false_pass: float = 0.05

    def __post_init__(self) -> None:
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 1:
            raise ValueError("looks must be rising numbers of batches")
        if self.max_batches < self.looks[-1]:
            raise ValueError("the maximum of batches is below the last look")
        if not (0 < self.false_alarm < 0.5 and 0 < self.false_pass < 0.5):
            raise ValueError("an error rate must lie between 0 and one half")

    def look(self, good: int) -> int:
        """The number of looks that ``good`` batches allow."""
        return bisect_right(self.looks, good)

    def errors(self, look: int, metrics: int, last: int) -> Tails:
        """The chances of a false alarm and of a false pass for one of ``metrics`` at ``look`` (from 0).

        What looks between ``last``, the one before (-1 for none), and this one would have spent is spent here too.
        A gate is red when any metric is, so false alarms are divided among them (Bonferroni). It is green only when
        all are, so false passes need no division: the intersection-union test of Berger, "Multiparameter Hypothesis
        Testing and Acceptance Sampling", Technometrics 24 (1982).
        """
        share = self._spent(self.looks[look]) - (self._spent(self.looks[last]) if last >= 0 else 0.0)
        return self.false_alarm * share / metrics, self.false_pass * share

    def _spent(self, good: int) -> float:
        return log(1 + (e - 1) * good / self.looks[-1])


def one_look(false_alarm: float = 0.01, false_pass: float = 0.05) -> SequentialPlan:
    """A plan with a single look, at all batches, once no more will come."""
    return SequentialPlan((maxsize,), maxsize, false_alarm, false_pass)
