"""The time that CORS adds on the board to each kind of request, as batches of requests through it and past it.

One round has a request of each kind through the library, and the same one over the same route without it. A seeded
generator draws the order. The unit is points: hundredths of the median request without CORS, so that the speed of
the board does not matter, and a cost of one kind weighs the same whatever its route does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from camrig.errors import AgentError
from camrig.measure.statistics import median
from camrig.probe.agent import SIDE_HEADER, Send
from camrig.probe.client import TIMING_HEADER, Response
from camrig.probe.request_kinds import RequestKind

UNIT = "points"
LIBRARY, BARE = "+", "-"  # names of sides on the board; of one length, so that all requests are as long


class AddedTimeSampler:
    """Takes batches through ``send(method, target, headers, body)``, with ``BARE`` a side without CORS on the board.

    Each response is passed to ``check(kind, is_bare, response)`` after it was timed. What either raises ends the
    batch.
    """

    def __init__(
        self,
        send: Send,
        kinds: Sequence[RequestKind],
        *,
        check: Callable[[RequestKind, bool, Response], None],
        seed: int = 0,
    ) -> None:
        self._send, self._kinds, self._check = send, kinds, check
        self._order = random.Random(seed)
        self._turns = [(side, kind) for side in (LIBRARY, BARE) for kind in kinds]

    def batch(self, rounds: int) -> dict[str, list[float]]:
        """The next batch: points by the name of the kind, a value for each round.

        Raises AgentError for a response without its time on the board, or a clock that shows none.
        """
        times: dict[tuple[str, str], list[float]] = {(side, kind.name): [] for side, kind in self._turns}
        for _ in range(rounds):
            for side, kind in self._order.sample(self._turns, len(self._turns)):
                times[side, kind.name].append(self._take(side, kind))
        unit = median([time for kind in self._kinds if not kind.optional for time in times[BARE, kind.name]])
        if unit <= 0:
            raise AgentError("requests take no time by the board's clock", hint="use firmware with time.ticks_us")
        points = {}
        for kind in self._kinds:
            bare = median(times[BARE, kind.name])
            points[kind.name] = [100 * (time - bare) / unit for time in times[LIBRARY, kind.name]]
        return points

    def _take(self, side: str, kind: RequestKind) -> float:
        method, target, headers, body = kind.message
        response = self._send(method, target, [*headers, (SIDE_HEADER, side), TIMING_HEADER], body)
        self._check(kind, side == BARE, response)
        if response.phases.on_board is None:
            raise AgentError("a response came without its time on the board", hint="deploy this release's agent")
        return response.phases.on_board
