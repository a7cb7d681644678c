"""How often the gate may look at growing samples, and what each look may cost in false answers."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import e, log
from sys import maxsize

from camrig.measure.statistics import Tails


@dataclass(frozen=True)
class Plan:
    """Looks at so many good batches, with the chances of a wrong answer that the whole gate may have.

    ``false_alarm`` is the chance that a candidate no worse than its limits is called regressed on any metric at any
    look; ``false_pass`` that one beyond a limit passes. ``most`` bounds all batches, bad ones included.

    Each look spends a share as Lan and DeMets, "Discrete Sequential Boundaries for Clinical Trials", Biometrika 70
    (1983), give it for bounds like Pocock's. The shares add up (Bonferroni), which needs no model of how looks
    depend on each other and can only err on the safe side. Raises ValueError for looks that do not rise.
    """

    looks: tuple[int, ...] = (12, 18, 27, 40, 60, 90)
    most: int = 135
    false_alarm: float = 0.01
    false_pass: float = 0.05

    def __post_init__(self) -> None:
        if not self.looks or list(self.looks) != sorted(set(self.looks)) or self.looks[0] < 1:
            raise ValueError("looks are rising numbers of batches")
        if self.most < self.looks[-1]:
            raise ValueError("the most batches are fewer than the last look wants")
        if not (0 < self.false_alarm < 0.5 and 0 < self.false_pass < 0.5):
            raise ValueError("a false-answer rate lies between 0 and one half")

    def look(self, good: int) -> int:
        """The number of looks that ``good`` batches allow."""
        return bisect_right(self.looks, good)

    def errors(self, look: int, metrics: int, last: int) -> Tails:
        """The chances of a false alarm and of a false pass for one of ``metrics`` at ``look`` (from 0).

        What looks between ``last``, the one before (-1 for none), and this one would have spent is spent here too.
        A gate is red when any metric is, so false alarms are divided among them (Bonferroni). It is green only when
        all are, so false passes need no division: Berger, "Multiparameter Hypothesis Testing and Acceptance
        Sampling", Technometrics 24 (1982).
        """
        share = self._spent(self.looks[look]) - (self._spent(self.looks[last]) if last >= 0 else 0.0)
        return self.false_alarm * share / metrics, self.false_pass * share

    def _spent(self, good: int) -> float:
        return log(1 + (e - 1) * good / self.looks[-1])


def single(false_alarm: float = 0.01, false_pass: float = 0.05) -> Plan:
    """One look, at whatever there is once no more will come."""
    return Plan((maxsize,), maxsize, false_alarm, false_pass)
