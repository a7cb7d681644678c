"""Lost exchanges counted as a rate, and when one rate certainly exceeds another. No I/O.

The network loses requests and controls alike; a library loses only the requests that pass through it. So the losses
of requests are compared with those of controls by Fisher's exact test, one-sided (R. A. Fisher, Statistical Methods
for Research Workers, 5th edition, 1934, section 21.02). The test takes losses as independent, which those of an
outage are not: losses that overlap, or that follow each other without an answer in between, are one *incident*, and
incidents are compared.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import comb

REQUEST, CONTROL = "request", "control"
CERTAIN = 0.001  # how often, at most, a run is blamed for what the network did
PLAUSIBLE = 0.1  # the probability beyond which an excess of lost requests is not looked into
MANY = 0.05  # of all exchanges: losses that make a run mean little
FEWEST_REPEATS, MOST_REPEATS = 3, 12
LOSSES = 1000  # of which the time is kept: a server that is gone loses all that is sent


@dataclass(frozen=True)
class LossCount:
    """The ``lost`` of ``total`` exchanges, and in how many ``incidents``."""

    lost: int = 0
    total: int = 0
    incidents: int = 0

    def __add__(self, count: LossCount) -> LossCount:
        return LossCount(self.lost + count.lost, self.total + count.total, self.incidents + count.incidents)

    @property
    def trials(self) -> int:
        """Exchanges, with all that were lost in one incident as one."""
        return self.total - self.lost + self.incidents


@dataclass(frozen=True)
class LossRecord:
    """An exchange that was lost, from ``start`` to ``end`` on the clock of whoever counts."""

    kind: str
    cause: str
    start: float
    end: float


@dataclass
class _Tally:
    """The exchanges of one kind so far."""

    total: int = 0
    incidents: int = 0
    causes: Counter[str] = field(default_factory=Counter)


class ExchangeCounts:
    """Counts the exchanges of each kind, answered and lost. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}
        self._answered_since = True  # whether an exchange was answered after the last that was lost
        self._last_lost_at = float("-inf")
        self._losses: list[LossRecord] = []
        self._incident: set[str] = set()  # the kinds of which the present incident has lost an exchange

    def answered(self, kind: str) -> None:
        """An exchange of that kind was answered."""
        with self._lock:
            self._tallies.setdefault(kind, _Tally()).total += 1
            self._answered_since = True

    def lost(self, kind: str, cause: str, start: float, end: float) -> None:
        """An exchange of that kind was lost; ``start`` and ``end`` are points on one clock."""
        with self._lock:
            if self._answered_since and start >= self._last_lost_at:
                self._incident = set()
            tally = self._tallies.setdefault(kind, _Tally())
            tally.total += 1
            tally.causes[cause] += 1
            tally.incidents += kind not in self._incident
            self._incident.add(kind)
            self._answered_since, self._last_lost_at = False, max(end, self._last_lost_at)
            if len(self._losses) < LOSSES:
                self._losses.append(LossRecord(kind, cause, start, end))

    def count(self, kinds: Iterable[str]) -> LossCount:
        """The exchanges of these kinds together."""
        with self._lock:
            tallies = [self._tallies[kind] for kind in kinds if kind in self._tallies]
            counts = [LossCount(each.causes.total(), each.total, each.incidents) for each in tallies]
        return sum(counts, LossCount())

    @property
    def losses(self) -> list[LossRecord]:
        """The first exchanges that were lost, in order."""
        with self._lock:
            return list(self._losses)

    def causes(self) -> dict[str, dict[str, int]]:
        """The numbers of lost exchanges, by kind and cause."""
        with self._lock:
            return {kind: dict(tally.causes) for kind, tally in self._tallies.items() if tally.causes}


def excess(requests: LossCount, controls: LossCount) -> float:
    """The probability that requests are lost at least as often as here if controls are lost as often as they are.

    Fisher's exact test: with the number of incidents fixed, how they fall on requests and controls.
    """
    incidents = requests.incidents + controls.incidents
    most = min(incidents, requests.trials)
    tail = sum(
        comb(requests.trials, lost) * comb(controls.trials, incidents - lost)
        for lost in range(requests.incidents, most + 1)
    )
    return tail / comb(requests.trials + controls.trials, incidents)


def certainly_exceeds(requests: LossCount, controls: LossCount) -> bool:
    """Whether requests are certainly lost more often than controls."""
    return excess(requests, controls) < CERTAIN


def is_open(requests: LossCount, controls: LossCount) -> bool:
    """Whether it is plausible, but not certain, that requests are lost more often than controls."""
    return CERTAIN <= excess(requests, controls) <= PLAUSIBLE


def repeats_to_blame(requests: LossCount, controls: LossCount) -> int:
    """How often a lost request must be lost again, each time after an answered control, until the network is excused.

    Among all requests so far, the network loses one that often in a row in less than one of a thousand runs. How
    often it loses an exchange is known from the controls alone, as a beta distribution, uniform at first.
    """
    lost, total = controls.incidents + 1, controls.trials + 2
    chance, repeats = 1.0, 0
    while repeats < FEWEST_REPEATS or (repeats < MOST_REPEATS and chance * requests.total > CERTAIN):
        chance *= (lost + repeats) / (total + repeats)
        repeats += 1
    return repeats


def means_little(exchanges: LossCount) -> bool:
    """Whether too large a share was lost for the rest to mean much."""
    return exchanges.lost > max(3, MANY * exchanges.total)


def loss_sentence(requests: LossCount, controls: LossCount) -> str:
    """The losses in words: ``3 of 1,066 requests lost, 1 of 420 controls``."""
    return f"{requests.lost:,} of {requests.total:,} requests lost, {controls.lost:,} of {controls.total:,} controls"
