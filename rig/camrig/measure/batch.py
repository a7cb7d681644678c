"""One batch of samples: what tests record and what the gate judges by."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class SampleBatch:
    """Values measured within moments of each other, in order.

    ``control`` holds the samples taken between them that no library affects, ``at`` the x of each point of a slope.
    Raises ValueError for a number that is not finite, and for points without an x of their own.
    """

    values: tuple[float, ...]
    control: tuple[float, ...] = ()
    at: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not all(isfinite(number) for number in self.values + self.control + self.at):
            raise ValueError("a batch holds a value that is not a finite number")
        if self.at and (len(self.at) != len(self.values) or len(set(self.at)) != len(self.at)):
            raise ValueError("every point of a slope must have an x of its own (at)")
