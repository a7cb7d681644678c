"""The table of metrics at the end of a run, and what every table shares."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from camrig.measure.recorder import RecordedMetric
from camrig.report.json_report import BoardReport, percentiles


def number(value: float) -> str:
    """A figure with the digits that a reader needs: bytes whole, milliseconds to the hundredth."""
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


def _row(metric: RecordedMetric) -> tuple[str, ...]:
    summary = metric.summary
    tail = ["–" if value is None else number(value) for value in percentiles(metric)]
    return (metric.name, metric.unit, number(summary.median), *tail, str(summary.n))


def table_text(table: Table, width: int) -> str:
    """A table as text, at least ``width`` columns wide: wider rather than with a figure cut off."""
    console = Console(width=1000, color_system=None, force_terminal=False)
    console.width = max(width, console.measure(table).maximum)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()
