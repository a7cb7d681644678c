"""Batches of timed exchanges through two libraries on one board, in turns, beside a control that neither touches.

Both sides answer in the same process, on the same heap, in the same radio minute. One round has an exchange of each
kind through each side and of each control; the order within a round is drawn by a seeded generator.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from camrig.errors import AgentError
from camrig.probe.agent import SIDE_HEADER, Send
from camrig.probe.client import TIMING_HEADER, Phases, Response
from camrig.probe.sampling import PREFLIGHT, TCP_ECHO, WITHOUT_CORS, Request

SIDES = ("a", "b")
NO_SIDE = "-"  # as long as the others: a control is as long a request as what it controls


@dataclass(frozen=True)
class SidesBatch:
    """One batch: phases by side (or ``NO_SIDE``) and kind, each in the order taken, and the whole order."""

    taken: dict[tuple[str, str], list[Phases]]
    order: tuple[tuple[str, str], ...]


class SideBySide:
    """Takes batches through ``send(method, target, headers, body)``.

    Each answer is shown to ``check(side, kind, answer)`` after its time was taken. What either raises ends the batch.
    """

    def __init__(
        self,
        send: Send,
        request: Request,
        *,
        check: Callable[[str, str, Response], None],
        kinds: Sequence[str] = (PREFLIGHT,),
        echo: Callable[[], Phases] | None = None,
        seed: int = 0,
    ) -> None:
        self._send, self._request, self._check, self._echo = send, request, check, echo
        self._order = random.Random(seed)
        self._turns = [(side, kind) for side in SIDES for kind in kinds] + [(NO_SIDE, WITHOUT_CORS)]
        self._turns += [(NO_SIDE, TCP_ECHO)] if echo is not None else []

    def batch(self, rounds: int) -> SidesBatch:
        """The next batch. Raises AgentError for an answer without its time on the board."""
        taken: dict[tuple[str, str], list[Phases]] = {turn: [] for turn in self._turns}
        order = []
        for _ in range(rounds):
            for turn in self._order.sample(self._turns, len(self._turns)):
                taken[turn].append(self._take(*turn))
                order.append(turn)
        return SidesBatch(taken, tuple(order))

    def _take(self, side: str, kind: str) -> Phases:
        if kind == TCP_ECHO:
            assert self._echo is not None
            return self._echo()
        method, target, headers, body = self._request.sent(kind)
        response = self._send(method, target, [*headers, (SIDE_HEADER, side), TIMING_HEADER], body)
        self._check(side, kind, response)
        if response.phases.on_board is None:
            raise AgentError("an answer came without the time on the board", hint="deploy this release's agent")
        return response.phases
