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
    # The rise of a slope has none.
    tail = [
        number(value) if found.n >= least and not metric.places else "–"
        for value, least in ((found.p95, 20), (found.p99, 100))
    ]
    return (metric.name, metric.unit, number(found.median), *tail, str(found.n))


def render(report: BoardReport, width: int) -> str:
    """Heading and table as plain text for a terminal of ``width`` columns."""
    return f"{heading(report)}\n{plain(metrics_table(report), width)}"


def plain(table: Table, width: int) -> str:
    """A table as text, ``width`` columns wide or more: a cut figure is worse than a wrapped line."""
    console = Console(width=1000, color_system=None, force_terminal=False)
    console.width = max(width, console.measure(table).maximum)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()
