"""Which batches met a bad radio: told by control samples, which no library touches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from camrig.measure.statistics import mad, median, quantile

SPREAD = 5.0  # robust standard deviations among batches
TOLERANCE = 0.1  # share of the usual level
LOOSE = 0.5  # the same towards another day's control samples
SHARE = 0.5  # of the batches may be bad before nothing is decided


@dataclass(frozen=True)
class Mark:
    """A batch's control samples in two figures: where they lie, and where the slow ones begin."""

    middle: float
    upper: float


@dataclass(frozen=True)
class Usual:
    """What control samples are like on this bench, and how far a batch may stray from that."""

    middle: float
    upper: float
    middle_slack: float
    upper_slack: float

    def fits(self, mark: Mark | None) -> bool:
        """Whether a batch is in order. One without control samples is not. An unusually quick tail is no trouble."""
        return (
            mark is not None
            and abs(mark.middle - self.middle) <= self.middle_slack
            and mark.upper - self.upper <= self.upper_slack
        )

    def loosened(self) -> Usual:
        """The same for another session on this bench: only what no ordinary day explains is out of order."""
        return replace(
            self,
            middle_slack=max(self.middle_slack, LOOSE * abs(self.middle)),
            upper_slack=max(self.upper_slack, LOOSE * abs(self.upper)),
        )


def mark(control: Sequence[float]) -> Mark | None:
    """The figures of one batch's control samples, None when there are none."""
    return Mark(median(control), quantile(control, 0.75)) if control else None


def usual(marks: Sequence[Mark | None]) -> Usual | None:
    """What most of these batches are like; None when none has control samples. Holds while less than half are bad."""
    known = [one for one in marks if one is not None]
    if not known:
        return None
    middles, uppers = [one.middle for one in known], [one.upper for one in known]
    middle, upper = median(middles), median(uppers)
    return Usual(
        middle,
        upper,
        max(SPREAD * mad(middles), TOLERANCE * abs(middle)),
        max(SPREAD * mad(uppers), TOLERANCE * abs(upper)),
    )


def in_order(marks: Sequence[Mark | None], like: Usual | None) -> list[bool]:
    """A flag per batch: its control samples fit what is usual."""
    return [like is not None and like.fits(one) for one in marks]


def quiet(controls: Sequence[Sequence[float]]) -> int:
    """How many of these batches, by their control samples, met the radio that most of them met."""
    marks = [mark(one) for one in controls]
    return sum(in_order(marks, usual(marks)))
