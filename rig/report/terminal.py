"""The table at the end of a run."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from rig.measure.recorder import Metric
from rig.report.run import BoardReport


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


def heading(report: BoardReport) -> str:
    """Which board and firmware the figures are of, and in plain sight when no hardware is behind them."""
    label = "  [VIRTUAL BOARD: no figure of hardware]" if report.virtual else ""
    return f"{report.machine}, {report.firmware}{label}"


def _row(metric: Metric) -> tuple[str, ...]:
    found = metric.summary
    # A percentile of a handful of values would only repeat the largest.
    tail = [number(value) if found.n >= least else "–" for value, least in ((found.p95, 20), (found.p99, 100))]
    return (metric.name, metric.unit, number(found.median), *tail, str(found.n))


def render(report: BoardReport, width: int) -> str:
    """Heading and table as plain text for a terminal of ``width`` columns."""
    console = Console(width=1000, color_system=None, force_terminal=False)
    table = metrics_table(report)
    console.width = max(width, console.measure(table).maximum)  # a cut figure is worse than a wrapped line
    with console.capture() as captured:
        console.print(table)
    return f"{heading(report)}\n{captured.get().rstrip()}"
