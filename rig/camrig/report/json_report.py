"""What a run found, as plain data, and the JSON file that keeps it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from camrig.measure.recorder import RecordedMetric

SCHEMA = 1


@dataclass(frozen=True)
class BoardReport:
    """One board of a run: who it was, how it came up and was brought back, what was measured on it.

    ``recovery`` has a row per rung that was climbed; ``crashes`` one per crash, ``between`` for one after its test.
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


def as_json(report: RunReport) -> dict[str, Any]:
    """The report with its schema version; each metric with its summary and its raw values in order."""
    found = {"schema": SCHEMA, **asdict(report)}
    for board, source in zip(found["boards"], report.boards, strict=True):
        board["metrics"] = [_metric(metric) for metric in source.metrics]
    return found


def _metric(metric: RecordedMetric) -> dict[str, Any]:
    batches = [asdict(batch) for batch in metric.batches]
    values = {"values": metric.values, "batches": batches}
    return {"name": metric.name, "unit": metric.unit, **asdict(metric.summary), **values}


def write(report: RunReport, folder: Path) -> Path:
    """Write ``run-<started>.json`` into ``folder``, made when missing, and return its path. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    stamp = "".join(c for c in report.started.split(".")[0] if c.isalnum())
    path = folder / f"run-{stamp}.json"
    count = 1
    while path.exists():
        count += 1
        path = folder / f"run-{stamp}-{count}.json"
    path.write_text(json.dumps(as_json(report), indent=1) + "\n", encoding="utf-8")
    return path
