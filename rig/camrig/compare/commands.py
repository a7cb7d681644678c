"""``camrig ab`` and ``camrig calibrate``: sessions of two libraries, and what comes of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

from camrig.bringup.board import Board
from camrig.compare.ab import Session, Terms, decide
from camrig.compare.libraries import library
from camrig.compare.metrics import MEASURED, judged
from camrig.compare.provenance import settings_record
from camrig.compare.stored import PAIRED, STORED, calibration_of, limits_of
from camrig.errors import SettingsError
from camrig.gate.baseline import Baseline
from camrig.gate.calibration import Calibration, Noise, Sides, calibrate, save_calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, demand_writable, remove_older, write_evidence
from camrig.gate.limits import Limit
from camrig.gate.samples import Samples
from camrig.gate.sequential_plan import SequentialPlan, one_look
from camrig.gate.verdict import GateVerdict
from camrig.report.metrics_table import heading
from camrig.settings.resolve import Settings
from camrig.steps import Steps

SUITE_BATCHES = 16  # that tests_hil takes with a quiet radio


def compare(
    settings: Settings,
    candidate: str,
    baseline: str,
    seconds: float,
    seed: int,
    tell: Callable[[Comparison, GateVerdict], None],
) -> GateVerdict:
    """Set ``candidate`` against ``baseline`` on one board. Raises CamrigError.

    ``tell`` gets the verdict before evidence is written, which may fail: the board can go away, the disk can be full.
    """
    if settings.evidence:
        demand_writable(settings.evidence)
    limits = _limits(settings)
    terms = Terms(limits, SequentialPlan(), calibration_of(settings, PAIRED), seconds, None, seed)
    if settings.evidence:
        remove_older(settings.evidence)
    with tempfile.TemporaryDirectory(prefix="camrig-ab-") as name, _board(settings) as board:
        folder = Path(name)
        session = Session(
            board, library(candidate, folder / "a"), library(baseline, folder / "b"), terms, folder / "ab"
        )
        session.run()
        comparison, verdict = decide(session)
        tell(comparison, verdict)
        if settings.evidence:
            console = board.session.console.text()
            identity = {**board.identity.as_record(), "spec": board.spec}
            names = {"candidate": candidate, "baseline": baseline, "seed": seed, "seconds": seconds}
            write_evidence(
                settings.evidence,
                Evidence(
                    comparison.candidate,
                    identity,
                    settings_record(settings),
                    board.deployment.read_back(),
                    console,
                    comparison,
                    verdict,
                    {"ab": {**names, "batches": session.orders}},
                ),
            )
    return verdict


@dataclass(frozen=True)
class Learned:
    """A calibration of one kind of comparison, with the limits that hold there, in the words of ``title``."""

    title: str
    noise: dict[str, Noise]
    limits: dict[str, Limit]


def learn(settings: Settings, runs: int, batches: int, seed: int) -> list[Learned]:
    """Set the library against itself in ``runs`` sessions; write both calibrations, and return them.

    One calibration is of two sides of one session, for ``camrig ab``; the other of one session against another, for
    ``--hil-compare``. Raises CamrigError.
    """
    here, stored = _limits(settings), _measured(limits_of(settings, paired=False))
    limits = {**stored, **here}
    sides: list[tuple[Baseline, Baseline]] = []
    with _board(settings) as board:
        for number in range(runs):
            board.steps.say(f"session {number + 1} of {runs}")
            with tempfile.TemporaryDirectory(prefix="camrig-ab-") as name:
                same = library(str(settings.lib), Path(name))
                terms = Terms(limits, SequentialPlan(), batches=batches, seed=seed + number)
                session = Session(board, same, same, terms, Path(name) / "ab")
                session.run()
                found = session.comparison()
                sides.append((found.candidate, found.baseline))
            if number + 1 < runs:
                board.session.repl()
    provenance = sides[0][0].provenance
    print(heading(provenance))
    learned = []
    within: list[Sides] = [(_wanted(a, here), _wanted(b, here)) for a, b in sides]
    learned.append(
        Learned("two libraries in one session (camrig ab)", calibrate(within, SequentialPlan(), seed), here)
    )
    save_calibration(settings.baselines / PAIRED, Calibration(provenance, learned[0].noise))
    between: list[Sides] = [
        (_wanted(one[0], stored), _wanted(other[1], stored)) for one, other in permutations(sides, 2)
    ]
    if between and stored:
        title = f"one run against another, of {SUITE_BATCHES} batches each (--hil-compare)"
        learned.append(Learned(title, calibrate(between, _once(SUITE_BATCHES), seed), stored))
        save_calibration(settings.baselines / STORED, Calibration(provenance, learned[1].noise))
    return learned


def _once(batches: int) -> SequentialPlan:
    """The plan of a comparison of stored runs, where a run has so many batches."""
    return replace(one_look(), looks=(batches,), max_batches=batches)


def _measured(limits: dict[str, Limit]) -> dict[str, Limit]:
    return {name: limit for name, limit in limits.items() if name in MEASURED}


def _limits(settings: Settings) -> dict[str, Limit]:
    if len(settings.device) != 1:
        raise SettingsError("libraries are compared on one board, so this takes one --device")
    found = judged(limits_of(settings, paired=True), print)
    if not found:
        raise SettingsError("none of the limits is of a metric that two libraries can be compared by here")
    return found


def _wanted(side: Baseline, limits: dict[str, Limit]) -> dict[str, Samples]:
    return {name: samples for name, samples in side.metrics.items() if name in limits}


def _board(settings: Settings) -> Board:
    return Board(settings.device[0], settings, Steps(print))
