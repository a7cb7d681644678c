"""Boots of one side after another on one board, each measured as a whole: the boot, requests of every kind, the heap.

What differs between the sides is put on the board before each boot. The n-th boots of both sides get the same
requests in the same random order: what the heap still holds at their end depends on it.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from camrig.bringup.board import Board
from camrig.compare.answers import AnswerCheck, hang_error, lost_answer, wrong_answer
from camrig.compare.boot import Boot
from camrig.compare.losses import demand_answers, examine_losses, losses_line
from camrig.compare.metrics import allocated
from camrig.compare.provenance import provenance_of
from camrig.compare.whole_metrics import (
    ALIVE,
    BOOT,
    FREE,
    IDF_FREE,
    IDF_LARGEST,
    IDF_LOWEST,
    MEASURED_WHOLE,
    phases_of,
)
from camrig.dut import Dut
from camrig.errors import (
    EXIT_FAILED,
    AgentError,
    AnswerLostError,
    BlockedError,
    BootError,
    CamrigError,
    CandidateError,
    ServerSilentError,
)
from camrig.gate.limits import Limit
from camrig.gate.provenance import Provenance
from camrig.measure.recorder import Recorder
from camrig.probe.client import TIMING_HEADER, Phases
from camrig.probe.heap_series import settled_heap
from camrig.probe.interleaved import LATER_ROUNDS, LIGHT, ROUNDS, SIDES
from camrig.probe.request_kinds import POLICY, REQUEST_KINDS, RequestKind
from camrig.probe.sampling import ACTUAL, PREFLIGHT, WITHOUT_CORS

CANDIDATE, BASELINE = SIDES
WARM_UP = 2  # requests of each kind in each boot, whose answers are checked
BURST = 4  # requests of each kind that are counted in each boot
BOOT_STEPS = ("reset", "console", "ready")


@dataclass
class WholeBoots:
    """``names`` are what messages call the sides; ``prepare(side)`` puts one on the board, which is in its REPL."""

    board: Board
    names: Mapping[str, str]
    prepare: Callable[[str], None]
    limits: Mapping[str, Limit]
    seed: int = 0
    missing: dict[str, str] = field(default_factory=dict)  # metrics that cannot be measured here, and why
    duts: list[Dut] = field(default_factory=list)  # a new one after the firmware has changed
    provenances: dict[str, Provenance] = field(default_factory=dict)  # of each side, at its first boot
    proof: Callable[[], None] = lambda: None  # that each side is what it should be, once both were booted
    _taken: Counter[str] = field(default_factory=Counter, init=False)  # boots of each side that were measured
    is_new: bool = field(default=True, init=False)  # so that nothing is known of the running application

    def try_both(self) -> None:
        """Boot each side once, unmeasured. Raises what a side does wrong; the baseline comes first.

        So a candidate that does not come up is at fault itself, and not the board.
        """
        for side in (BASELINE, CANDIDATE):
            with self._attributed(side):
                self._warm_up(side, self._boot(side)[0])
        self.proof()

    def take(self, side: str, recorder: Recorder) -> None:
        """Boot a side and record a batch of each metric. Raises what takes the board down, and wrong answers."""
        with self._attributed(side):
            dut, seconds = self._boot(side)
            answers = self._warm_up(side, dut)
            recorder.record(BOOT, seconds, "s")
            self._record_times(dut, answers, recorder, random.Random(f"{self.seed} {self._taken[side]}"))
            self._taken[side] += 1
            self._record_heap(dut, recorder)
            boot = Boot(self.board, dut, self.names[side], recorder, self.limits, answers)
            for kind in self._kinds():
                if allocated(kind.name) in self.limits:
                    boot.record(allocated(kind.name), boot.count([kind], BURST).bytes)
            examine_losses(dut)

    def demand_answers(self) -> None:
        """Raise AnswerLostError if the candidate certainly loses more exchanges than baseline and controls."""
        for dut in self.duts:
            demand_answers(dut.exchanges, self.names[CANDIDATE], self.names[BASELINE], self.board.spec)

    @property
    def losses(self) -> str:
        """The lost exchanges in words, empty if there were none."""
        return "\n".join(filter(None, (losses_line(dut.exchanges) for dut in self.duts)))

    def forget_dut(self) -> None:
        """The firmware has changed: what was known of the running application holds no longer."""
        self.is_new = True

    def _boot(self, side: str) -> tuple[Dut, float]:
        """The booted side, and the seconds from the reset to its first answer."""
        if self.duts:
            self.board.session.repl()
        self.prepare(side)
        done = len(self.board.steps.done)
        if self.is_new:
            self.duts.append(self.board.boot())
            self.is_new = False
        else:
            self.board.start(self.duts[-1])
        dut = self.duts[-1]
        dut.count_requests_as(side)
        self._demand_unchanged(side)
        last = {step.name: step.seconds for step in self.board.steps.done[done:]}  # new firmware may boot twice
        return dut, sum(last[name] for name in BOOT_STEPS)

    def _demand_unchanged(self, side: str) -> None:
        """Raise BlockedError if a side is not what it was at its first boot."""
        now = provenance_of(self.board, self.board.radio)
        first = self.provenances.setdefault(side, now)
        facts = ("firmware", "build", "mpy", "power_save", "library_sha256")
        if changed := [fact for fact in facts if getattr(now, fact) != getattr(first, fact)]:
            raise BlockedError(
                f"{self.names[side]}: {', '.join(changed)} changed from one boot to another",
                board=self.board.spec,
                hint="check what else changes the board, then compare again",
            )

    def _kinds(self) -> list[RequestKind]:
        return [kind for kind in REQUEST_KINDS if allocated(kind.name) not in self.missing]

    def _warm_up(self, side: str, dut: Dut) -> AnswerCheck:
        """Check the answers to each kind of request, and leave out the optional ones that there is no route for."""
        dut.policy(**POLICY)
        answers = AnswerCheck(dut, partial(self._wrong_answer, side))
        for kind in self._kinds():
            response = dut.request(*kind.message)
            if kind.optional and response.status == 404:
                reason = f"the application has no route for {kind.words} ({kind.target})"
                self.board.steps.say(f"{kind.words} is not compared: {reason}")
                self.missing |= {name: reason for name in MEASURED_WHOLE if name.split(".")[1] == kind.name}
                continue
            answers.check(kind, response)
            for _ in range(WARM_UP - 1):
                answers.request(kind)
        return answers

    def _record_times(self, dut: Dut, answers: AnswerCheck, recorder: Recorder, draw: random.Random) -> None:
        """Time requests of every kind in the order that ``draw`` gives, beside controls that pass no library."""
        turns = [
            kind
            for kind in (*self._kinds(), LIGHT)
            for _ in range(ROUNDS if kind.name in (PREFLIGHT, ACTUAL, WITHOUT_CORS) else LATER_ROUNDS)
        ]
        phases: dict[str, list[Phases]] = {}
        for kind in draw.sample(turns, len(turns)):
            phases.setdefault(kind.name, []).append(_exchange(dut, kind, answers))
        controls = phases.pop(WITHOUT_CORS)
        for name, sample in phases.items():
            for phase in phases_of(name):
                values = [getattr(each, phase) for each in sample]
                recorder.record(f"latency.{name}.{phase}", values, "ms", [getattr(each, phase) for each in controls])
        for phase in phases_of(WITHOUT_CORS):
            recorder.record(f"latency.{WITHOUT_CORS}.{phase}", [getattr(each, phase) for each in controls], "ms")

    def _record_heap(self, dut: Dut, recorder: Recorder) -> None:
        heap = settled_heap(dut.heap)
        recorder.record(ALIVE, heap.alloc, "B")
        recorder.record(FREE, heap.free, "B")
        if heap.idf:
            recorder.record(IDF_FREE, sum(row[1] for row in heap.idf), "B")
            recorder.record(IDF_LARGEST, max(row[2] for row in heap.idf), "B")
            recorder.record(IDF_LOWEST, sum(row[3] for row in heap.idf), "B")
        else:
            reason = "this firmware reports no heap of the ESP-IDF"
            self.missing |= dict.fromkeys((IDF_FREE, IDF_LARGEST, IDF_LOWEST), reason)

    def _wrong_answer(self, side: str, words: str, reason: str) -> CamrigError:
        return wrong_answer(self._whose(side), words, reason, self.board.spec, is_candidate=side == CANDIDATE)

    def _whose(self, side: str) -> str:
        return f"the application with {self.names[side]}"

    @contextmanager
    def _attributed(self, side: str) -> Iterator[None]:
        """Name the side in any error. Only what the candidate does wrong is a failure; the baseline blocks.

        A candidate has failed, too, if it does not come up: the baseline did, as it is booted first.
        """
        try:
            yield
        except CamrigError as error:
            is_candidate, name = side == CANDIDATE, self.names[side]
            silent = isinstance(error, ServerSilentError) and bool(self.duts)
            if silent and (hang := self.board.find_hang(self.duts[-1])) is not None:
                raise hang_error(name, hang, self.board.spec, is_candidate=is_candidate) from error
            if isinstance(error, AnswerLostError):
                raise lost_answer(name, error, is_candidate=is_candidate) from error
            message = error.what if name in error.what else f"with {name}: {error.what}"
            context: dict[str, Any] = {"board": error.board or self.board.spec, "details": error.details}
            if is_candidate and isinstance(error, BootError):
                raise CandidateError(message, hint=error.hint or "see the console of the board", **context) from error
            if not is_candidate and error.exit_code == EXIT_FAILED:
                hint = "make the baseline work first, or name another"
                raise BlockedError(message, hint=hint, **context) from error
            raise error.amended(what=message, board=self.board.spec) from error.__cause__


def _exchange(dut: Dut, kind: RequestKind, answers: AnswerCheck) -> Phases:
    method, target, headers, body = kind.message
    response = dut.request(method, target, [*headers, TIMING_HEADER], body)
    if kind is not LIGHT:
        answers.check(kind, response)
    if response.phases.on_board is None:
        raise AgentError("a response came without its time on the board", hint="deploy this release's agent")
    return response.phases
