"""The timed part of a session: both libraries loaded at once, request by request in turns.

The module loaded first lies elsewhere on the heap, and may be quicker by a few thousandths, so each load order has
half of the batches, or nearly. A kind of request whose metrics are all decided is left out of later batches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from camrig.bringup.board import Board
from camrig.compare.answers import lost_answer, wrong_answer, wrong_control
from camrig.compare.libraries import Library, module_of, side_by_side
from camrig.compare.losses import examine_losses, losses_line
from camrig.compare.metrics import FIRST_TIME, IMPORT_TIME, KINDS, LOAD_TIME, PHASES, RELATIVE, added, kind_of
from camrig.deadline import Deadline
from camrig.dut import Dut
from camrig.errors import AgentError, AnswerLostError, ServerSilentError
from camrig.gate.verdict import GateVerdict, Outcome
from camrig.measure.recorder import Recorder
from camrig.measure.statistics import median
from camrig.probe.agent import SIDE_HEADER
from camrig.probe.client import TIMING_HEADER, Phases, Response, request_bytes
from camrig.probe.interleaved import CONTROL, LIGHT, ROUNDS, SIDES, InterleavedBatch, InterleavedSampler
from camrig.probe.load import run_load
from camrig.probe.lost_exchanges import repeated_echo
from camrig.probe.request_kinds import POLICY, REQUEST_KINDS, RequestKind
from camrig.probe.sampling import ACTUAL, PREFLIGHT, TCP_ECHO, WITHOUT_CORS
from camrig.progress import SECONDS

if TYPE_CHECKING:
    from camrig.compare.ab import AbOptions

CANDIDATE, _ = SIDES
WARM_UP = 3  # batches of each boot whose times are dropped
BOOT_AFTER = 6  # batches, and then after every 12: each load order has half of them, or nearly
LOOK_EVERY = 3  # batches
ENOUGH_IF_RED = 42  # batches: a time that has regressed decides, whatever the others turn out to be
CLIENTS, EACH = 4, 3  # of a burst: clients at once, and requests of each; two are of a picture, which takes long
BURST_TRIES = 5  # of a burst that loses exchanges
FIRST, IMPORT, LOAD = (kind_of(metric) for metric in (FIRST_TIME, IMPORT_TIME, LOAD_TIME))
PICTURE, LATENCY = "picture", "latency."
FRESH = {"c": "a", "d": "b"}  # sides of fresh copies, by the library that each is of
BY_NAME = {kind.name: kind for kind in REQUEST_KINDS}


@dataclass
class TimedPart:
    """Takes timed batches until they decide or the time is over."""

    board: Board
    libraries: Mapping[str, Library]
    recorders: Mapping[str, Recorder]
    options: AbOptions
    random: Random
    boot: Callable[[Path], Dut]
    verdict: Callable[[], GateVerdict]  # of what was measured so far
    missing: dict[str, str]  # metrics that cannot be measured here, and why
    before_batch: Callable[[], None] = lambda: None
    orders: list[dict[str, Any]] = field(default_factory=list)  # of each batch: the load order, and every turn
    absent: set[str] = field(default_factory=set)  # optional kinds for which the application has no route
    wrong: Counter[str] = field(default_factory=Counter)  # answers of each side that were right when asked again
    open: set[str] | None = None  # kinds of the last look with an undecided metric; None before the first look

    def run(self, folder: Path) -> None:
        """Measure; ``folder`` receives the two libraries side by side. Raises CamrigError."""
        candidate, baseline = (self.libraries[side] for side in SIDES)
        side_by_side(candidate, baseline, folder)
        order = self.random.sample(SIDES, len(SIDES))
        until = Deadline.after(self.options.seconds)
        batches = boots = 0
        while wanted := self._wanted(batches, until):
            dut = self._boot_both(folder, order)
            # A forwarded board has its HTTP port at another address than its echo.
            echo = None
            if not self.board.settings.url:
                echo = repeated_echo(dut.repeat_lost, dut.address[0], dut.agent.echo_port())
            sampler = InterleavedSampler(partial(self._exchange, dut), echo=echo, seed=self.options.seed + boots)
            if not boots:
                self._find_absent(dut, wanted)
            with self.board.steps("sample") as note:
                for number in range(WARM_UP):
                    sampler.batch(self._kinds(wanted & set(KINDS) if number else wanted))
                before, until_boot = batches, batches + BOOT_AFTER * (2 if boots else 1)
                while batches < until_boot and (wanted := self._wanted(batches, until)):
                    self._show_progress(batches, until)
                    self._record_batch(dut, sampler, wanted)
                    self.orders[-1]["loaded"] = list(order)
                    batches += 1
                losses = losses_line(dut.exchanges)
                lost = f"; {losses}" if losses else ""
                note(f"{batches - before} batches of {ROUNDS} rounds, {order[0]} loaded first{lost}")
            examine_losses(dut)
            order.reverse()
            boots += 1

    def _show_progress(self, batches: int, until: Deadline) -> None:
        """How far the batches are: of a fixed number, or at most as many as the time is for."""
        if self.options.batches is not None:
            self.board.steps.progress(done=batches, total=self.options.batches, unit="batches")
        else:
            text = f"{batches} batches, or sooner if they decide"
            self.board.steps.progress(text, done=min(until.spent, until.seconds), total=until.seconds, unit=SECONDS)

    def _record_batch(self, dut: Dut, sampler: InterleavedSampler, wanted: set[str]) -> None:
        """Take one batch of the kinds in ``wanted``, and record it."""
        self.before_batch()
        batch = sampler.batch(self._kinds(wanted))
        self.orders.append({"turns": [f"{side} {kind}" for side, kind in batch.order]})
        controls = batch.phases[CONTROL, WITHOUT_CORS]
        bare = [phases.on_board or 0.0 for phases in controls]
        for kind in self._kinds(wanted):
            self._record_kind(batch, kind.name, controls)
        if FIRST in wanted or IMPORT in wanted:
            imports, firsts = self._load_fresh(dut)
            for side in SIDES:
                self.recorders[side].record(IMPORT_TIME, imports[side], "ms", bare)
                self.recorders[side].record(FIRST_TIME, firsts[side], "ms", bare)
        if LOAD in wanted:
            for side, times in self._bursts(dut).items():
                self.recorders[side].record(LOAD_TIME, times, "ms", bare)
        if echo := batch.phases.get((CONTROL, TCP_ECHO)):
            for side in SIDES:
                self.recorders[side].record("latency.control.echo", [phases.total for phases in echo], "ms")

    def _record_kind(self, batch: InterleavedBatch, kind: str, controls: list[Phases]) -> None:
        bare = median([phases.on_board or 0.0 for phases in controls])
        own = median([phases.on_board or 0.0 for phases in batch.phases[CONTROL, kind]])
        for side in SIDES:
            recorder, sample = self.recorders[side], batch.phases[side, kind]
            for phase in PHASES if kind in KINDS else PHASES[-1:]:
                values = [getattr(phases, phase) for phases in sample]
                recorder.record(f"latency.{kind}.{phase}", values, "ms", [getattr(each, phase) for each in controls])
            if bare > 0:
                times = [phases.on_board or 0.0 for phases in sample]
                light = [phases.on_board or 0.0 for phases in controls]
                recorder.record(added(kind), [100 * (time - own) / bare for time in times], "points", light)
                if kind == PREFLIGHT:
                    recorder.record(RELATIVE, [time / bare for time in times], "x")

    def _boot_both(self, folder: Path, order: list[str]) -> Dut:
        """A fresh boot with both libraries, loaded in that order, and a side without CORS."""
        dut = self.boot(folder)
        dut.policy(**POLICY)
        dut.agent.load_libraries([*((side, module_of(side)) for side in order), (CONTROL, None)])
        return dut

    def _kinds(self, wanted: set[str]) -> list[RequestKind]:
        return [kind for kind in REQUEST_KINDS if kind.name in wanted - self.absent]

    def _find_absent(self, dut: Dut, wanted: set[str]) -> None:
        """Leave out the optional kinds that the application has no route for."""
        for kind in self._kinds(wanted):
            if kind.optional and self._send(dut, CONTROL, kind).status == 404:
                self.absent.add(kind.name)
                reason = f"the application has no {kind.message[1]}"
                self.board.steps.say(f"{kind.words} is not timed: {reason}")
                self.missing |= {name: reason for name in self.options.limits if _is_time_of(kind.name, name)}

    def _wanted(self, batches: int, until: Deadline) -> set[str]:
        """What the next batch has to measure: kinds of requests, and first, import and load; empty: enough."""
        options = self.options
        limited = {kind_of(name) for name in options.limits if name.startswith(LATENCY)} - self.absent
        if options.batches is not None:
            return limited if batches < options.batches else set()
        if batches >= options.plan.max_batches or (batches and until.passed):
            return set()
        if batches < options.plan.looks[0]:
            return limited
        if batches % LOOK_EVERY == 0:
            times = [metric for metric in self.verdict().metrics if metric.metric.startswith(LATENCY)]
            is_red = any(metric.outcome is Outcome.REGRESSED for metric in times)
            self.open = {kind_of(metric.metric) for metric in times if metric.open}
            if is_red and batches >= ENOUGH_IF_RED:
                self.open.clear()
        return limited if self.open is None else limited & self.open

    def _exchange(self, dut: Dut, side: str, kind: RequestKind) -> Phases:
        response = self._send(dut, side, kind)
        if reason := self._mistake(side, kind, response):
            response = self._ask_again(dut, side, kind, reason)
        if response.phases.on_board is None:
            raise AgentError("a response came without its time on the board", hint="deploy this release's agent")
        return response.phases

    def _send(self, dut: Dut, side: str, kind: RequestKind) -> Response:
        method, target, headers, body = kind.message
        try:
            return dut.request(method, target, [*headers, (SIDE_HEADER, side), TIMING_HEADER], body)
        except AnswerLostError as error:
            side = FRESH.get(side, side)
            if side not in self.libraries:
                raise
            raise lost_answer(self.libraries[side].name, error, is_candidate=side == CANDIDATE) from error

    def _mistake(self, side: str, kind: RequestKind, response: Response) -> str:
        if side != CONTROL:
            return kind.mistake_in(response)
        return "" if response.status in kind.statuses else f"status {response.status}"

    def _ask_again(self, dut: Dut, side: str, kind: RequestKind, reason: str) -> Response:
        """The right answer to a second request, after one that was answered wrongly for that ``reason``.

        Raises the error of a wrong answer for one that is wrong again, and at the second time that this is needed.
        """
        control = self._send(dut, CONTROL, kind)
        if mistake := self._mistake(CONTROL, kind, control):
            raise wrong_control(mistake, self.board.spec)
        if side == CONTROL:
            return control
        response = self._send(dut, side, kind)
        if self._mistake(side, kind, response) or self.wrong[side]:
            library = self.libraries[FRESH.get(side, side)]
            is_candidate = FRESH.get(side, side) == CANDIDATE
            raise wrong_answer(library.name, kind.words, reason, self.board.spec, is_candidate=is_candidate)
        self.wrong[side] += 1
        return response

    def _load_fresh(self, dut: Dut) -> tuple[dict[str, list[float]], dict[str, float]]:
        """Milliseconds of imports of each library, and of the first preflight through what was imported."""
        order = list(FRESH.items())[:: 1 if len(self.orders) % 2 else -1]  # the first import of two may be slower
        # A single import of half a millisecond would often be one that was interrupted.
        turns = [*order, *reversed(order), *order]
        imports = dut.agent.load_libraries([(side, module_of(library)) for side, library in turns])
        self._exchange(dut, CONTROL, LIGHT)
        firsts = {library: self._exchange(dut, side, BY_NAME[PREFLIGHT]).on_board or 0.0 for side, library in order}
        return {FRESH[side]: times for side, times in imports.items()}, firsts

    def _bursts(self, dut: Dut) -> dict[str, list[float]]:
        """Milliseconds on the board for each side, of a preflight and the request after it, while clients wait."""
        return {side: self._burst(dut, side) for side in self.random.sample(SIDES, len(SIDES))}

    def _burst(self, dut: Dut, side: str, tries: int = BURST_TRIES) -> list[float]:
        host = "{}:{}".format(*dut.address)
        names = [PREFLIGHT, ACTUAL, PREFLIGHT, ACTUAL, *({PICTURE} - self.absent)]
        requests = [_request(BY_NAME[name], side, host) for name in names]
        kinds = {request: BY_NAME[name] for request, name in zip(requests, names, strict=True)}
        times: dict[str, list[float]] = {name: [] for name in names}
        mistakes: list[tuple[RequestKind, str]] = []

        def check(request: bytes, response: Response) -> str:
            kind = kinds[request]
            times[kind.name].append(response.phases.on_board or 0.0)
            if reason := kind.mistake_in(response):
                mistakes.append((kind, reason))
            return reason

        result = run_load(dut.address, requests, CLIENTS, EACH, check=check, counts=dut.exchanges, kind=side)
        if result.errors.get("status"):
            mistakes.append((BY_NAME[ACTUAL], "status 500 or more"))
        for kind, reason in mistakes:
            self._ask_again(dut, side, kind, f"{reason}, to one of {CLIENTS} clients at once")
        if mistakes:  # they were right this time; a second time would have raised
            return self._burst(dut, side, tries)
        if result.failed or result.unsent:
            self._exchange(dut, CONTROL, LIGHT)  # what took the board down is the better error
            if tries > 1:  # how often a library loses answers is judged as a rate
                return self._burst(dut, side, tries - 1)
            causes = ", ".join(f"{count} {cause}" for cause, count in result.errors.items()) or "no time left"
            raise ServerSilentError(f"{CLIENTS} clients at once lost exchanges ({causes})", board=self.board.spec)
        return [(a + b) / 2 for a, b in zip(times[PREFLIGHT], times[ACTUAL], strict=False)]


def _is_time_of(kind: str, metric: str) -> bool:
    return metric.startswith(LATENCY) and kind_of(metric) == kind


def _request(kind: RequestKind, side: str, host: str) -> bytes:
    method, target, headers, body = kind.message
    return request_bytes(method, target, host, [*headers, (SIDE_HEADER, side), TIMING_HEADER], body)
