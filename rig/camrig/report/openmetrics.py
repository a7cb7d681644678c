"""The figures of a run as OpenMetrics text, which Prometheus and others read.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

from camrig.report.export_text import one_line
from camrig.report.run_verdict import OUTCOMES

STATISTICS = ("median", "p95", "p99", "low", "high", "n")
FAMILIES = {
    "camrig_run": ("info", "What ran, and where."),
    "camrig_run_outcome": ("stateset", "How the run ended."),
    "camrig_run_exit_code": ("gauge", "The exit code of the run."),
    "camrig_run_started_seconds": ("gauge", "When the run began, in seconds since 1970."),
    "camrig_run_duration_seconds": ("gauge", "How long the run took."),
    "camrig_tests": ("gauge", "The number of tests by outcome."),
    "camrig_board": ("info", "The board, its firmware, and what was deployed on it."),
    "camrig_board_heap_bytes": ("gauge", "The size of the heap of the board."),
    "camrig_board_events": ("gauge", "Crashes, rungs of recovery and lost exchanges."),
    "camrig_metric": ("gauge", "What the tests measured, by statistic."),
}

Sample = tuple[str, str, Mapping[str, str], float]  # family, suffix, labels, value


def as_openmetrics(results: Mapping[str, Any]) -> str:
    """The text for ``results``, which ``read_results`` read."""
    series: dict[str, dict[str, float]] = {family: {} for family in FAMILIES}
    for family, suffix, labels, value in (*_of_run(results), *_of_boards(results)):
        # A series that stands twice is an error: names may differ only in what cannot be written.
        series[family].setdefault(_series(family + suffix, labels), value)
    lines = []
    for family, (kind, text) in FAMILIES.items():
        if not series[family]:
            continue
        lines += [f"# TYPE {family} {kind}"]
        if family.endswith(("_seconds", "_bytes")):
            lines.append(f"# UNIT {family} {family.rpartition('_')[2]}")
        lines.append(f"# HELP {family} {text}")
        lines += [f"{name} {value!r}" for name, value in series[family].items()]
    return "\n".join([*lines, "# EOF", ""])


def _of_run(results: Mapping[str, Any]) -> Iterator[Sample]:
    repository, host = results["repository"] or {}, results["host"]
    labels = {
        "camrig": results["camrig"],
        "commit": repository.get("commit", ""),
        "dirty": _flag(repository.get("dirty")),
        "host": host.get("name", ""),
        "system": host.get("system", ""),
        "python": host.get("python", ""),
        "scoped": _flag(results["selection"].get("scoped")),
    }
    yield "camrig_run", "_info", labels, 1
    for outcome in OUTCOMES:
        is_own = outcome == results["verdict"]["outcome"]
        yield "camrig_run_outcome", "", {"camrig_run_outcome": outcome}, int(is_own)
    yield "camrig_run_exit_code", "", {}, results["exit_code"]
    if (started := _seconds_since_1970(results["started"])) is not None:
        yield "camrig_run_started_seconds", "", {}, started
    yield "camrig_run_duration_seconds", "", {}, results["seconds"]
    for outcome, count in results["tests"].items():
        yield "camrig_tests", "", {"outcome": outcome}, count


def _of_boards(results: Mapping[str, Any]) -> Iterator[Sample]:
    for board in results["boards"]:
        label = {"board": board["spec"]}
        facts = ("machine", "firmware", "build", "mac", "library_sha256", "application_sha256")
        labels = {**label, **{name: board[name] for name in facts}, "virtual": _flag(board["virtual"])}
        yield "camrig_board", "_info", labels, 1
        yield "camrig_board_heap_bytes", "", label, board["heap_bytes"]
        for kind in ("crash", "recovery", "loss"):
            number = sum(entry["kind"] == kind for entry in board["timeline"])
            yield "camrig_board_events", "", {**label, "kind": kind}, number
        for metric in board["metrics"]:
            name = {"metric": metric["name"], "unit": metric["unit"]}
            for statistic in STATISTICS:
                if metric[statistic] is not None:
                    yield "camrig_metric", "", {**label, **name, "statistic": statistic}, metric[statistic]


def _series(name: str, labels: Mapping[str, str]) -> str:
    texts = ",".join(f'{label}="{_label(text)}"' for label, text in labels.items())
    return f"{name}{{{texts}}}" if texts else name


def _label(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')


def _flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()


def _seconds_since_1970(started: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(started).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
