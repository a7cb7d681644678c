"""Which batches were measured over a bad radio. Control samples show it, because no library affects them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from camrig.measure.statistics import mad, median, quantile

SPREAD = 5.0  # robust standard deviations among batches
TOLERANCE = 0.1  # share of the control level
SESSION_TOLERANCE = 0.5  # the same, compared with the control samples of another day
MAX_BAD_SHARE = 0.5  # of the batches; with more of them bad, nothing is decided


@dataclass(frozen=True)
class ControlSummary:
    """A batch's control samples in two figures: their median and their upper quartile."""

    middle: float
    upper: float


@dataclass(frozen=True)
class ControlRange:
    """What control samples are like on this bench, and how far those of a batch may lie from that."""

    middle: float
    upper: float
    middle_slack: float
    upper_slack: float

    def contains(self, control: ControlSummary | None) -> bool:
        """Whether a batch is in range: never without control samples. A low upper quartile does not matter."""
        return (
            control is not None
            and abs(control.middle - self.middle) <= self.middle_slack
            and control.upper - self.upper <= self.upper_slack
        )

    def widened(self) -> ControlRange:
        """The range for another session on this bench, wide enough for an ordinary difference between two days."""
        return replace(
            self,
            middle_slack=max(self.middle_slack, SESSION_TOLERANCE * abs(self.middle)),
            upper_slack=max(self.upper_slack, SESSION_TOLERANCE * abs(self.upper)),
        )


def summarize_control(control: Sequence[float]) -> ControlSummary | None:
    """The two figures of one batch's control samples; None when there are none."""
    return ControlSummary(median(control), quantile(control, 0.75)) if control else None


def control_range(controls: Sequence[ControlSummary | None]) -> ControlRange | None:
    """The range of most of these batches: median and MAD of each figure. None when no batch has control samples.

    It holds as long as fewer than half of the batches are bad.
    """
    summaries = [control for control in controls if control is not None]
    if not summaries:
        return None
    middles, uppers = [control.middle for control in summaries], [control.upper for control in summaries]
    middle, upper = median(middles), median(uppers)
    return ControlRange(
        middle,
        upper,
        max(SPREAD * mad(middles), TOLERANCE * abs(middle)),
        max(SPREAD * mad(uppers), TOLERANCE * abs(upper)),
    )


def in_range(controls: Sequence[ControlSummary | None], limits: ControlRange | None) -> list[bool]:
    """A flag per batch: whether its control samples are within ``limits``; never without limits."""
    return [limits is not None and limits.contains(control) for control in controls]


def count_good(batches: Sequence[Sequence[float]]) -> int:
    """How many batches, given by their control samples, were measured over the radio that most of them had."""
    controls = [summarize_control(control) for control in batches]
    return sum(in_range(controls, control_range(controls)))
