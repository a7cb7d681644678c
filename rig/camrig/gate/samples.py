"""What the gate judges: the values of one metric on one side, batch by batch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from math import isfinite

NAME = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")


class Kind(str, Enum):
    """How a metric varies, which decides how it is judged."""

    TIMED = "timed"  # varies with the radio and the machine: a batch without control samples in order does not count
    COUNTED = "counted"  # free of the radio; whole numbers are the truth, not a sample of it
    SLOPE = "slope"  # points along `at`; judged by their rise per step


@dataclass(frozen=True)
class Batch:
    """Values measured within moments of each other, in order.

    ``control`` are the samples taken between them that no library touches, ``at`` the places of a slope's points
    (one per value). Raises ValueError for a number that is not finite, or points without their places.
    """

    values: tuple[float, ...]
    control: tuple[float, ...] = ()
    at: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(isfinite(value) for value in self.values + self.control + self.at):
            raise ValueError("a batch holds a value that is no finite number")
        if self.at and (len(self.at) != len(self.values) or len(set(self.at)) != len(self.at)):
            raise ValueError("a batch wants a place of its own for each value")


@dataclass(frozen=True)
class Samples:
    """All batches of one metric on one side. ``unit`` is the unit of what is judged (a slope's: B/request).

    Raises ValueError for a slope without places, or places without a slope.
    """

    unit: str
    kind: Kind
    batches: tuple[Batch, ...]

    def __post_init__(self) -> None:
        if any(bool(batch.at) != (self.kind is Kind.SLOPE) for batch in self.batches if batch.values):
            raise ValueError("places belong to the values of a slope, and to nothing else")

    @property
    def values(self) -> tuple[float, ...]:
        """Every value of every batch, in order."""
        return tuple(value for batch in self.batches for value in batch.values)

    @property
    def constant(self) -> bool:
        """Whether there are at least two values, all of them equal."""
        values = self.values
        return len(values) > 1 and min(values) == max(values)

    @property
    def whole(self) -> bool:
        """Whether these are counts: whole numbers, such as bytes, and free of the radio."""
        return self.kind is Kind.COUNTED and all(value % 1 == 0 for value in self.values)

    def take(self, keep: list[bool]) -> Samples:
        """These samples with only the batches whose flag is set."""
        kept = tuple(batch for batch, wanted in zip(self.batches, keep, strict=True) if wanted)
        return Samples(self.unit, self.kind, kept)
