"""Lost exchanges of a session with two libraries, counted as a rate: a few end no session."""

from __future__ import annotations

from camrig.dut import Dut
from camrig.errors import AnswerLostError
from camrig.measure.losses import CONTROL, ExchangeCounts, certainly_exceeds, means_little
from camrig.probe.interleaved import SIDES

SECONDS_TO_EXAMINE = 20.0  # in each boot in which the candidate may have lost answers more often than others


def losses_line(exchanges: ExchangeCounts) -> str:
    """The losses in words; empty without any."""
    candidate, baseline, controls = (exchanges.count([kind]) for kind in (*SIDES, CONTROL))
    total = candidate + baseline + controls
    if not total.lost:
        return ""
    line = (
        f"lost exchanges: {candidate.lost:,} of {candidate.total:,} with the candidate, "
        f"{baseline.lost:,} of {baseline.total:,} with the baseline, {controls.lost:,} of {controls.total:,} controls"
    )
    return f"{line}: this comparison means little" if means_little(total) else line


def examine_losses(dut: Dut) -> None:
    """Look closer at what the candidate lost, while the board still runs it."""
    side, other_side = SIDES
    dut.examine_losses(SECONDS_TO_EXAMINE, side, (other_side, CONTROL))


def demand_answers(exchanges: ExchangeCounts, candidate: str, baseline: str, board: str) -> None:
    """Raise AnswerLostError if the candidate certainly loses more exchanges than baseline and controls together."""
    side, other_side = SIDES
    lost, others = exchanges.count([side]), exchanges.count([other_side, CONTROL])
    if certainly_exceeds(lost, others):
        raise AnswerLostError(
            f"{candidate} loses answers: {lost.lost:,} of {lost.total:,} requests, against {others.lost:,} of "
            f"{others.total:,} with {baseline} and without CORS",
            board=board,
            hint="see the console of the board",
        )
