"""The table at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from math import isinf

from rich import box
from rich.console import Console
from rich.table import Table

from camrig.gate.provenance import Provenance
from camrig.measure.recorder import RecordedMetric
from camrig.measure.slope import until_full
from camrig.measure.statistics import Estimate
from camrig.report.json_report import BoardReport


def number(value: float) -> str:
    """A figure with as many digits as it deserves: bytes whole, milliseconds to the hundredth."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def metrics_table(report: BoardReport) -> Table:
    """One row per metric: unit, median, 95th and 99th percentile, n."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for name in ("median", "p95", "p99", "n"):
        table.add_column(name, justify="right", no_wrap=True)
    for metric in report.metrics:
        table.add_row(*_row(metric))
    return table


def heading(of: BoardReport | Provenance) -> str:
    """Which board and firmware the figures are of, and in plain sight when no hardware is behind them."""
    label = "  [VIRTUAL BOARD: no figure of hardware]" if of.virtual else ""
    return ", ".join(text for text in (of.machine, of.firmware, of.mac) if text) + label


def _row(metric: RecordedMetric) -> tuple[str, ...]:
    found = metric.summary
    # A percentile of a handful of values would only repeat the largest.
    # The rise of a slope has none.
    tail = [
        number(value) if found.n >= least and not metric.is_slope else "–"
        for value, least in ((found.p95, 20), (found.p99, 100))
    ]
    return (metric.name, metric.unit, number(found.median), *tail, str(found.n))


def render(report: BoardReport, width: int) -> str:
    """Heading, table and what leaks mean, as plain text for a terminal of ``width`` columns."""
    return "\n".join([heading(report), plain(metrics_table(report), width), *leaks(report.metrics)])


def leaks(metrics: Sequence[RecordedMetric]) -> list[str]:
    """A line for each slope in bytes per request: its 95 % interval, and after how many requests the heap is full.

    The bytes that are left are those of ``heap.free``; without it, only the interval is told.
    """
    free = next((metric.summary.median for metric in metrics if metric.name == "heap.free"), None)
    return [_leak(metric, free) for metric in metrics if metric.is_slope and metric.unit == "B/request"]


def _leak(metric: RecordedMetric, free: float | None) -> str:
    found = metric.summary
    told = f"{metric.name}: {number(found.median)} {metric.unit} ({_end(found.low)} to {_end(found.high)})"
    if free is None:
        return told
    left = until_full(free, Estimate(found.median, found.low, found.high))
    if isinf(left.low):
        return f"{told}: {number(free)} B free, and no number of requests fills them"
    most = "never" if isinf(left.high) else _requests(left.high)
    middle = "" if isinf(left.value) else f", {_requests(left.value)} by the median"
    return f"{told}: requests until {number(free)} B are full: {_requests(left.low)} to {most}{middle}"


def _requests(steps: float) -> str:
    return f"{int(steps):,}"


def _end(value: float) -> str:
    return "unbounded" if isinf(value) else number(value)


def plain(table: Table, width: int) -> str:
    """A table as text, ``width`` columns wide or more: a cut figure is worse than a wrapped line."""
    console = Console(width=1000, color_system=None, force_terminal=False)
    console.width = max(width, console.measure(table).maximum)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()
