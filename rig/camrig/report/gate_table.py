"""A verdict and a calibration as tables for a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from math import isinf

from camrig.gate.calibration import Noise
from camrig.gate.comparison import Comparison
from camrig.gate.limits import Limit
from camrig.gate.verdict import GateVerdict, MetricVerdict, Outcome, SideSummary
from camrig.measure.sessions import ENOUGH
from camrig.redaction import one_line, visible
from camrig.report.metrics_table import fitting, number
from camrig.report.summary import ROWS, heading


def width() -> int:
    """Columns of the terminal; enough for a whole table where the output is not one."""
    return shutil.get_terminal_size((120, 24)).columns


def render_verdict(comparison: Comparison, verdict: GateVerdict, columns: int, verbose: bool) -> str:
    """Board and firmware, one row per metric, then the answer of the whole gate and how often it is wrong.

    Unless ``verbose``, of more than ``ROWS`` metrics only those that did not pass have reasons, and passes are cut.
    """
    verbose = verbose or len(verdict.metrics) <= ROWS
    others = [metric for metric in verdict.metrics if metric.outcome is not Outcome.PASS]
    passes = [metric for metric in verdict.metrics if metric.outcome is Outcome.PASS]
    shown = verdict.metrics if verbose else (*others, *passes[: max(0, ROWS - len(others))])
    explained = verdict.metrics if verbose else others
    names = ("metric", "unit", "baseline", "candidate", "batches", "limit", "answer")
    table = fitting(names, [_row(metric) for metric in shown], columns, ("batches", "unit"))
    lines = [f"{metric.metric}: {metric.outcome.value}: {metric.reason}" for metric in explained]
    if hidden := len(verdict.metrics) - len(shown):
        lines.append(f"{hidden} more pass: see them with --hil-verbose, or with camrig verdict in the evidence")
    rates = f"false alarms at most {verdict.false_alarm:.0%}, false passes at most {verdict.false_pass:.0%}"
    if not comparison.paired and len(comparison.baseline.sessions) < ENOUGH:
        rates += ", without what changes from one day to the next"
    if not verdict.holds:
        rates = f"how often this is wrong is known from {ENOUGH} sessions on, or after camrig calibrate"
    head = [
        heading(comparison.candidate.provenance),
        *(f"compared: {subject}" for subject in comparison.subjects),
        *(f"compared all the same: {difference}" for difference in comparison.differences),
    ]
    return visible(
        "\n".join([*map(one_line, head), table, *map(one_line, lines), f"gate: {verdict.outcome.value} ({rates})"])
    )


def _row(metric: MetricVerdict) -> tuple[str, ...]:
    return (
        metric.metric,
        metric.unit,
        _median(metric.baseline),
        _median(metric.candidate),
        _batches(metric),
        metric.limit,
        metric.outcome.value,
    )


def render_noise(noise: Mapping[str, Noise], limits: Mapping[str, Limit], columns: int) -> str:
    """One row per metric: its noise floor and the smallest change that its limit finds in 95 of 100 gates."""
    names = ("metric", "unit", "batches", "bad", "floor", "floor %", "limit", "smallest found")
    rows = [_noise_row(name, metric, limits.get(name)) for name, metric in noise.items()]
    return fitting(names, rows, columns, ("bad", "batches", "unit"))


def _noise_row(name: str, noise: Noise, limit: Limit | None) -> tuple[str, ...]:
    return (
        name,
        noise.unit,
        str(noise.batches),
        str(noise.bad),
        f"{noise.floor:.3g}",
        "–" if noise.share_floor is None else f"{noise.share_floor:.1%}",
        str(limit) if limit else "–",
        _smallest(noise, limit),
    )


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
