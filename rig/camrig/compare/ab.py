"""Two libraries on one board in one session: measured each alone and both in turns, until the samples decide.

Bytes and leaks are counted with one library on the board, as it ships, in two boots each. Times are taken with both
loaded, request by request in turns, in boots that load now the one first and now the other: what is loaded first
lies elsewhere on the heap, and may be quicker by a few thousandths. Which side begins is drawn by the seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from camrig.bringup.board import Board
from camrig.compare.answers import PAGE, POLICY, STATUS, STRANGER, wrong, wrongly_allowed
from camrig.compare.libraries import Library, module, side_by_side
from camrig.compare.metrics import ALLOCATED, KINDS, LEAK, PHASES, RELATIVE, RETAINED
from camrig.compare.provenance import provenance_of
from camrig.compare.retry import Patience
from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import AgentError, BlockedError, BoardCrashedError, CamrigError
from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration
from camrig.gate.comparison import Comparison
from camrig.gate.limits import Limit
from camrig.gate.samples import recorded_samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import GateVerdict
from camrig.measure.recorder import Recorder
from camrig.measure.statistics import median
from camrig.probe.agent import Radio
from camrig.probe.client import Response
from camrig.probe.heap_series import heap_series_until_level
from camrig.probe.interleaved import NO_SIDE, SIDES, SideBySide
from camrig.probe.sampling import ACTUAL, PREFLIGHT, TCP_ECHO, WITHOUT_CORS, reachable_echo

CANDIDATE, _ = SIDES
WARM_UP = 3  # batches of each boot whose times are dropped
ROUNDS = 10  # in each batch
BOOT_AFTER = 6  # batches, and then after every twice as many: each load order has half of them, or nearly
BURSTS, BURST = 6, 5  # counts of allocations in each boot
LEAK_WARM_UP, LEAK_EVERY, LEAK_REQUESTS = 100, 48, 480  # in each of the two boots of a side
LEAK_MOST = 4  # times as many, while the heap rises
LOOK_EVERY = 3  # batches


@dataclass(frozen=True)
class Terms:
    """What a session is told. ``seconds`` bounds the taking of times; ``batches`` takes so many and judges never."""

    limits: Mapping[str, Limit]
    plan: SequentialPlan
    calibration: Calibration | None = None
    seconds: float = 300.0
    batches: int | None = None
    seed: int = 0


class Session:
    """``first`` is the candidate, side a; ``second`` the baseline, side b."""

    def __init__(self, board: Board, first: Library, second: Library, terms: Terms, folder: Path) -> None:
        """``folder`` is for what is deployed side by side, and must be empty."""
        self.board, self.terms = board, terms
        self.libraries = dict(zip(SIDES, (first, second), strict=True))
        self.recorders = {side: Recorder() for side in SIDES}
        self.hashes: dict[str, str] = {}
        self._folder = folder
        self._random = Random(terms.seed)
        self._dut: Dut | None = None
        self._radio = Radio(None, None, None)
        self._patience = Patience()
        self.orders: list[dict[str, object]] = []  # of each batch: the library loaded first, and every turn

    def run(self) -> None:
        """Measure. Raises AgentError for a library that answers a preflight wrongly, and what ends a board."""
        order = self._random.choice([(*SIDES, *reversed(SIDES)), (*reversed(SIDES), *SIDES)])
        for side in order:
            with self._blaming(side):
                self._alone(side)
        if any(name.startswith("latency.") for name in self.terms.limits):
            with self._blaming(None):
                self._together()

    def comparison(self) -> Comparison:
        """What was measured so far, for the gate."""
        here, terms = provenance_of(self.board, self._radio), self.terms
        candidate, baseline = (
            Baseline(replace(here, library_sha256=self.hashes[side]), recorded_samples(self.recorders[side].metrics))
            for side in SIDES
        )
        return Comparison(candidate, baseline, terms.limits, terms.plan, paired=True, calibration=terms.calibration)

    def _boot(self, library: Path, remeasure_imports: bool = False) -> Dut:
        board = self.board
        if self._dut is not None:
            board.session.repl()
        board.deploy(library=library, remeasure_imports=remeasure_imports)
        if self._dut is None:
            self._dut = board.boot()
        else:
            self._dut.boot()
        self._radio = self._dut.agent.radio()
        return self._dut

    def _alone(self, side: str) -> None:
        dut = self._boot(self.libraries[side].folder, remeasure_imports=RETAINED in self.terms.limits)
        recorder = self.recorders[side]
        self.hashes[side] = self.board.deployment.library_sha256
        dut.policy(**POLICY)

        def request(kind: str) -> None:
            answer = self._patience(dut, lambda: dut.request(*PAGE.sent(kind)))
            self._demand_right(side, kind, answer)

        def refused(kind: str) -> None:
            answer = self._patience(dut, lambda: dut.request(*STRANGER.sent(kind)))
            if reason := wrongly_allowed(kind, answer):
                raise self._wrong(side, kind, reason)

        for kind in KINDS:
            request(kind)
            refused(kind)
        if RETAINED in self.terms.limits and (retained := self.board.imports.get("microdot.cors")) is not None:
            recorder.record(RETAINED, retained, "B")
        with self.board.steps("count") as note:
            if ALLOCATED in self.terms.limits:
                most = max([self._burst(dut, side) for _ in range(BURSTS)])
                note(f"{most} B per preflight, {self.libraries[side].name}")
            if LEAK in self.terms.limits:
                # Preflights and the requests after them, also those of a page that is refused: a library may keep
                # something of any.
                turns = cycle([partial(ask, kind) for ask in (request, refused) for kind in KINDS])
                for _ in range(LEAK_WARM_UP):
                    next(turns)()
                heap = partial(self._patience, dut, dut.heap)
                for points in heap_series_until_level(
                    lambda: next(turns)(), heap, LEAK_EVERY, LEAK_REQUESTS, 1, LEAK_MOST
                ):
                    recorder.record(LEAK, [alive for _, alive in points], "B/request", at=[at for at, _ in points])

    def _burst(self, dut: Dut, side: str) -> int:
        """Record what each preflight of one burst allocates; the most of them."""
        method, target, headers, _ = PAGE.sent(PREFLIGHT)
        found = self._patience(dut, lambda: dut.agent.allocations(method, target, headers, BURST))
        if found.status not in STATUS[PREFLIGHT]:
            raise self._wrong(side, PREFLIGHT, f"status {found.status}")
        self.recorders[side].record(ALLOCATED, found.bytes, "B")
        return max(found.bytes)

    def _demand_right(self, side: str, kind: str, answer: Response) -> None:
        if reason := wrong(kind, answer):
            raise self._wrong(side, kind, reason)

    def _wrong(self, side: str, kind: str, reason: str) -> AgentError:
        what = {PREFLIGHT: "a preflight", ACTUAL: "the request after a preflight"}.get(kind)
        if what is None:
            return AgentError(
                f"the request without CORS, a control, got {reason}", board=self.board.spec, hint="see the console"
            )
        return AgentError(
            f"{self.libraries[side].name} answers {what} wrongly ({reason}), so its figures would mean nothing",
            board=self.board.spec,
            hint="mend it first; pytest says what else is wrong with it",
        )

    def _together(self) -> None:
        first, second = (self.libraries[side] for side in SIDES)
        folder, terms = side_by_side(first, second, self._folder), self.terms
        kinds = [kind for kind in KINDS if any(name.startswith(f"latency.{kind}.") for name in terms.limits)]
        order = self._random.sample(SIDES, len(SIDES))
        until = Deadline.after(terms.seconds)
        taken = boots = 0
        while not self._enough(taken, until):
            dut = self._loaded(folder, order)
            # A forwarded board has its HTTP port at another address than its echo.
            echo = None if self.board.settings.url else reachable_echo(dut.address[0], dut.agent.echo_port())
            sampler = SideBySide(
                dut.request, PAGE, check=self._demand_right, kinds=kinds, echo=echo, seed=terms.seed + boots
            )
            with self.board.steps("sample") as note:
                for _ in range(WARM_UP):
                    self._patience(dut, partial(sampler.batch, ROUNDS))
                begun = taken
                while taken - begun < BOOT_AFTER * (2 if boots else 1) and not self._enough(taken, until):
                    self._record(dut, sampler, kinds)
                    self.orders[-1]["loaded"] = list(order)
                    taken += 1
                lost = f", {self._patience.lost} lost exchanges" if self._patience.lost else ""
                note(f"{taken - begun} batches of {ROUNDS} rounds, {order[0]} loaded first{lost}")
            order.reverse()
            boots += 1

    def _loaded(self, folder: Path, order: list[str]) -> Dut:
        """A fresh boot with both libraries, loaded in that order."""
        dut = self._boot(folder)
        dut.agent.load([(side, module(side)) for side in order])
        dut.policy(**POLICY)
        return dut

    def _enough(self, taken: int, until: Deadline) -> bool:
        terms = self.terms
        if terms.batches is not None:
            return taken >= terms.batches
        if taken >= terms.plan.max_batches or (taken and until.passed):
            return True
        if taken < terms.plan.looks[0] or taken % LOOK_EVERY:
            return False
        comparison = self.comparison()
        return not any(
            one.open for one in comparison.decide(final=False).metrics if one.metric.startswith("latency.")
        )

    def _record(self, dut: Dut, sampler: SideBySide, kinds: list[str]) -> None:
        batch = self._patience(dut, partial(sampler.batch, ROUNDS))
        self.orders.append({"turns": [f"{side} {kind}" for side, kind in batch.order]})
        for phase in PHASES:
            control = [getattr(one, phase) for one in batch.taken[NO_SIDE, WITHOUT_CORS]]
            for side in SIDES:
                for kind in kinds:
                    values = [getattr(one, phase) for one in batch.taken[side, kind]]
                    self.recorders[side].record(f"latency.{kind}.{phase}", values, "ms", control)
        bare = median([one.on_board or 0.0 for one in batch.taken[NO_SIDE, WITHOUT_CORS]])
        for side in SIDES if PREFLIGHT in kinds and bare > 0 else ():
            shares = [(one.on_board or 0.0) / bare for one in batch.taken[side, PREFLIGHT]]
            self.recorders[side].record(RELATIVE, shares, "x")
        if echo := batch.taken.get((NO_SIDE, TCP_ECHO)):
            for side in SIDES:
                self.recorders[side].record("latency.control.echo", [one.total for one in echo], "ms")

    @contextmanager
    def _blaming(self, side: str | None) -> Iterator[None]:
        """Names the library of ``side``, None for both. Only a candidate that brings the board down has failed.

        A crash of the baseline, or one that either may have caused, says nothing about the candidate: it is blocked.
        """
        try:
            yield
        except CamrigError as error:
            who = f"with {self.libraries[side].name}" if side else "with both libraries loaded"
            named = side is not None and self.libraries[side].name in error.what
            what = error.what if named else f"{who}: {error.what}"
            if isinstance(error, BoardCrashedError) and side != CANDIDATE:
                what = what if side else f"{what}; either may have done that"
                hint = "fix the baseline, or name another" if side else "run the suite with each of them"
                raise BlockedError(what, board=error.board, hint=hint, details=error.details) from error
            raise error.amended(what=what) from error.__cause__


def decide(session: Session) -> tuple[Comparison, GateVerdict]:
    """The final verdict of a session that has run."""
    comparison = session.comparison()
    return comparison, comparison.decide()
