"""Verdict and calibration as tables for a terminal."""

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
from camrig.report.metrics_table import heading, number, plain


def width() -> int:
    """Columns of the terminal, enough for a whole table where there is none."""
    return shutil.get_terminal_size((120, 24)).columns


def render_verdict(comparison: Comparison, verdict: GateVerdict, columns: int) -> str:
    """Whose figures they are, one row per metric, then the whole gate's answer with its rates of false ones."""
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
    if not comparison.paired:
        rates += ", but for what another day changes"
    if not verdict.holds:
        rates = "how often this is wrong, only a calibration of this bench tells: camrig calibrate"
    head = [
        heading(comparison.candidate.provenance),
        *(f"compared all the same: {why}" for why in comparison.differences),
    ]
    return "\n".join([*head, plain(table, columns), *lines, f"gate: {verdict.outcome.value} ({rates})"])


def render_noise(noise: Mapping[str, Noise], limits: Mapping[str, Limit], columns: int) -> str:
    """One row per metric: its noise floor and the smallest change that its limit finds in 95 of 100 gates."""
    table = _table("metric", "unit", "batches", "bad", "floor", "floor %", "limit", "smallest found")
    for name, one in noise.items():
        limit = limits.get(name)
        table.add_row(
            name,
            one.unit,
            str(one.batches),
            str(one.bad),
            f"{one.floor:.3g}",
            "–" if one.share_floor is None else f"{one.share_floor:.1%}",
            str(limit) if limit else "–",
            _smallest(one, limit),
        )
    return plain(table, columns)


def _smallest(noise: Noise, limit: Limit | None) -> str:
    found = noise.smallest(limit) if limit else None
    if limit is None or found is None:
        return "–"
    if isinf(found):
        return "none"
    return f"{found:.1%}" if limit.relative else f"{number(found)} {limit.unit}"


def _median(side: SideSummary | None) -> str:
    return "–" if side is None or side.median is None else number(side.median)


def _batches(verdict: MetricVerdict) -> str:
    found = [side for side in (verdict.baseline, verdict.candidate) if side]
    text = "/".join(str(side.batches - side.bad) for side in found)
    return f"{text} ({max(side.bad for side in found)} bad)" if any(side.bad for side in found) else text or "–"


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        left = place < 2 or name in ("limit", "answer")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    return table
