"""Batches of timed exchanges that alternate between two libraries on one board, beside controls without either.

Both libraries answer in the same process, on the same heap, in the same minute on the radio. One round has an
exchange of each kind through each side and of each control; a seeded generator draws the order within a round.

A batch begins with rounds of a preflight and the request after it. Fewer rounds of all other kinds follow: an
exchange takes a board with a radio a tenth of a second or more, and a library that keeps its last answer would meet
another question at nearly every turn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from camrig.probe.client import Phases
from camrig.probe.request_kinds import PAGE, RequestKind
from camrig.probe.sampling import ACTUAL, PREFLIGHT, TCP_ECHO, WITHOUT_CORS

SIDES = ("a", "b")
CONTROL = "-"  # the "side" of a control: of the same length, so that its request is as long as the others
FIRST_KINDS = (PREFLIGHT, ACTUAL)
ROUNDS, LATER_ROUNDS = 10, 4  # of the first kinds, and of all others, in each batch
CONTROLS = 2  # exchanges of each kind without CORS, in the first rounds that it is in
LIGHT = RequestKind(WITHOUT_CORS, "a request without CORS", PAGE.message(WITHOUT_CORS), lambda response: "")


@dataclass(frozen=True)
class InterleavedBatch:
    """Phases by side (or ``CONTROL``) and kind, each in the order taken, and the order of all exchanges."""

    phases: dict[tuple[str, str], list[Phases]]
    order: tuple[tuple[str, str], ...]


class InterleavedSampler:
    """Takes batches through ``exchange(side, kind)``, for the side ``CONTROL`` over the same routes without CORS.

    What it or ``echo`` raises ends the batch.
    """

    def __init__(
        self,
        exchange: Callable[[str, RequestKind], Phases],
        *,
        echo: Callable[[], Phases] | None = None,
        seed: int = 0,
    ) -> None:
        self._exchange, self._echo = exchange, echo
        self._random = random.Random(seed)

    def batch(self, kinds: Sequence[RequestKind]) -> InterleavedBatch:
        """The next batch, of these kinds."""
        phases: dict[tuple[str, str], list[Phases]] = {}
        order = []
        first = [kind for kind in kinds if kind.name in FIRST_KINDS]
        later = [kind for kind in kinds if kind.name not in FIRST_KINDS]
        for number in range(ROUNDS + LATER_ROUNDS if later else ROUNDS):
            turns = self._turns(first, number) if number < ROUNDS else _kind_turns(later, number - ROUNDS)
            for side, kind in self._random.sample(turns, len(turns)):
                name = kind.name if kind else TCP_ECHO
                phases.setdefault((side, name), []).append(self._take(side, kind))
                order.append((side, name))
        return InterleavedBatch(phases, tuple(order))

    def _turns(self, kinds: Sequence[RequestKind], number: int) -> list[tuple[str, RequestKind | None]]:
        """Sides and kinds of one of the first rounds, with the controls of the whole batch; None for the TCP echo."""
        echo: list[tuple[str, RequestKind | None]] = [(CONTROL, None)] if self._echo is not None else []
        return [*_kind_turns(kinds, number), (CONTROL, LIGHT), *echo]

    def _take(self, side: str, kind: RequestKind | None) -> Phases:
        if kind is not None:
            return self._exchange(side, kind)
        assert self._echo is not None
        return self._echo()


def _kind_turns(kinds: Sequence[RequestKind], number: int) -> list[tuple[str, RequestKind | None]]:
    sides = (*SIDES, CONTROL) if number < CONTROLS else SIDES
    return [(side, kind) for kind in kinds for side in sides]
