"""What the history keeps of a run, and how it is read out of a file of results."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.errors import EXIT_FAILED, EXIT_INCONCLUSIVE, ResultsError
from camrig.measure.statistics import median
from camrig.report.board_endings import BLOCKED as BLOCKED
from camrig.report.board_endings import FAILED as FAILED
from camrig.report.board_endings import INCONCLUSIVE as INCONCLUSIVE
from camrig.report.board_endings import INTERRUPTED as INTERRUPTED
from camrig.report.board_endings import PASSED as PASSED
from camrig.report.board_endings import board_endings
from camrig.report.results_file import INTERRUPTED as EXIT_INTERRUPTED
from camrig.report.results_file import read_results

MAX_BATCHES = 32  # medians of batches that are kept of a metric
ENDINGS = (PASSED, FAILED, INCONCLUSIVE, INTERRUPTED, BLOCKED)
_ENDING = {0: PASSED, EXIT_FAILED: FAILED, EXIT_INCONCLUSIVE: INCONCLUSIVE, EXIT_INTERRUPTED: INTERRUPTED}


@dataclass(frozen=True)
class MetricRecord:
    """One metric of one board in one run. ``batches`` are the medians of its first batches, in order."""

    name: str
    unit: str
    n: int
    median: float
    low: float | None
    high: float | None
    batches: tuple[float, ...] = ()


@dataclass(frozen=True)
class BoardRecord:
    """One board in one run, and how the run ended for it. What is not known is empty or None."""

    spec: str
    ending: str
    machine: str = ""
    firmware: str = ""
    build: str = ""
    mac: str = ""
    virtual: bool = False
    library: str = ""
    library_source: str = ""
    application: str = ""
    access_point: str = ""
    channel: int | None = None
    metrics: tuple[MetricRecord, ...] = ()
    label: str = ""  # its name in the bench file

    @property
    def name(self) -> str:
        """What names this board in every run: a virtual board has another MAC each time."""
        return self.spec if self.virtual or not self.mac else self.mac


@dataclass(frozen=True)
class RunRecord:
    """One run. ``ending`` is how it ended, one of ``ENDINGS``; ``scoped`` whether tests were left out on purpose."""

    started: str
    seconds: float
    exit_code: int
    ending: str
    scoped: bool | None
    camrig: str
    host: str
    commit: str
    source: str
    blocked: tuple[str, ...] = ()
    tests: Mapping[str, int] = field(default_factory=dict)
    boards: tuple[BoardRecord, ...] = ()

    @property
    def key(self) -> str:
        """The same for every file of the same run, also for one whose exit code was written later."""
        parts = [self.started, repr(self.seconds), self.camrig]
        parts += sorted(f"{board.spec} {board.mac}" for board in self.boards if board.machine)
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def read_run(path: Path) -> RunRecord:
    """The run of a file of results. Raises ResultsError, naming what is wrong with the file."""
    return run_of(read_results(path), str(path))


def run_of(data: Mapping[str, Any], source: str) -> RunRecord:
    """The run of results that ``report.results_file`` has checked. Raises ResultsError if its start is not a time."""
    repository, ending = data["repository"] or {}, _ENDING.get(data["exit_code"], BLOCKED)
    commit = repository.get("commit") or ""
    return RunRecord(
        started=_moment(data["started"], source),
        seconds=float(data["seconds"]),
        exit_code=data["exit_code"],
        ending=ending,
        scoped=data["selection"].get("scoped"),
        camrig=data["camrig"],
        host=data["host"].get("name") or "",
        commit=f"{commit}+" if commit and repository.get("dirty") else commit,
        source=source,
        blocked=tuple(data["blocked"]),
        tests=data["tests"],
        boards=tuple(_boards(data, ending)),
    )


def _boards(data: Mapping[str, Any], ending: str) -> Iterator[BoardRecord]:
    """The boards of a run, also those that tests asked for and the rig did not reach."""
    reached = [board["spec"] for board in data["boards"]]
    tests = [(test["board"], test["outcome"]) for test in data["outcomes"]]
    endings = board_endings(reached, tests, ending)
    for board in data["boards"]:
        yield _board(board, endings[board["spec"]])
    for spec, own in endings.items():
        if spec not in reached:
            yield BoardRecord(spec=spec, ending=own)


def _board(data: Mapping[str, Any], ending: str) -> BoardRecord:
    return BoardRecord(
        spec=data["spec"],
        ending=ending,
        machine=data["machine"],
        firmware=data["firmware"],
        build=data["build"],
        mac=data["mac"],
        virtual=data["virtual"],
        library=data["library_sha256"],
        library_source=data["library_source_sha256"],
        application=data["application_sha256"],
        access_point=(data["radio"] or {}).get("ssid") or "",
        channel=(data["radio"] or {}).get("channel"),
        label=data["name"],
        metrics=tuple(_metric(metric) for metric in data["metrics"] if isfinite(metric["median"])),
    )


def _metric(data: Mapping[str, Any]) -> MetricRecord:
    batches = [batch["values"] for batch in data["batches"][:MAX_BATCHES] if batch["values"] and not batch["at"]]
    return MetricRecord(
        name=data["name"],
        unit=data["unit"],
        n=data["n"],
        median=float(data["median"]),
        low=data["low"],
        high=data["high"],
        batches=tuple(map(median, batches)),
    )


def _moment(text: str, source: str) -> str:
    """The start of a run in UTC, always spelled alike."""
    with suppress(ValueError, OverflowError):
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        if moment.tzinfo is not None:
            return moment.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds")
    raise ResultsError(f"{source} is damaged: its start is not a time with a time zone", hint="run the tests again")
