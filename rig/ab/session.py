"""Two libraries on one board in one session: measured each alone and both in turns, until the samples decide.

Bytes and leaks are counted with one library on the board, as it ships, in two boots each; times are taken in one
boot with both, request by request in turns. Which side begins is drawn by the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from rig.ab.libraries import Library, module, side_by_side
from rig.bringup import Board
from rig.deadline import Deadline
from rig.dut import Dut
from rig.errors import AgentError, CamrigError
from rig.gate.baseline import Baseline
from rig.gate.calibration_file import Calibration
from rig.gate.collected import samples
from rig.gate.docket import Docket
from rig.gate.limits import Limit
from rig.gate.plan import Plan
from rig.gate.verdict import GateVerdict
from rig.measure.recorder import Recorder
from rig.measure.stats import median
from rig.origin import origin
from rig.probe.agent import Radio
from rig.probe.heap_series import heap_series
from rig.probe.preflight import preflight_headers
from rig.probe.sampling import ACTUAL, PREFLIGHT, TCP_ECHO, WITHOUT_CORS, Request, reachable_echo
from rig.probe.side_by_side import NO_SIDE, SIDES, SideBySide
from rig.probe.verdict import PageRequest, check_preflight

PAGE = Request("https://panel.example", method="POST", headers=("content-type", "x-frame"))
POLICY = {
    "allowed_origins": [PAGE.origin],
    "allow_credentials": False,
    "allowed_methods": ["GET", "POST"],
    "expose_headers": None,
    "allowed_headers": list(PAGE.headers),
    "max_age": 600,
    "preflight_status": 204,
}
PHASES = ("connect", "first_byte", "total", "on_board")
ALLOCATED, RETAINED, LEAK = "heap.preflight.allocated", "heap.import.microdot.cors", "heap.leak_slope"
KINDS = (PREFLIGHT, ACTUAL)
RELATIVE = "latency.preflight.relative"
MEASURED = (ALLOCATED, RETAINED, LEAK, RELATIVE, *(f"latency.{kind}.{phase}" for kind in KINDS for phase in PHASES))

WARM_UP = 3  # batches of each boot whose times are dropped
ROUNDS = 10  # in each batch
BURSTS, BURST = 6, 5  # counts of allocations in each boot
LEAK_WARM_UP, LEAK_EVERY, LEAK_REQUESTS = 50, 25, 250  # in each of the two boots of a side
LOOK_EVERY = 3  # batches


@dataclass(frozen=True)
class Terms:
    """What a session is told. ``seconds`` bounds the taking of times; ``batches`` takes so many and judges never."""

    limits: Mapping[str, Limit]
    plan: Plan
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

    def run(self) -> None:
        """Measure. Raises AgentError for a library that answers a preflight wrongly, and what ends a board."""
        order = self._random.choice([(*SIDES, *reversed(SIDES)), (*reversed(SIDES), *SIDES)])
        for side in order:
            with self._blaming(self.libraries[side]):
                self._alone(side)
        if any(name.startswith("latency.") for name in self.terms.limits):
            self._together()

    def docket(self) -> Docket:
        """What was measured so far, for the gate."""
        here, terms = origin(self.board, self._radio), self.terms
        candidate, baseline = (
            Baseline(replace(here, library_sha256=self.hashes[side]), samples(self.recorders[side].metrics))
            for side in SIDES
        )
        return Docket(candidate, baseline, terms.limits, terms.plan, paired=True, calibration=terms.calibration)

    def _boot(self, folder: Path) -> Dut:
        board = self.board
        board.settings = replace(board.settings, lib=folder)
        if self._dut is not None:
            board.session.repl()
        board.deploy()
        if self._dut is None:
            self._dut = board.boot()
        else:
            self._dut.boot()
        self._radio = self._dut.agent.radio()
        return self._dut

    def _alone(self, side: str) -> None:
        dut, recorder = self._boot(self.libraries[side].folder), self.recorders[side]
        self.hashes[side] = self.board.library_sha256
        dut.policy(**POLICY)
        headers = preflight_headers(PAGE.origin, PAGE.method, PAGE.headers)

        def preflight() -> None:
            self._demand_right(dut, headers, self.libraries[side])

        preflight()
        if RETAINED in self.terms.limits and (retained := self.board.imports.get("microdot.cors")) is not None:
            recorder.record(RETAINED, retained, "B")
        with self.board.steps("count") as note:
            if ALLOCATED in self.terms.limits:
                for _ in range(BURSTS):
                    found = dut.agent.allocations("OPTIONS", PAGE.path, headers, BURST)
                    recorder.record(ALLOCATED, found.bytes, "B")
                note(f"{found.bytes[-1]} B per preflight, {self.libraries[side].name}")
            if LEAK in self.terms.limits:
                for _ in range(LEAK_WARM_UP):
                    preflight()
                points = heap_series(preflight, dut.heap, LEAK_EVERY, LEAK_REQUESTS)
                recorder.record(LEAK, [alive for _, alive in points], "B/request", at=[at for at, _ in points])

    def _demand_right(self, dut: Dut, headers: list[tuple[str, str]], of: Library) -> None:
        answer = dut.request("OPTIONS", PAGE.path, headers)
        page = PageRequest(PAGE.origin, PAGE.method, (("content-type", "text/x"), ("x-frame", "1")))
        found = check_preflight(page, answer.status, answer.headers)
        if not found.allowed:
            raise AgentError(
                f"{of.name} answers a preflight wrongly ({found.reason}), so its figures would mean nothing",
                board=self.board.spec,
                next="mend it first; pytest says what else is wrong with it",
            )

    def _together(self) -> None:
        first, second = (self.libraries[side] for side in SIDES)
        dut, terms = self._boot(side_by_side(first, second, self._folder)), self.terms
        dut.agent.load([(side, module(side)) for side in self._random.sample(SIDES, len(SIDES))])
        dut.policy(**POLICY)
        kinds = [kind for kind in KINDS if any(name.startswith(f"latency.{kind}.") for name in terms.limits)]
        # A forwarded board has its HTTP port at another address than its echo.
        echo = None if self.board.settings.url else reachable_echo(dut.address[0], dut.agent.echo_port())
        sampler = SideBySide(dut.request, PAGE, kinds=kinds, echo=echo, seed=terms.seed)
        until = Deadline.after(terms.seconds)
        with self.board.steps("sample") as note:
            for _ in range(WARM_UP):
                sampler.batch(ROUNDS)
            taken = 0
            while not self._enough(taken, until):
                self._record(sampler, kinds)
                taken += 1
            note(f"{taken} batches of {ROUNDS} rounds, seed {terms.seed}")

    def _enough(self, taken: int, until: Deadline) -> bool:
        terms = self.terms
        if terms.batches is not None:
            return taken >= terms.batches
        if taken >= terms.plan.most or (taken and until.passed):
            return True
        if taken < terms.plan.looks[0] or taken % LOOK_EVERY:
            return False
        docket = self.docket()
        return not any(one.open for one in docket.decide(final=False).metrics if one.metric.startswith("latency."))

    def _record(self, sampler: SideBySide, kinds: list[str]) -> None:
        batch = sampler.batch(ROUNDS)
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
    def _blaming(self, of: Library) -> Iterator[None]:
        try:
            yield
        except CamrigError as error:
            if of.name not in error.what:
                error.what = f"with {of.name}: {error.what}"
            raise


def judged(limits: Mapping[str, Limit], tell: Callable[[str], None]) -> dict[str, Limit]:
    """Those limits whose metrics a session measures; the others are told of."""
    for name, limit in limits.items():
        if name not in MEASURED:
            tell(f"{name} ({limit}) is measured by the suite alone, and not judged here")
    return {name: limit for name, limit in limits.items() if name in MEASURED}


def decide(session: Session) -> tuple[Docket, GateVerdict]:
    """The final verdict of a session that has run."""
    docket = session.docket()
    return docket, docket.decide()
