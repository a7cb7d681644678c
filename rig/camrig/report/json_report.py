"""The results of a run as plain data, and the JSON file that keeps them. The file holds each value once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.measure.recorder import RecordedMetric
from camrig.redaction import hidden
from camrig.whole_file import write_whole

SCHEMA = 2
MAX_RUNS_OF_A_SECOND = 1000
FEWEST_FOR_P95, FEWEST_FOR_P99 = 20, 100  # values: of fewer, a percentile only repeats the largest


@dataclass(frozen=True)
class BoardReport:
    """One board of a run: its identity, its steps and recoveries, and what was measured on it.

    ``library_sha256`` is that of the built module, read back from the board, and ``library_source`` the file that it
    was built from. ``recovery`` has a row per rung that was climbed; ``crashes`` one per crash, ``between`` for one
    after its test.
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


@dataclass(frozen=True)
class RunReport:
    """A whole run. ``tests`` counts outcomes; ``blocked`` holds each cause once; ``started`` is UTC, ISO 8601."""

    camrig: str
    started: str
    seconds: float
    exit_code: int
    tests: dict[str, int]
    blocked: list[str]
    boards: list[BoardReport]


def percentiles(metric: RecordedMetric) -> tuple[float | None, float | None]:
    """The 95th and 99th percentile; None where the values are too few, and for a slope, whose rise has none."""
    summary = metric.summary
    return (
        summary.p95 if summary.n >= FEWEST_FOR_P95 and not metric.is_slope else None,
        summary.p99 if summary.n >= FEWEST_FOR_P99 and not metric.is_slope else None,
    )


def as_json(report: RunReport) -> dict[str, Any]:
    """The report with its schema version; each metric with its summary and its batches of raw values in order."""
    return {
        "schema": SCHEMA,
        **asdict(replace(report, boards=[])),
        "boards": [
            {
                **asdict(replace(board, metrics=[])),
                "metrics": [_metric(metric, board.metrics) for metric in board.metrics],
            }
            for board in report.boards
        ],
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


def write(report: RunReport, folder: Path) -> Path:
    """Write ``run-<started>.json`` into ``folder``, created if missing, and return its path. Raises OSError."""
    stamp = "".join(c for c in report.started.split(".")[0] if c.isalnum())
    text = json.dumps(hidden(as_json(report)), indent=1) + "\n"
    for number in range(1, MAX_RUNS_OF_A_SECOND + 1):
        path = folder / (f"run-{stamp}.json" if number == 1 else f"run-{stamp}-{number}.json")
        with contextlib.suppress(FileExistsError):  # of another run of the same second
            write_whole(path, text.encode(), replace=False)
            return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
