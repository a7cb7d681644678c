"""``camrig ab``: two libraries on one board in one session, until the samples decide.

Bytes and leaks are counted with one library on the board, as it ships, in two boots each. Times are taken with both
loaded, request by request in turns, in boots that load the two in alternating order: the module loaded first lies
elsewhere on the heap, and may be quicker by a few thousandths. The seed decides which side begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random

from camrig.bringup.board import Board
from camrig.compare.answers import lost_answer, wrong_answer, wrong_control
from camrig.compare.libraries import Library, ab_header, find_library, libraries_record, module_of, side_by_side
from camrig.compare.losses import demand_answers, examine_losses, losses_line
from camrig.compare.metrics import ALLOCATED, KINDS, LEAK, PHASES, RELATIVE, RETAINED, ab_limits, allocated
from camrig.compare.provenance import board_record, provenance_of, settings_record
from camrig.compare.stored import CALIBRATION_AB, calibration_of
from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import AnswerLostError, BlockedError, BoardCrashedError, CamrigError
from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, demand_writable, remove_older, write_evidence
from camrig.gate.limits import Limit
from camrig.gate.samples import recorded_samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import GateVerdict
from camrig.measure.recorder import Recorder
from camrig.measure.statistics import median
from camrig.probe.agent import SIDE_HEADER, Radio
from camrig.probe.client import Response
from camrig.probe.heap_series import heap_series_until_level
from camrig.probe.interleaved import CONTROL, SIDES, InterleavedSampler
from camrig.probe.lost_exchanges import repeated_echo
from camrig.probe.request_kinds import PAGE, POLICY, REQUEST_KINDS, RequestKind, unseen_preflight
from camrig.probe.sampling import PREFLIGHT, TCP_ECHO, WITHOUT_CORS
from camrig.settings.resolve import Settings
from camrig.steps import Steps

CANDIDATE, _ = SIDES
WARM_UP = 3  # batches of each boot whose times are dropped
ROUNDS = 10  # in each batch
BOOT_AFTER = 6  # batches, and then after every 12: each load order has half of them, or nearly
BURSTS, BURST = 6, 5  # counts of allocations in each boot
LEAK_WARM_UP, LEAK_EVERY, LEAK_REQUESTS = 100, 48, 480  # in each of the two boots of a side
LEAK_MAX_SERIES = 4  # while the heap rises
LOOK_EVERY = 3  # batches


@dataclass(frozen=True)
class AbOptions:
    """``seconds`` bounds the time spent on timed batches. ``batches``, if set, fixes their number instead."""

    limits: Mapping[str, Limit]
    plan: SequentialPlan
    calibration: Calibration | None = None
    seconds: float = 300.0
    batches: int | None = None
    seed: int = 0


class AbSession:
    """Measures a ``candidate``, side a, and a ``baseline``, side b."""

    def __init__(self, board: Board, candidate: Library, baseline: Library, options: AbOptions, folder: Path) -> None:
        """``folder`` receives the two libraries side by side, and must be empty."""
        self.board, self.options = board, options
        self.libraries = dict(zip(SIDES, (candidate, baseline), strict=True))
        self.recorders = {side: Recorder() for side in SIDES}
        self.hashes: dict[str, str] = {}
        self.orders: list[dict[str, object]] = []  # of each batch: the load order, and every turn
        self._folder = folder
        self._random = Random(options.seed)
        self._dut: Dut | None = None
        self._radio = Radio(None, None, None)

    def run(self) -> None:
        """Measure. Raises WrongAnswerError if the candidate answers wrongly, and whatever takes the board down."""
        for side in self._random.choice([(*SIDES, *reversed(SIDES)), (*reversed(SIDES), *SIDES)]):
            with self._attributed(side):
                self._measure_alone(side)
        if any(name.startswith("latency.") for name in self.options.limits):
            with self._attributed(None):
                self._measure_times()
        if self._dut is not None:
            candidate, baseline = (self.libraries[side].name for side in SIDES)
            demand_answers(self._dut.exchanges, candidate, baseline, self.board.spec)

    @property
    def losses(self) -> str:
        """The lost exchanges in words, empty if there were none."""
        return losses_line(self._dut.exchanges) if self._dut is not None else ""

    def comparison(self) -> Comparison:
        """What was measured so far, for the gate."""
        provenance, options = provenance_of(self.board, self._radio), self.options
        candidate, baseline = (
            Baseline(
                replace(provenance, library_sha256=self.hashes[side]), recorded_samples(self.recorders[side].metrics)
            )
            for side in SIDES
        )
        return Comparison(
            candidate, baseline, options.limits, options.plan, paired=True, calibration=options.calibration
        )

    def _boot(self, folder: Path, remeasure_imports: bool = False) -> Dut:
        if self._dut is not None:
            self.board.session.repl()
        self.board.deploy(library=folder, remeasure_imports=remeasure_imports)
        if self._dut is None:
            self._dut = self.board.boot()
        else:
            self._dut.boot()
        self._radio = self._dut.agent.radio()
        return self._dut

    def _measure_alone(self, side: str) -> None:
        """Count bytes and leaks in a boot with only the library of ``side``."""
        limits, library, recorder = self.options.limits, self.libraries[side], self.recorders[side]
        dut = self._boot(library.folder, remeasure_imports=RETAINED in limits)
        self.hashes[side] = self.board.deployment.library_sha256
        dut.count_requests_as(side)
        dut.policy(**POLICY)
        requests: list[Callable[[], None]] = [partial(self._exchange, dut, side, kind) for kind in REQUEST_KINDS]
        requests.append(lambda: self._exchange(dut, side, unseen_preflight()))
        for request in requests:
            request()
        if RETAINED in limits and (retained := self.board.imports.get("microdot.cors")) is not None:
            recorder.record(RETAINED, retained, "B")
        with self.board.steps("count") as note:
            for kind in REQUEST_KINDS:
                if (metric := allocated(kind.name)) in limits:
                    most = max([self._count_allocations(dut, side, kind, metric) for _ in range(BURSTS)])
                    if metric == ALLOCATED:
                        note(f"{most} B per preflight, {library.name}")
            if LEAK in limits:
                turns = cycle(requests)
                for _ in range(LEAK_WARM_UP):
                    next(turns)()
                for points in heap_series_until_level(
                    lambda: next(turns)(),
                    dut.heap,
                    LEAK_EVERY,
                    LEAK_REQUESTS,
                    1,
                    LEAK_MAX_SERIES,
                ):
                    recorder.record(LEAK, [alive for _, alive in points], "B/request", at=[at for at, _ in points])
        examine_losses(dut)

    def _exchange(self, dut: Dut, side: str, kind: RequestKind) -> None:
        response = dut.request(*kind.message)
        if reason := kind.mistake_in(response):
            raise self._wrong_answer(side, kind.words, reason)

    def _check(self, side: str, kind: str, response: Response) -> None:
        if side == CONTROL:
            if response.status != 200:
                raise wrong_control(f"status {response.status}", self.board.spec)
            return
        request = next(each for each in REQUEST_KINDS if each.name == kind)
        if reason := request.mistake_in(response):
            raise self._wrong_answer(side, request.words, reason)

    def _send(self, dut: Dut, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> Response:
        """A request through the library that it names, where both are loaded."""
        try:
            return dut.request(method, target, headers, body)
        except AnswerLostError as error:
            side = dict(headers)[SIDE_HEADER]
            if side not in self.libraries:
                raise
            raise lost_answer(self.libraries[side].name, error, is_candidate=side == CANDIDATE) from error

    def _wrong_answer(self, side: str, words: str, reason: str) -> CamrigError:
        name = self.libraries[side].name
        return wrong_answer(name, words, reason, self.board.spec, is_candidate=side == CANDIDATE)

    def _count_allocations(self, dut: Dut, side: str, kind: RequestKind, metric: str) -> int:
        """Record the bytes that each request of one burst allocates; the largest of them."""
        method, target, headers, _ = kind.message
        burst = dut.agent.allocations(method, target, headers, BURST)
        if burst.status not in kind.statuses:
            raise self._wrong_answer(side, kind.words, f"status {burst.status}")
        self.recorders[side].record(metric, burst.bytes, "B")
        return max(burst.bytes)

    def _measure_times(self) -> None:
        """Take timed batches with both libraries loaded, until they decide or the time is over."""
        candidate, baseline = (self.libraries[side] for side in SIDES)
        folder, options = side_by_side(candidate, baseline, self._folder), self.options
        kinds = [kind for kind in KINDS if any(name.startswith(f"latency.{kind}.") for name in options.limits)]
        order = self._random.sample(SIDES, len(SIDES))
        until = Deadline.after(options.seconds)
        batches = boots = 0
        while not self._is_enough(batches, until):
            dut = self._boot_both(folder, order)
            # A forwarded board has its HTTP port at another address than its echo.
            echo = None
            if not self.board.settings.url:
                echo = repeated_echo(dut.repeat_lost, dut.address[0], dut.agent.echo_port())
            sampler = InterleavedSampler(
                partial(self._send, dut), PAGE, check=self._check, kinds=kinds, echo=echo, seed=options.seed + boots
            )
            with self.board.steps("sample") as note:
                for _ in range(WARM_UP):
                    sampler.batch(ROUNDS)
                before = batches
                while batches - before < BOOT_AFTER * (2 if boots else 1) and not self._is_enough(batches, until):
                    self._record_batch(sampler, kinds)
                    self.orders[-1]["loaded"] = list(order)
                    batches += 1
                losses = f"; {self.losses}" if self.losses else ""
                note(f"{batches - before} batches of {ROUNDS} rounds, {order[0]} loaded first{losses}")
            examine_losses(dut)
            order.reverse()
            boots += 1

    def _boot_both(self, folder: Path, order: list[str]) -> Dut:
        """A fresh boot with both libraries, loaded in that order."""
        dut = self._boot(folder)
        dut.agent.load_libraries([(side, module_of(side)) for side in order])
        dut.policy(**POLICY)
        return dut

    def _is_enough(self, batches: int, until: Deadline) -> bool:
        options = self.options
        if options.batches is not None:
            return batches >= options.batches
        if batches >= options.plan.max_batches or (batches and until.passed):
            return True
        if batches < options.plan.looks[0] or batches % LOOK_EVERY:
            return False
        verdict = self.comparison().decide(final=False)
        return not any(metric.open for metric in verdict.metrics if metric.metric.startswith("latency."))

    def _record_batch(self, sampler: InterleavedSampler, kinds: list[str]) -> None:
        batch = sampler.batch(ROUNDS)
        self.orders.append({"turns": [f"{side} {kind}" for side, kind in batch.order]})
        controls = batch.phases[CONTROL, WITHOUT_CORS]
        for phase in PHASES:
            control = [getattr(phases, phase) for phases in controls]
            for side in SIDES:
                for kind in kinds:
                    values = [getattr(phases, phase) for phases in batch.phases[side, kind]]
                    self.recorders[side].record(f"latency.{kind}.{phase}", values, "ms", control)
        bare = median([phases.on_board or 0.0 for phases in controls])
        for side in SIDES if PREFLIGHT in kinds and bare > 0 else ():
            shares = [(phases.on_board or 0.0) / bare for phases in batch.phases[side, PREFLIGHT]]
            self.recorders[side].record(RELATIVE, shares, "x")
        if echo := batch.phases.get((CONTROL, TCP_ECHO)):
            for side in SIDES:
                self.recorders[side].record("latency.control.echo", [phases.total for phases in echo], "ms")

    @contextmanager
    def _attributed(self, side: str | None) -> Iterator[None]:
        """Name the library of ``side``, or both for None, in any error.

        Only a crash of the candidate, or an answer that it loses, fails it. Those of the baseline, or those that
        either may have caused, prove nothing about the candidate: they block.
        """
        try:
            yield
        except CamrigError as error:
            loaded = f"with {self.libraries[side].name}" if side else "with both libraries loaded"
            is_named = side is not None and self.libraries[side].name in error.what
            message = error.what if is_named else f"{loaded}: {error.what}"
            if isinstance(error, AnswerLostError) and side:
                raise lost_answer(self.libraries[side].name, error, is_candidate=side == CANDIDATE) from error
            if isinstance(error, (AnswerLostError, BoardCrashedError)) and side != CANDIDATE:
                message = message if side else f"{message}; either library may have caused it"
                hint = "fix the baseline, or name another" if side else "run the test suite with each of them"
                raise BlockedError(message, board=error.board, hint=hint, details=error.details) from error
            raise error.amended(what=message) from error.__cause__


def run_ab(
    settings: Settings,
    candidate: str,
    baseline: str,
    seconds: float,
    seed: int,
    show: Callable[[Comparison, GateVerdict], None],
) -> GateVerdict:
    """Compare ``candidate`` with ``baseline`` on one board. Raises CamrigError.

    ``show`` gets the verdict before evidence is written, which may fail: the board may be gone or the disk full.
    """
    if settings.evidence:
        demand_writable(settings.evidence)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camrig-ab-")))
        sides = find_library(candidate, folder / "a"), find_library(baseline, folder / "b")
        print(ab_header(settings, *sides))
        options = AbOptions(
            ab_limits(settings), SequentialPlan(), calibration_of(settings, CALIBRATION_AB), seconds, seed=seed
        )
        if settings.evidence:
            remove_older(settings.evidence)
        board = stack.enter_context(Board(settings.device[0], settings, Steps(print)))
        session = AbSession(board, *sides, options, folder / "ab")
        session.run()
        if session.losses:
            print(session.losses)
        comparison = session.comparison()
        verdict = comparison.decide()
        show(comparison, verdict)
        if settings.evidence:
            command = {"candidate": candidate, "baseline": baseline, "seed": seed, "seconds": seconds}
            write_evidence(
                settings.evidence,
                Evidence(
                    samples=comparison.candidate,
                    board=board_record(board),
                    settings=settings_record(settings),
                    files=board.deployment.read_back(),
                    console=board.session.console.text(),
                    comparison=comparison,
                    verdict=verdict,
                    extra={"ab": {**command, **libraries_record(*sides, session.hashes), "batches": session.orders}},
                ),
            )
    return verdict
