"""What the terminal shows of one board at the end of a run: its name, and the metrics."""

from __future__ import annotations

import textwrap

from camrig.gate.provenance import Provenance
from camrig.measure.recorder import RecordedMetric
from camrig.report.answers import cost, leak
from camrig.report.json_report import BoardReport
from camrig.report.metrics_table import metrics_table
from camrig.report.pictures import pictures

VIRTUAL_MARK = "  [VIRTUAL BOARD: no figure of hardware]"
ROWS = 14
OF_THE_SUITE = ("camera.", "heap.", "latency.", "load.", "rig.", "server.", "viewers.", "wifi.")
MAIN_METRICS = (
    "latency.preflight.on_board",
    "latency.preflight.total",
    "latency.actual.on_board",
    "latency.control.without_cors.on_board",
    "load.c4.latency",
    "camera.stream.fps",
    "camera.stream.gap",
    "heap.preflight.allocated",
    "heap.preflight.added",
    "heap.actual.added",
    "heap.import.microdot.cors",
    "heap.peak.c4",
    "heap.free",
    "heap.leak_slope",
)


def heading(board: BoardReport | Provenance) -> str:
    """Board and firmware of the figures below, with a plain mark when the board is virtual."""
    names = ", ".join(text for text in (board.machine, board.firmware, board.mac) if text)
    return names + (VIRTUAL_MARK if board.virtual else "")


def board_summary(report: BoardReport, correct: str, columns: int, verbose: bool) -> str:
    """Board, three answers, of which ``correct`` is the first, and the table: its main rows, unless ``verbose``."""
    metrics = report.metrics if verbose else main_metrics(report.metrics)
    sentences = (correct, cost(report.metrics), leak(report.metrics))
    shown = [f"pictures: {pictures(report.sensor)}"] if report.sensor else []
    name = f"{report.name}: " if report.name else ""
    lines = [
        name + heading(report),
        *shown,
        *report.known_issues,
        "",
        *(textwrap.fill(sentence, max(columns, 40)) for sentence in sentences),
    ]
    if metrics:
        lines.append(metrics_table(metrics, columns))
    if hidden := len(report.metrics) - len(metrics):
        lines.append(f"{hidden} more with --hil-verbose, and in the file of results")
    return "\n".join(lines)


def main_metrics(metrics: list[RecordedMetric]) -> list[RecordedMetric]:
    """At most ``ROWS`` metrics: those of the user's own tests first, then the main ones, then others, in order."""
    if len(metrics) <= ROWS:
        return metrics

    def rank(metric: RecordedMetric) -> int:
        if not metric.name.startswith(OF_THE_SUITE):
            return -1
        return MAIN_METRICS.index(metric.name) if metric.name in MAIN_METRICS else len(MAIN_METRICS)

    return sorted(metrics, key=rank)[:ROWS]
