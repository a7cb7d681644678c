"""The table of metrics at the end of a run, and what every table shares."""

from __future__ import annotations

from collections.abc import Sequence

from camrig.measure.recorder import RecordedMetric
from camrig.report.percentiles import percentiles
from camrig.report.text_table import text_table

# Columns of texts; the others hold figures.
TEXTS = ("metric", "step", "unit", "limit", "answer", "run", "ending", "board", "firmware", "library", "tests")
SHORTEST_NAME = 12


def number(value: float) -> str:
    """A figure with the digits that a reader needs: bytes whole, milliseconds to the hundredth."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) < 1000 else f"{value:,.0f}"


def metrics_table(metrics: Sequence[RecordedMetric], columns: int) -> str:
    """One row per metric: unit, median, 95th and 99th percentile, n."""
    names = ("metric", "unit", "median", "p95", "p99", "n")
    return fitting(names, [_row(metric) for metric in metrics], columns, ("p99", "n", "p95"))


def _row(metric: RecordedMetric) -> tuple[str, ...]:
    summary = metric.summary
    tail = ["–" if value is None else number(value) for value in percentiles(metric)]
    return (metric.name, metric.unit, number(summary.median), *tail, str(summary.n))


def fitting(names: Sequence[str], rows: Sequence[Sequence[str]], columns: int, dispensable: Sequence[str]) -> str:
    """A table as text, ``columns`` wide where that can be, one line a row.

    Where it is wider, it loses the ``dispensable`` columns one by one, and then the middle of long names.
    """
    for number_of in range(len(dispensable) + 1):
        kept = [index for index, name in enumerate(names) if name not in dispensable[:number_of]]
        shown = [[row[index] for index in kept] for row in rows]
        heads = [names[index] for index in kept]
        excess = _width(heads, shown) - columns
        if excess <= 0:
            break
    else:
        longest = max((len(row[0]) for row in shown), default=0)
        limit = max(SHORTEST_NAME, longest - excess)
        shown = [[_shortened(row[0], limit), *row[1:]] for row in shown]
    return text_table(heads, shown, TEXTS)


def _width(names: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    return max(len(line) for line in text_table(names, rows, TEXTS).splitlines())


def _shortened(name: str, length: int) -> str:
    if len(name) <= length:
        return name
    head = (length - 1) // 2
    return f"{name[:head]}…{name[len(name) - (length - 1 - head) :]}"
