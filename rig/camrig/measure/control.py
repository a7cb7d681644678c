"""How much of a control's movement a measured level shares: a fitted coefficient, between none and all of it."""

from __future__ import annotations

from collections.abc import Sequence

from camrig.measure import ranks
from camrig.measure.statistics import bounded, median

_TAIL = 0.16  # one standard error: what a fit by chance is worth

Pair = tuple[float, float]  # the medians of one batch: of its control samples, and of its values


def control_coefficient(sessions: Sequence[Sequence[Pair]]) -> float:
    """By how much a level moves when its control moves by one, as far as the batches show it; from 0 to 1.

    The lower end of the Theil–Sen slope of the levels on the controls, over pairs of batches of one session (Sen,
    "Estimates of the Regression Coefficient Based on Kendall's Tau", JASA 63 (1968)), one standard error below the
    estimate. So where the control explains nothing, as on a quiet bench, it is left out, and its own noise with it:
    the regression adjustment of Cochran, "Analysis of Covariance: Its Nature and Uses", Biometrics 13 (1957), in
    place of a division, which always takes all of it.
    """
    slopes = sorted(
        (right[1] - left[1]) / (right[0] - left[0])
        for pairs in sessions
        for index, left in enumerate(pairs)
        for right in pairs[index + 1 :]
        if left[0] != right[0]
    )
    sizes = [len(pairs) for pairs in sessions if len(pairs) > 1]
    if not slopes:
        return 0.0
    depth = min(ranks.kendall_depth(sizes, _TAIL), len(slopes))
    low = bounded(median(slopes), slopes, depth, depth).low
    return min(1.0, max(0.0, low))
