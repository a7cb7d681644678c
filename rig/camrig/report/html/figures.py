"""The drawings that a board's results make: distributions of times, heap, leaks, and the run's course. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from camrig.errors import CamrigError
from camrig.gate.limits import parse_limit
from camrig.report.answers import SOAK
from camrig.report.html.svg import (
    Course,
    Distribution,
    Mark,
    Moment,
    courses,
    distributions,
    intervals,
    time_line,
)
from camrig.report.metrics_table import number

FEWEST = 5  # values that make a distribution
LEAK_UNIT = "B/request"
FAILED = ("failed", "error")
CAMERA = "camera."
ROWS = {"crash": "crashes", "recovery": "recoveries", "loss": "lost requests"}


@dataclass(frozen=True)
class Figure:
    """A drawing with its heading, a sentence that says how it is read, and its figures as a table."""

    title: str
    text: str
    drawing: Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]


def of_board(board: Mapping[str, Any], results: Mapping[str, Any]) -> list[Figure]:
    """The drawings for which ``board`` has figures, in the order of the page."""
    metrics = {metric["name"]: metric for metric in board["metrics"]}
    marks = marks_of(results, board["spec"])
    return [
        *_latency(metrics, marks),
        *_camera(metrics, marks),
        *_added(metrics, marks),
        *_heap(metrics),
        *_leak(metrics, marks),
        *_moments(board, results),
    ]


def marks_of(results: Mapping[str, Any], board: str) -> dict[str, list[Mark]]:
    """By metric the baseline that ``board`` was compared with, and the limit, where that is a figure."""
    verdict = (results["gate"] or {}).get("verdict") or {}
    rows = [row for row in verdict.get("metrics", ()) if row.get("board", board) == board]
    baselines = {row["metric"]: (row["baseline"] or {}).get("median") for row in rows}
    marks: dict[str, list[Mark]] = {}
    for metric in [*results["limits"], *baselines]:
        baseline = baselines.get(metric)
        lines = [Mark(baseline, "baseline", "baseline")] if baseline is not None else []
        value = _limit(metric, results["limits"].get(metric), baseline)
        marks[metric] = [*lines, Mark(value, f"limit, {results['limits'][metric]}")] if value is not None else lines
    return marks


def _limit(metric: str, text: str | None, baseline: float | None) -> float | None:
    """The limit as a value of the metric; None without one, and for a change where there is no baseline."""
    if text is None:
        return None
    try:
        limit = parse_limit(metric, text)
    except CamrigError:  # written by a later camrig
        return None
    if not limit.change:
        return limit.size
    if baseline is None:
        return None
    size = abs(baseline) * limit.size / 100 if limit.relative else limit.size
    return baseline + size if limit.upward else baseline - size


def values_of(metric: Mapping[str, Any]) -> list[float]:
    """Every value of every batch."""
    return [value for batch in metric["batches"] for value in batch["values"]]


def _is_slope(metric: Mapping[str, Any]) -> bool:
    return any(batch["at"] for batch in metric["batches"])


def _distribution(metric: Mapping[str, Any], name: str, marks: Mapping[str, Sequence[Mark]]) -> Distribution:
    return Distribution(name, values_of(metric), tuple(marks.get(metric["name"], ())))


def _latency(metrics: Mapping[str, Any], marks: Mapping[str, Sequence[Mark]]) -> list[Figure]:
    timed = [
        metric
        for name, metric in metrics.items()
        if metric["unit"] == "ms" and metric["n"] >= FEWEST and not _is_slope(metric) and not name.startswith(CAMERA)
    ]
    if not timed:
        return []
    rows = [
        _distribution(metric, metric["name"].removeprefix(SOAK).removeprefix("latency."), marks) for metric in timed
    ]
    return [
        Figure(
            "Latency by phase",
            "Each row is the distribution of a time; the bar is its median, the thin bar the 95th percentile, the "
            "dot the largest value. Heights are those of the square root, so that single values can be seen.",
            distributions("Latency by phase", rows, "ms"),
            ("metric", "n", "median", "p95", "p99"),
            [(m["name"], m["n"], m["median"], m["p95"], m["p99"]) for m in timed],
        )
    ]


def _camera(metrics: Mapping[str, Any], marks: Mapping[str, Sequence[Mark]]) -> list[Figure]:
    measured = {name.removeprefix(CAMERA): metric for name, metric in metrics.items() if name.startswith(CAMERA)}
    rows = [
        _distribution(metric, name, marks)
        for name, metric in measured.items()
        if metric["unit"] == "ms" and metric["n"] >= FEWEST and not _is_slope(metric)
    ]
    if not rows:
        return []
    return [
        Figure(
            "The camera",
            f"{_in_words(measured)}Times as a viewer has them: the gap from one picture of the stream to the next, "
            "the first picture after the stream is opened, and a single picture.",
            distributions("The camera", rows, "ms"),
            ("metric", "unit", "n", "median", "p95", "p99"),
            [(name, m["unit"], m["n"], m["median"], m["p95"], m["p99"]) for name, m in measured.items()],
        )
    ]


def _in_words(measured: Mapping[str, Any]) -> str:
    """The camera in a sentence with a space behind it; empty without a stream that was timed."""
    if (rate := measured.get("stream.fps")) is None:
        return ""
    parts = [f"{number(rate['median'])} pictures a second"]
    if (stalls := measured.get("stream.stalls")) is not None:
        count = int(sum(values_of(stalls)))
        parts.append(f"{count} stall{'s' * (count != 1)} in {stalls['n']} streams")
    if (size := measured.get("picture.bytes")) is not None:
        parts.append(f"{number(size['median'])} bytes a picture")
    return ", ".join(parts) + ". "


def _added(metrics: Mapping[str, Any], marks: Mapping[str, Sequence[Mark]]) -> list[Figure]:
    added = [
        metric
        for name, metric in metrics.items()
        if name.startswith("latency.") and name.endswith(".added") and metric["n"] >= FEWEST
    ]
    if not added:
        return []
    unit = added[0]["unit"]
    rows = [
        (
            m["name"].removeprefix("latency.").removesuffix(".added"),
            _end(m["low"], -1),
            m["median"],
            _end(m["high"], 1),
        )
        for m in added
        if m["unit"] == unit
    ]
    limits = {mark.value for m in added for mark in marks.get(m["name"], ()) if mark.kind == "limit"}
    return [
        Figure(
            "What CORS adds to each kind of request",
            "The time on the board beyond that of the same request without CORS, with its 95 % interval.",
            intervals("What CORS adds", rows, unit, min(limits) if limits else None),
            ("metric", "n", "median", "low", "high"),
            [(m["name"], m["n"], m["median"], m["low"], m["high"]) for m in added],
        )
    ]


def _heap(metrics: Mapping[str, Any]) -> list[Figure]:
    made = []
    for metric in metrics.values():
        if not _is_slope(metric) or not metric["unit"].startswith("B/"):
            continue
        x_unit = metric["unit"].partition("/")[2] + "s"
        lines = [
            Course(f"series {number}", list(zip(batch["at"], batch["values"], strict=True)), f"series{number % 4}")
            for number, batch in enumerate(metric["batches"], start=1)
            if batch["at"]
        ]
        table = [(line.name, x, y) for line in lines for x, y in line.points][:200]
        made.append(
            Figure(
                f"Heap over requests: {metric['name']}",
                "Bytes in use after a collection, along the number of requests. A level line does not leak.",
                courses(f"Heap over requests, {metric['name']}", lines, x_unit, "B"),
                ("series", x_unit, "B"),
                table,
            )
        )
    return made


def _leak(metrics: Mapping[str, Any], marks: Mapping[str, Sequence[Mark]]) -> list[Figure]:
    slopes = [m for m in metrics.values() if _is_slope(m) and m["unit"] == LEAK_UNIT]
    if not slopes:
        return []
    rows = [(m["name"], _end(m["low"], -1), m["median"], _end(m["high"], 1)) for m in slopes]
    limits = {mark.value for m in slopes for mark in marks.get(m["name"], ()) if mark.kind == "limit"}
    return [
        Figure(
            "Leak",
            "Bytes that stay with each request, with their 95 % interval. Right of the limit is a leak; an interval "
            "that reaches across it decides nothing.",
            intervals("Leak", rows, LEAK_UNIT, min(limits) if limits else None),
            ("metric", "n", "B/request", "low", "high"),
            [(m["name"], m["n"], m["median"], m["low"], m["high"]) for m in slopes],
        )
    ]


def _moments(board: Mapping[str, Any], results: Mapping[str, Any]) -> list[Figure]:
    moments = [
        Moment(event["at"], ROWS[event["kind"]], event["what"], _kind(event), event["seconds"])
        for event in board["timeline"]
    ]
    failed = [
        Moment(test["start"], "failed tests", test["test"], "failed", test["seconds"])
        for test in results["outcomes"]
        if test["outcome"] in FAILED and test["board"] in ("", board["spec"])
    ]
    moments += failed
    if not moments:
        return []
    return [
        Figure(
            "What happened, and when",
            "Crashes, recoveries, lost requests and failed tests along the seconds of the run.",
            time_line("What happened", moments, results["seconds"]),
            ("second", "kind", "event"),
            [(moment.second, moment.row, moment.text) for moment in sorted(moments, key=lambda m: m.second)],
        )
    ]


def _kind(event: Mapping[str, Any]) -> str:
    """Its class: whose doing a crash was is not known here, so it is not red."""
    return {"crash": "crash", "recovery": "event" if event["ok"] else "blocked"}.get(event["kind"], "blocked")


def _end(value: float | None, side: int) -> float:
    return side * math.inf if value is None else value
