"""The results of a run as plain data, and the JSON file that keeps them. The file holds each value once.

Its fields are those of docs/results.schema.json.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.measure.recorder import RecordedMetric
from camrig.redaction import hidden
from camrig.release_stage import NOT_A_RELEASE, is_rehearsal
from camrig.report.answers import correctness, cost, leak
from camrig.report.board_endings import board_endings
from camrig.report.own_ignore import ignore_itself
from camrig.report.percentiles import percentiles
from camrig.report.plain_data import plain
from camrig.report.run_verdict import ending_of, run_verdict
from camrig.whole_file import write_whole

SCHEMA = 3
MAX_RUNS_OF_A_SECOND = 1000
GATE = "gate::"  # how the id of each test begins that judges a limit
LEVELS = 4  # of lists and objects within each other that may have a line for each entry
WIDTH = 300  # characters of a line that holds a whole list or object


# What a test has only if there is something to say, and what stands for nothing.
EMPTY_OF_BOARD: dict[str, Any] = {"name": "", "access_point": "", "about": "", "known_issues": []}
EMPTY_OF_TEST: dict[str, Any] = {"text": "", "differences": [], "exchange": None, "console": ""}


@dataclass(frozen=True)
class TestRecord:
    """What became of a test. ``start`` is in seconds since the run's; ``console`` are the lines that matter.

    ``differences`` and ``exchange`` are what the error itself says: how a response differs, and both sides as sent.
    """

    __test__ = False  # not a test class, although pytest would take its name for one

    test: str
    outcome: str
    board: str
    start: float
    seconds: float
    text: str
    differences: list[str] = field(default_factory=list)
    exchange: dict[str, Any] | None = None
    console: str = ""


@dataclass(frozen=True)
class BoardReport:
    """One board of a run: its identity, its steps and recoveries, and what was measured on it.

    ``library_sha256`` is that of the built module, read back from the board, and ``library_source`` the file that it
    was built from. ``recovery`` has a row per rung that was climbed; ``crashes`` one per crash, ``between`` for one
    after its test; the ``timeline`` has both and lost exchanges, with the console around them. ``name``,
    ``access_point``, ``about`` and ``known_issues``, which are sentences, are from the bench file, empty for a board
    that is not there. ``health`` is how the last runs on it ended, None for one made for this run; ``usb`` what the
    kernel said of a lost port.
    """

    spec: str
    machine: str
    firmware: str
    build: str
    mac: str
    mpy: str
    virtual: bool
    heap_bytes: int
    url: str
    library_source: str
    library_source_sha256: str
    library_sha256: str
    steps: list[dict[str, Any]]
    recovery: list[dict[str, Any]]
    crashes: list[dict[str, Any]]
    metrics: list[RecordedMetric] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    chip: str = ""
    flash_bytes: int = 0
    application: str = ""
    application_source: str = ""
    application_sha256: str = ""
    radio: dict[str, int | str | None] | None = None
    sensor: dict[str, Any] | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    console: dict[str, Any] | None = None
    name: str = ""
    access_point: str = ""
    about: str = ""
    known_issues: list[str] = field(default_factory=list)
    health: dict[str, Any] | None = None
    usb: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunReport:
    """A whole run. ``tests`` counts outcomes; ``blocked`` holds each cause once; ``started`` is UTC, ISO 8601.

    ``correct`` is what the tests say, in a sentence; ``gate`` the verdict against a baseline, None without one.
    """

    camrig: str
    started: str
    seconds: float
    exit_code: int
    tests: dict[str, int]
    blocked: list[str]
    boards: list[BoardReport]
    interrupted: bool = False
    correct: str = ""
    arguments: list[str] = field(default_factory=list)
    host: dict[str, str] = field(default_factory=dict)
    repository: dict[str, Any] | None = None
    selection: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    gate: dict[str, Any] | None = None
    outcomes: list[TestRecord] = field(default_factory=list)
    rehearsal: bool = field(default_factory=is_rehearsal)


def as_json(report: RunReport) -> dict[str, Any]:
    """The report with its schema version; each metric with its summary and its batches of raw values in order."""
    tests = [(record.board, record.outcome) for record in report.outcomes]
    endings = board_endings([board.spec for board in report.boards], tests, ending_of(report.exit_code))
    verdict = run_verdict(report.exit_code, report.correct, report.blocked, report.selection, report.gate, endings)
    if report.rehearsal:
        verdict["sentence"] += f" {NOT_A_RELEASE.capitalize()}."
    return {
        "schema": SCHEMA,
        "verdict": verdict,
        **asdict(replace(report, boards=[])),
        "outcomes": [_test(record) for record in report.outcomes],
        "boards": [_board(board, correct_on(report, board.spec)) for board in report.boards],
    }


def correct_on(report: RunReport, board: str) -> str:
    """What the tests on ``board`` say; of one board all tests are its own."""
    if len(report.boards) < 2:
        return report.correct
    own = [test.outcome for test in report.outcomes if test.board == board and not test.test.startswith(GATE)]
    return correctness(Counter(own))


def _test(record: TestRecord) -> dict[str, Any]:
    """A test without the fields that say nothing: most have passed."""
    fields = asdict(record)
    return {name: value for name, value in fields.items() if value or name not in EMPTY_OF_TEST}


def _board(board: BoardReport, correct: str) -> dict[str, Any]:
    fields = asdict(replace(board, metrics=[], notes={}, console=None))
    del fields["console"]
    return {
        **fields,
        "answers": {"correct": correct, "cost": cost(board.metrics), "leak": leak(board.metrics)},
        "notes": plain(board.notes),
        "metrics": [_metric(metric, board.metrics) for metric in board.metrics],
        "console": board.console,
    }


def _metric(metric: RecordedMetric, metrics: Sequence[RecordedMetric]) -> dict[str, Any]:
    summary = metric.summary
    p95, p99 = percentiles(metric)
    return {
        "name": metric.name,
        "unit": metric.unit,
        "n": summary.n,
        "median": summary.median,
        "p95": p95,
        "p99": p99,
        "low": _finite(summary.low),
        "high": _finite(summary.high),
        "batches": [
            {"values": list(batch.values), "control": _control(number, batch.control, metrics), "at": list(batch.at)}
            for number, batch in enumerate(metric.batches)
        ],
    }


def _control(number: int, control: Sequence[float], metrics: Sequence[RecordedMetric]) -> str | list[float]:
    """The control samples of batch ``number``, or the name of the metric whose batch of that number they are."""
    for metric in metrics if control else ():
        if number < len(metric.batches) and metric.batches[number].values == control:
            return metric.name
    return list(control)


def _finite(end: float) -> float | None:
    """None for an end that is not bounded: JSON has no infinity."""
    return end if isfinite(end) else None


def _hidden(data: dict[str, Any]) -> dict[str, Any]:
    """``data`` without secrets; only notes and exchanges have names of fields that come from elsewhere.

    A packed console is one without secrets already.
    """
    consoles = [board.pop("console") for board in data["boards"]]
    kept: dict[str, Any] = hidden(data)
    for board, original, console in zip(kept["boards"], data["boards"], consoles, strict=True):
        board["notes"] = hidden(original["notes"], names=True)
        board["console"] = console
    for outcome, original in zip(kept["outcomes"], data["outcomes"], strict=True):
        if "exchange" in original:
            outcome["exchange"] = hidden(original["exchange"], names=True)
    return kept


def write(report: RunReport, folder: Path) -> Path:
    """Write ``run-<started>.json`` into ``folder``, created if missing, and return its path. Raises OSError."""
    stamp = "".join(c for c in report.started.split(".")[0] if c.isalnum())
    data = _data(report)
    ignore_itself(folder)
    for number in range(1, MAX_RUNS_OF_A_SECOND + 1):
        path = folder / (f"run-{stamp}.json" if number == 1 else f"run-{stamp}-{number}.json")
        with contextlib.suppress(FileExistsError):  # of another run of the same second
            write_whole(path, data, replace=False)
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def rewrite(report: RunReport, path: Path) -> None:
    """Put ``report`` in the place of the one that ``write`` has written to ``path``. Raises OSError."""
    write_whole(path, _data(report))


def data_of(report: RunReport) -> dict[str, Any]:
    """What the file holds: the report without secrets."""
    return _hidden(as_json(report))


def _data(report: RunReport) -> bytes:
    return (_lines(data_of(report)) + "\n").encode()


def _lines(value: Any, level: int = 1) -> str:
    """JSON that is short, and that people can look into: what is long has a line for each of its entries."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    if level > LEVELS or len(text) <= WIDTH or not isinstance(value, (Mapping, list)):
        return text
    if isinstance(value, list):
        entries, ends = [_lines(entry, level + 1) for entry in value], "[]"
    else:
        entries = [f"{json.dumps(name)}: {_lines(entry, level + 1)}" for name, entry in value.items()]
        ends = "{}"
    return ends[0] + "\n" + ",\n".join(" " * level + entry for entry in entries) + "\n" + " " * (level - 1) + ends[1]
