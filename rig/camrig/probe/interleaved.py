"""Batches of timed exchanges that alternate between two libraries on one board, beside a control without either.

Both libraries answer in the same process, on the same heap, in the same minute on the radio. One round has an
exchange of each kind through each side and of each control; a seeded generator draws the order within a round.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from camrig.errors import AgentError
from camrig.probe.agent import SIDE_HEADER, Send
from camrig.probe.client import TIMING_HEADER, Phases, Response
from camrig.probe.sampling import PREFLIGHT, TCP_ECHO, WITHOUT_CORS, RequestUnderTest

SIDES = ("a", "b")
CONTROL = "-"  # the "side" of a control: of the same length, so that its request is as long as the others


@dataclass(frozen=True)
class InterleavedBatch:
    """Phases by side (or ``CONTROL``) and kind, each in the order taken, and the order of all exchanges."""

    phases: dict[tuple[str, str], list[Phases]]
    order: tuple[tuple[str, str], ...]


class InterleavedSampler:
    """Takes batches through ``send(method, target, headers, body)``.

    Each response is passed to ``check(side, kind, response)`` after it was timed. What either raises ends the batch.
    """

    def __init__(
        self,
        send: Send,
        request: RequestUnderTest,
        *,
        check: Callable[[str, str, Response], None],
        kinds: Sequence[str] = (PREFLIGHT,),
        echo: Callable[[], Phases] | None = None,
        seed: int = 0,
    ) -> None:
        self._send, self._request, self._check, self._echo = send, request, check, echo
        self._order = random.Random(seed)
        self._turns = [(side, kind) for side in SIDES for kind in kinds] + [(CONTROL, WITHOUT_CORS)]
        self._turns += [(CONTROL, TCP_ECHO)] if echo is not None else []

    def batch(self, rounds: int) -> InterleavedBatch:
        """The next batch. Raises AgentError for a response without its time on the board."""
        phases: dict[tuple[str, str], list[Phases]] = {turn: [] for turn in self._turns}
        order = []
        for _ in range(rounds):
            for turn in self._order.sample(self._turns, len(self._turns)):
                phases[turn].append(self._take(*turn))
                order.append(turn)
        return InterleavedBatch(phases, tuple(order))

    def _take(self, side: str, kind: str) -> Phases:
        if kind == TCP_ECHO:
            assert self._echo is not None
            return self._echo()
        method, target, headers, body = self._request.message(kind)
        response = self._send(method, target, [*headers, (SIDE_HEADER, side), TIMING_HEADER], body)
        self._check(side, kind, response)
        if response.phases.on_board is None:
            raise AgentError("a response came without its time on the board", hint="deploy this release's agent")
        return response.phases
