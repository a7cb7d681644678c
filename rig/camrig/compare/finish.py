"""The end of a comparison of two sides that cannot run at once: the verdict, and its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from camrig.bringup.board import Board
from camrig.compare.provenance import board_record, library_record, settings_record
from camrig.compare.whole_boot import WholeBoots
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, write_evidence
from camrig.gate.verdict import GateVerdict


class Session(Protocol):
    """Measures, and gives what was measured to the gate. ``orders`` are the sides as they were booted."""

    orders: list[str]

    def run(self) -> None:
        """Measure."""

    def comparison(self) -> Comparison:
        """What was measured so far."""


def finish(
    board: Board,
    session: Session,
    boots: WholeBoots,
    show: Callable[[Comparison, GateVerdict], None],
    record: Mapping[str, Any],
) -> GateVerdict:
    """Run ``session``, judge it, show the verdict, and write evidence of it with ``record``. Raises CamrigError."""
    session.run()
    if boots.losses:
        print(boots.losses)
    boots.demand_answers()
    comparison = session.comparison()
    verdict = comparison.decide()
    show(comparison, verdict)
    if board.settings.evidence:
        write_evidence(
            board.settings.evidence,
            Evidence(
                samples=comparison.candidate,
                board={**board_record(board), "library": library_record(board)},
                settings=settings_record(board.settings),
                files=board.deployment.read_back(),
                console=board.session.console.text(),
                comparison=comparison,
                verdict=verdict,
                extra={"ab": {**record, "boots": session.orders}},
            ),
        )
    return verdict
