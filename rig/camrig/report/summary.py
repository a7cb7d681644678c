"""What the terminal shows of one board at the end of a run: heading, table of metrics, and what its leaks mean."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from camrig.gate.provenance import Provenance
from camrig.measure.recorder import RecordedMetric
from camrig.measure.slope import until_full
from camrig.measure.statistics import Estimate
from camrig.report.json_report import BoardReport
from camrig.report.metrics_table import metrics_table, number, table_text

VIRTUAL_MARK = "  [VIRTUAL BOARD: no figure of hardware]"


def heading(board: BoardReport | Provenance) -> str:
    """Board and firmware of the figures below, with a plain mark when the board is virtual."""
    names = ", ".join(text for text in (board.machine, board.firmware, board.mac) if text)
    return names + (VIRTUAL_MARK if board.virtual else "")


def board_summary(report: BoardReport, width: int) -> str:
    """Heading, table and leaks as plain text for a terminal of ``width`` columns."""
    return "\n".join([heading(report), table_text(metrics_table(report), width), *leak_lines(report.metrics)])


def leak_lines(metrics: Sequence[RecordedMetric]) -> list[str]:
    """A line for each slope in bytes per request: its 95 % interval, and after how many requests the heap is full.

    The bytes that are left are those of ``heap.free``; without it, the line has the interval only.
    """
    free = next((metric.summary.median for metric in metrics if metric.name == "heap.free"), None)
    return [_leak_line(metric, free) for metric in metrics if metric.is_slope and metric.unit == "B/request"]


def _leak_line(metric: RecordedMetric, free: float | None) -> str:
    slope = metric.summary
    interval = f"{metric.name}: {number(slope.median)} {metric.unit} ({_end(slope.low)} to {_end(slope.high)})"
    if free is None:
        return interval
    left = until_full(free, Estimate(slope.median, slope.low, slope.high))
    if isinf(left.low):
        return f"{interval}: {number(free)} B free, which no number of requests fills"
    lasts = f"{interval}: {number(free)} B free, which last for at least {_requests(left.low)} requests"
    most = "" if isinf(left.high) else f", at most {_requests(left.high)}"
    middle = "" if isinf(left.value) else f", {_requests(left.value)} by the median"
    return f"{lasts}{most}{middle}"


def _requests(count: float) -> str:
    return f"{int(count):,}"


def _end(value: float) -> str:
    return "unbounded" if isinf(value) else number(value)
