"""One library in one boot, as the measurements of a comparison see it: counts, readings, and where they go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from camrig.bringup.board import Board
from camrig.compare.answers import AnswerCheck
from camrig.dut import Dut
from camrig.errors import AgentError
from camrig.gate.limits import Limit
from camrig.measure.losses import CONTROL
from camrig.measure.recorder import Recorder
from camrig.measure.slope import Points
from camrig.probe.agent import MemoryCount
from camrig.probe.client import Response
from camrig.probe.heap_series import settled_heap
from camrig.probe.interleaved import SIDES
from camrig.probe.lost_exchanges import SECONDS_PER_EXCHANGE
from camrig.probe.request_kinds import RequestKind

PIECES = 8  # of a response; for a peak, the heap is collected before each is written


@dataclass(frozen=True)
class Boot:
    """One library, called ``name``, in one boot of ``board``. Only metrics with a limit are recorded."""

    board: Board
    dut: Dut
    name: str
    recorder: Recorder
    limits: Mapping[str, Limit]
    answers: AnswerCheck
    boots: int = 0  # that such phases are measured in, said in the first one; 0 in the others

    @property
    def lost(self) -> int:
        """Exchanges that were lost so far."""
        return self.dut.exchanges.count([*SIDES, CONTROL]).lost

    def record(self, metric: str, values: Iterable[float]) -> None:
        """Keep a batch of bytes."""
        if metric in self.limits:
            self.recorder.record(metric, values, "B")

    def record_series(self, metric: str, points: Points) -> None:
        """Keep pairs of requests so far and bytes alive."""
        self.recorder.record(metric, [y for _, y in points], "B/request", at=[x for x, _ in points])

    def alive(self) -> int:
        """Bytes alive, once that has settled."""
        return settled_heap(self.dut.heap).alloc

    def send(self, kind: RequestKind) -> Response:
        """The answer to one request over the network, which is not checked."""
        return self.dut.request(*kind.message)

    def count(self, kinds: Iterable[RequestKind], n: int, of: str = "allocated", **options: Any) -> MemoryCount:
        """``Agent.count`` of these kinds of requests, whose answers are checked."""
        kinds = list(kinds)
        messages = [kind.message for kind in kinds]
        collections = {"peak": n * len(kinds) * PIECES, "alive": n}.get(of, 0) + 3
        options["seconds"] = self.board.session.pace.limit(SECONDS_PER_EXCHANGE, collections=collections)

        def count() -> MemoryCount:
            return self.dut.agent.count(messages, n, of, **options)

        try:
            counted = count()
        except AgentError as error:  # as it is when the same request gets different answers
            for kind in kinds:
                self.answers.ask_again(kind, error.what)
            counted = count()
        if not options.get("bare"):
            for kind, response in zip(kinds, counted.responses, strict=True):
                self.answers.check(kind, response)
        return counted
