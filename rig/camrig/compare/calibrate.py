"""``camrig calibrate``: the library against itself, to learn which changes this bench can tell apart."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import permutations

from camrig.bringup.board import Board
from camrig.compare.ab import AbOptions, AbSession
from camrig.compare.libraries import find_library
from camrig.compare.limits import limits_of
from camrig.compare.metrics import MEASURED, ab_limits
from camrig.compare.stored import CALIBRATION_AB, CALIBRATION_RUNS
from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration, Noise, Sides, calibrate, save_calibration
from camrig.gate.limits import Limit
from camrig.gate.samples import Samples
from camrig.gate.sequential_plan import SequentialPlan, one_look
from camrig.report.own_ignore import ignore_itself
from camrig.report.summary import heading
from camrig.settings.resolve import Settings
from camrig.steps import printed_steps
from camrig.whole_file import temporary_folder

SUITE_BATCHES = 16  # that tests_hil takes with a quiet radio


@dataclass(frozen=True)
class CalibrationResult:
    """The noise of one kind of comparison, which ``title`` names, and the limits that apply to it."""

    title: str
    noise: dict[str, Noise]
    limits: dict[str, Limit]


def run_calibration(settings: Settings, runs: int, batches: int, seed: int) -> list[CalibrationResult]:
    """Compare the library with itself in ``runs`` sessions, write both calibrations and return them.

    One calibrates two sides of one session, for ``camrig ab``; the other calibrates one session against another, for
    ``--hil-compare``. Raises CamrigError.
    """
    within = ab_limits(settings)
    between = {name: limit for name, limit in limits_of(settings, paired=False).items() if name in MEASURED}
    sessions = _measure(settings, {**between, **within}, runs, batches, seed)
    provenance = sessions[0][0].provenance
    with suppress(OSError):  # the calibration itself says so
        ignore_itself(settings.results)
    print(heading(provenance))
    pairs: list[Sides] = [(_only(a, within), _only(b, within)) for a, b in sessions]
    results = [
        CalibrationResult(
            "two libraries in one session (camrig ab)", calibrate(pairs, SequentialPlan(), seed), within
        )
    ]
    save_calibration(settings.baselines / CALIBRATION_AB, Calibration(provenance, results[0].noise))
    crossed: list[Sides] = [(_only(a, between), _only(b, between)) for (a, _), (_, b) in permutations(sessions, 2)]
    if crossed and between:
        title = f"one run against another, of {SUITE_BATCHES} batches each (--hil-compare)"
        results.append(CalibrationResult(title, calibrate(crossed, _stored_plan(), seed), between))
        save_calibration(settings.baselines / CALIBRATION_RUNS, Calibration(provenance, results[1].noise))
    return results


def _measure(
    settings: Settings, limits: dict[str, Limit], runs: int, batches: int, seed: int
) -> list[tuple[Baseline, Baseline]]:
    """Both sides of each session, all on one board."""
    sessions = []
    with Board(settings.device[0], settings, printed_steps()) as board:
        for number in range(runs):
            if number:
                board.session.repl()
            board.steps.part(f"session {number + 1} of {runs}")
            with temporary_folder() as folder:
                library = find_library(str(settings.lib), folder)
                options = AbOptions(limits, SequentialPlan(), batches=batches, seed=seed + number)
                session = AbSession(board, library, library, options, folder / "ab")
                session.run()
                comparison = session.comparison()
                sessions.append((comparison.candidate, comparison.baseline))
    return sessions


def _stored_plan() -> SequentialPlan:
    """The plan of a comparison of two runs of the suite."""
    return replace(one_look(), looks=(SUITE_BATCHES,), max_batches=SUITE_BATCHES)


def _only(side: Baseline, limits: dict[str, Limit]) -> dict[str, Samples]:
    return {name: samples for name, samples in side.metrics.items() if name in limits}
