"""A verdict and a calibration as tables for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from math import isinf

from rich import box
from rich.table import Table

from camrig.gate.calibration import Noise
from camrig.gate.comparison import Comparison
from camrig.gate.limits import Limit
from camrig.gate.verdict import GateVerdict, MetricVerdict, SideSummary
from camrig.measure.sessions import ENOUGH
from camrig.report.metrics_table import number, table_text
from camrig.report.summary import heading


def width() -> int:
    """Columns of the terminal; enough for a whole table where the output is not one."""
    return shutil.get_terminal_size((120, 24)).columns


def render_verdict(comparison: Comparison, verdict: GateVerdict, columns: int) -> str:
    """Board and firmware, one row per metric, then the answer of the whole gate and how often it is wrong."""
    table = _table("metric", "unit", "baseline", "candidate", "batches", "limit", "answer")
    for metric in verdict.metrics:
        table.add_row(
            metric.metric,
            metric.unit,
            _median(metric.baseline),
            _median(metric.candidate),
            _batches(metric),
            metric.limit,
            metric.outcome.value,
        )
    lines = [f"{metric.metric}: {metric.outcome.value}: {metric.reason}" for metric in verdict.metrics]
    rates = f"false alarms at most {verdict.false_alarm:.0%}, false passes at most {verdict.false_pass:.0%}"
    if not comparison.paired and len(comparison.baseline.sessions) < ENOUGH:
        rates += ", without what changes from one day to the next"
    if not verdict.holds:
        rates = f"how often this is wrong is known from {ENOUGH} sessions on, or after camrig calibrate"
    head = [
        heading(comparison.candidate.provenance),
        *(f"compared all the same: {difference}" for difference in comparison.differences),
    ]
    return "\n".join([*head, table_text(table, columns), *lines, f"gate: {verdict.outcome.value} ({rates})"])


def render_noise(noise: Mapping[str, Noise], limits: Mapping[str, Limit], columns: int) -> str:
    """One row per metric: its noise floor and the smallest change that its limit finds in 95 of 100 gates."""
    table = _table("metric", "unit", "batches", "bad", "floor", "floor %", "limit", "smallest found")
    for name, metric in noise.items():
        limit = limits.get(name)
        table.add_row(
            name,
            metric.unit,
            str(metric.batches),
            str(metric.bad),
            f"{metric.floor:.3g}",
            "–" if metric.share_floor is None else f"{metric.share_floor:.1%}",
            str(limit) if limit else "–",
            _smallest(metric, limit),
        )
    return table_text(table, columns)


def _smallest(noise: Noise, limit: Limit | None) -> str:
    change = noise.smallest(limit) if limit else None
    if limit is None or change is None:
        return "–"
    if isinf(change):
        return "none"
    return f"{change:.1%}" if limit.relative else f"{number(change)} {limit.unit}"


def _median(side: SideSummary | None) -> str:
    return "–" if side is None or side.median is None else number(side.median)


def _batches(verdict: MetricVerdict) -> str:
    sides = [side for side in (verdict.baseline, verdict.candidate) if side]
    good = "/".join(str(side.batches - side.bad) for side in sides)
    bad = max((side.bad for side in sides), default=0)
    return f"{good} ({bad} bad)" if bad else good or "–"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(columns):
        left = index < 2 or name in ("limit", "answer")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table
