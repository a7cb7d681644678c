"""One test run against a stored baseline: saving a baseline, judging against one, and the evidence of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from camrig.bringup.board import Board
from camrig.bringup.board_run import BoardRun
from camrig.compare.limits import limits_of
from camrig.compare.provenance import board_record, library_record, provenance_of, settings_record
from camrig.errors import BaselineError, BlockedError, CamrigError
from camrig.gate.baseline import Baseline, load_baseline, save_baseline
from camrig.gate.calibration import Calibration, load_calibration
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import Evidence, demand_writable
from camrig.gate.limits import STREAM_RELATIVE, Limit
from camrig.gate.looks import keep_look, load_looks, looks_path, plan_of_look
from camrig.gate.provenance import FIRMWARE
from camrig.gate.samples import recorded_samples
from camrig.gate.sequential_plan import one_look
from camrig.gate.tails import source_of
from camrig.gate.verdict import GateVerdict
from camrig.measure.sessions import ENOUGH
from camrig.probe.request_kinds import REQUEST_KINDS
from camrig.release_stage import NOT_A_RELEASE, is_rehearsal, is_stage
from camrig.settings.resolve import Settings

CALIBRATION_AB, CALIBRATION_RUNS = "calibration.ab.json", "calibration.runs.json"
NAMED = 3  # metrics that a message names
_HINT_MISSING = "save the baseline again, with a test that measures it, or remove its limit"
_HINT_DEFAULT = (
    "save the baseline again with this release's suite, or list the limits of your own metrics in [limits]"
)


def calibration_of(settings: Settings, name: str) -> Calibration | None:
    """The calibration in the file ``name``, None if there is none. Raises BaselineError for a damaged file."""
    path = settings.baselines / name
    return load_calibration(path) if path.exists() else None


def stored_baselines(folder: Path) -> dict[str, Baseline | BaselineError]:
    """The baselines of ``folder`` by name; for a file that cannot be read, the error."""
    baselines: dict[str, Baseline | BaselineError] = {}
    for path in sorted(folder.glob("*.json")):
        if path.name in (CALIBRATION_AB, CALIBRATION_RUNS):
            continue
        try:
            baselines[path.stem] = load_baseline(path)
        except BaselineError as error:
            baselines[path.stem] = error
    return baselines


def applicable(limits: Mapping[str, Limit], baseline: Baseline) -> dict[str, Limit]:
    """``limits`` without those on optional kinds of requests that ``baseline`` has no samples of, or no exact counts.

    An application may have no camera, and a sensor's pictures are not all of one size. A baseline of an earlier
    release knows nothing of a stream's pace.
    """
    stored = baseline.joined()
    left_out = {STREAM_RELATIVE} - set(stored)
    for kind in (kind.name for kind in REQUEST_KINDS if kind.optional):
        added, allocated = f"latency.{kind}.added", f"heap.{kind}.allocated"
        if added not in stored:
            left_out.add(added)
        if allocated not in stored or not stored[allocated].constant:
            left_out.add(allocated)
    return {name: limit for name, limit in limits.items() if name not in left_out}


def _named(metrics: Sequence[str]) -> str:
    """The first few of ``metrics``, and how many there are besides."""
    rest = len(metrics) - NAMED
    return f"{', '.join(metrics[:NAMED])} and {rest} others" if rest > 1 else ", ".join(metrics)


class StoredComparison:
    """This run's side of a comparison with a stored baseline.

    It judges at the first call; every later call returns the same verdict, or raises the same error.
    """

    def __init__(self, settings: Settings, board_runs: list[BoardRun], spec: str) -> None:
        """``spec`` is the board. Raises SettingsError, and BaselineError for a baseline that is missing or lacks a
        metric with a limit.
        """
        self.limits = limits_of(settings, paired=False)
        self.comparison: Comparison | None = None
        self._settings, self._board_runs, self._spec = settings, board_runs, spec
        self._verdict: GateVerdict | CamrigError | None = None
        if settings.evidence:
            demand_writable(settings.evidence)
        self.baseline = load_baseline(self._stored(settings.compare)) if settings.compare else None
        if self.baseline and not settings.limits:
            self.limits = applicable(self.limits, self.baseline)
        if settings.save and self.path(settings.save).exists():
            load_baseline(self.path(settings.save))  # a file that no session can be added to is an error right away
        if self.baseline:
            self._demand_stored(self.baseline)

    def _demand_stored(self, baseline: Baseline) -> None:
        """Raise BaselineError for a limit on a change of what ``baseline`` lacks."""
        stored = baseline.joined()
        missing = [name for name, limit in self.limits.items() if limit.change and source_of(name) not in stored]
        if missing:
            raise BaselineError(
                f"{_named(missing)} {'have limits' if len(missing) > 1 else 'has a limit'}, but the baseline"
                f" {self._settings.compare} holds no samples of {'them' if len(missing) > 1 else 'it'}",
                hint=_HINT_MISSING if self._settings.limits else _HINT_DEFAULT,
            )

    def path(self, name: str) -> Path:
        """The file of the baseline ``name``; in a run of several boards each has its own."""
        return self._own(name) if len(self._settings.device) > 1 else self._common(name)

    def _stored(self, name: str) -> Path:
        """The file to compare with: the one that would be saved, else the other one if there is that alone."""
        paths = (self.path(name), self._common(name), self._own(name))
        return next((path for path in paths if path.exists()), paths[0])

    def _common(self, name: str) -> Path:
        return self._settings.baselines / f"{name}.json"

    def _own(self, name: str) -> Path:
        return self._settings.baselines / f"{name}@{quote(self._spec, safe='')}.json"

    def judge(self) -> GateVerdict:
        """The verdict on what was measured so far. Raises BaselineError, SettingsError, BlockedError."""
        if self._verdict is None:
            try:
                self._verdict = self._judge()
            except CamrigError as error:
                self._verdict = error
        if isinstance(self._verdict, CamrigError):
            raise self._verdict
        return self._verdict

    def _judge(self) -> GateVerdict:
        assert self.baseline is not None
        candidate = self.measured()
        assert self._settings.compare is not None
        looks = looks_path(self._settings.baselines, self._stored(self._settings.compare).stem)
        library = candidate.provenance.library_sha256
        self.comparison = Comparison(
            candidate,
            self.baseline,
            self.limits,
            plan_of_look(one_look(), load_looks(looks).get(library, 0)),
            paired=False,
            anyway=self._settings.compare_anyway,
            compared=FIRMWARE if is_stage() else (),
            calibration=calibration_of(self._settings, CALIBRATION_RUNS),
            blocked={
                metric: "no test of this run measured it"
                for metric in self.limits
                if source_of(metric) not in candidate.metrics
            },
        )
        verdict = self.comparison.decide()
        keep_look(looks, library, verdict.outcome)
        return verdict

    def measured(self) -> Baseline:
        """This run's samples. Raises BlockedError if no test had a booted board."""
        board_run, board = self._measured_board()
        return Baseline(provenance_of(board, board_run.radio), recorded_samples(board_run.recorder.metrics))

    def properties(self) -> list[tuple[str, str]]:
        """The properties of the judged board, for a test report."""
        return next((known.properties() for known in self._board_runs if known.spec == self._spec), [])

    def _measured_board(self) -> tuple[BoardRun, Board]:
        for board_run in self._board_runs:
            if board_run.spec == self._spec and board_run.board is not None and board_run.dut is not None:
                return board_run, board_run.board
        raise BlockedError("nothing was measured: no test of this run had a booted board", board=self._where)

    @property
    def _where(self) -> str | None:
        """The board in messages, where there are several."""
        return self._spec if len(self._settings.device) > 1 else None

    def save(self, name: str) -> str:
        """Add this run to the sessions of the baseline ``name`` and return a line for the terminal.

        Raises BaselineError, BlockedError.
        """
        run = self.measured()
        if not run.metrics:
            raise BaselineError(
                f"the baseline {name} was not saved: no test of this run measured anything",
                hint="write one with the fixture measure, and name a limit for it in [limits] of camrig.toml",
            )
        path = self.path(name)
        baseline = load_baseline(path).with_session(run, name) if path.exists() else run
        save_baseline(path, baseline)
        limits = self.limits if self._settings.limits else applicable(self.limits, run)
        missing = [metric for metric in limits if source_of(metric) not in run.metrics]
        source = "[limits] names" if self._settings.limits else "the default limits name"
        note = f"; without samples of {_named(missing)}, which {source}" if missing else ""
        sessions = len(baseline.sessions)
        if (lacking := ENOUGH - sessions) > 0:
            note += (
                f"; times can be judged from {ENOUGH} sessions on: save {lacking} more session{'s' * (lacking != 1)}"
            )
        count = len(run.metrics)
        return f"baseline {name}: session {sessions}, {count} metric{'s' * (count != 1)} in {path}{note}"

    def evidence(self, exit_code: int) -> Evidence:
        """The evidence of this board's part of a run, which ends with ``exit_code``. Raises BlockedError."""
        board_run, board = self._measured_board()
        run = {"exit_code": exit_code, **({"rehearsal": NOT_A_RELEASE} if is_rehearsal() else {})}
        verdict = self._verdict if isinstance(self._verdict, GateVerdict) else None
        comparison = self.comparison if verdict else None
        return Evidence(
            samples=comparison.candidate if comparison else self.measured(),
            board={**board_record(board), "library": library_record(board)},
            settings=settings_record(self._settings),
            files=board_run.files,
            console=board_run.console,
            comparison=comparison,
            verdict=verdict,
            extra={"notes": board_run.recorder.notes, "run": run},
        )
