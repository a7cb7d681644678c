"""``camrig ab``: two libraries on one board in one session, until the samples decide.

Bytes and leaks are counted with one library on the board, as it ships, in two boots each. Times are taken with both
loaded: see camrig.compare.timed. The seed decides which side begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from random import Random

from camrig.bringup.board import Board
from camrig.compare.alone import measure_alone
from camrig.compare.answers import AnswerCheck, hang_error, lost_answer, wrong_answer
from camrig.compare.boot import Boot
from camrig.compare.libraries import Library, ab_header, find_library, libraries_record, owner_of
from camrig.compare.losses import demand_answers, examine_losses, losses_line
from camrig.compare.metrics import IMPORTED, RETAINED, ab_limits
from camrig.compare.provenance import board_record, provenance_of, settings_record
from camrig.compare.stored import CALIBRATION_AB, calibration_of
from camrig.compare.timed import TimedPart
from camrig.deploy.hang import Hang
from camrig.deploy.layers import LIBRARY
from camrig.dut import Dut
from camrig.errors import (
    AnswerLostError,
    BlockedError,
    BoardCrashedError,
    CamrigError,
    LibraryError,
    ServerSilentError,
)
from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, demand_writable, remove_older, write_evidence
from camrig.gate.limits import Limit
from camrig.gate.samples import recorded_samples
from camrig.gate.sequential_plan import SequentialPlan
from camrig.gate.verdict import GateVerdict
from camrig.measure.recorder import Recorder
from camrig.probe.agent import Radio
from camrig.probe.interleaved import SIDES
from camrig.probe.request_kinds import POLICY
from camrig.settings.resolve import Settings
from camrig.steps import printed_steps
from camrig.whole_file import temporary_folder

CANDIDATE, _ = SIDES


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
        self.missing: dict[str, str] = {}  # metrics that cannot be measured here, and why
        self._folder = folder
        self._random = Random(options.seed)
        self._sides = self._random.choice([(*SIDES, *reversed(SIDES)), (*reversed(SIDES), *SIDES)])
        self._dut: Dut | None = None
        self._radio: Radio | None = None
        self.timed = TimedPart(
            board,
            self.libraries,
            self.recorders,
            options,
            self._random,
            boot=lambda folder: self._boot(folder),
            verdict=lambda: self.comparison().decide(final=False),
            missing=self.missing,
        )

    def run(self) -> None:
        """Measure. Raises WrongAnswerError if the candidate answers wrongly, and whatever takes the board down."""
        for side in self._sides:
            with self._attributed(side):
                self._measure_alone(side)
        for name, reason in self.missing.items():
            self.board.steps.say(f"{name} is not judged: {reason}")
        if any(name.startswith("latency.") for name in self.options.limits):
            with self._attributed(None):
                self.timed.run(self._folder)
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
        missing = {
            name: reason
            for name, reason in self.missing.items()
            if name not in candidate.metrics or name not in baseline.metrics
        }
        limits = options.limits
        if not self.board.settings.limits:  # the default limits are for whatever can be measured
            limits = {name: limit for name, limit in limits.items() if name not in missing}
        return Comparison(
            candidate,
            baseline,
            limits,
            options.plan,
            paired=True,
            calibration=options.calibration,
            blocked={name: reason for name, reason in missing.items() if name in limits},
        )

    def _boot(self, folder: Path, remeasure_imports: bool = False) -> Dut:
        if self._dut is not None:
            self.board.session.repl()
        self.board.deploy(library=folder, remeasure_imports=remeasure_imports)
        if self._dut is None:
            self._dut = self.board.boot()
        else:
            self.board.start(self._dut)
        self._radio = self.board.radio
        return self._dut

    def _measure_alone(self, side: str) -> None:
        """Count bytes and leaks in a boot with only the library of ``side``."""
        library, limits = self.libraries[side], self.options.limits
        dut = self._boot(library.folder, remeasure_imports=RETAINED in limits or IMPORTED in limits)
        self.hashes[side] = self.board.deployment.library_sha256
        dut.count_requests_as(side)
        dut.policy(**POLICY)
        answers = AnswerCheck(dut, partial(self._wrong_answer, side))
        boots = len(self._sides) if len(self.hashes) == 1 else 0
        boot = Boot(self.board, dut, library.name, self.recorders[side], limits, answers, boots)
        self.missing |= measure_alone(boot)
        examine_losses(dut)

    def _wrong_answer(self, side: str, words: str, reason: str) -> CamrigError:
        name = self.libraries[side].name
        return wrong_answer(name, words, reason, self.board.spec, is_candidate=side == CANDIDATE)

    def _find_hang(self) -> Hang | None:
        """What hangs on the board, if that is code, once it was booted."""
        return self.board.find_hang(self._dut) if self._dut is not None else None

    @contextmanager
    def _attributed(self, side: str | None) -> Iterator[None]:
        """Name the library of ``side``, or both for None, in any error.

        Only a crash of the candidate, or an answer that it loses, fails it. Those of the baseline, or those that
        either may have caused, prove nothing about the candidate: they block.
        """
        try:
            yield
        except CamrigError as error:
            if isinstance(error, ServerSilentError) and (hang := self._find_hang()) is not None:
                owner = side or owner_of(hang)
                both = "a file of both libraries" if hang.layer == LIBRARY else "both libraries loaded"
                name = self.libraries[owner].name if owner else both
                raise hang_error(name, hang, self.board.spec, is_candidate=owner == CANDIDATE) from error
            loaded = f"with {self.libraries[side].name}" if side else "with both libraries loaded"
            is_named = side is not None and self.libraries[side].name in error.what
            message = error.what if is_named else f"{loaded}: {error.what}"
            if isinstance(error, AnswerLostError) and side:
                raise lost_answer(self.libraries[side].name, error, is_candidate=side == CANDIDATE) from error
            if isinstance(error, (AnswerLostError, BoardCrashedError, LibraryError)) and side != CANDIDATE:
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
        folder = stack.enter_context(temporary_folder())
        sides = find_library(candidate, folder / "a"), find_library(baseline, folder / "b")
        print(ab_header(settings, *sides))
        options = AbOptions(
            ab_limits(settings), SequentialPlan(), calibration_of(settings, CALIBRATION_AB), seconds, seed=seed
        )
        if settings.evidence:
            remove_older(settings.evidence)
        board = stack.enter_context(Board(settings.device[0], settings, printed_steps()))
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
                    settings=settings_record(board.settings),
                    files=board.deployment.read_back(),
                    console=board.session.console.text(),
                    comparison=comparison,
                    verdict=verdict,
                    extra={
                        "ab": {
                            **command,
                            **libraries_record(*sides, session.hashes),
                            "batches": session.timed.orders,
                        }
                    },
                ),
            )
    return verdict
