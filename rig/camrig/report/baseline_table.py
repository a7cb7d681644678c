"""Stored baselines as tables for a terminal: all of a bench, and the sessions of one."""

from __future__ import annotations

from collections.abc import Mapping

from rich import box
from rich.table import Table

from camrig.errors import BaselineError
from camrig.gate.baseline import Baseline
from camrig.gate.samples import MetricKind, Samples
from camrig.measure.sessions import ENOUGH
from camrig.measure.statistics import median
from camrig.report.metrics_table import number, table_text
from camrig.report.summary import heading


def render_baselines(baselines: Mapping[str, Baseline | BaselineError], columns: int) -> str:
    """One row per baseline, then a line for each file that cannot be read."""
    if not baselines:
        return "no baseline yet: pytest --hil-save NAME keeps a run as one"
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("baseline", "sessions", "last", "board", "firmware", "library", "metrics"):
        table.add_column(name, no_wrap=True)
    errors = [baseline for baseline in baselines.values() if isinstance(baseline, BaselineError)]
    for name, baseline in baselines.items():
        if isinstance(baseline, BaselineError):
            continue
        last = baseline.provenance
        table.add_row(
            name,
            _count(baseline),
            last.taken,
            last.mac,
            last.firmware,
            last.library_sha256[:12],
            str(len(baseline.joined())),
        )
    lines = [table_text(table, columns)] if table.rows else []
    return "\n".join([*lines, *map(str, errors)])


def render_baseline(name: str, baseline: Baseline, columns: int) -> str:
    """The provenance of ``baseline``, then one row per metric with its median in each session."""
    sessions = baseline.sessions
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("metric", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    for position in range(1, len(sessions) + 1):
        table.add_column(f"session {position}", justify="right", no_wrap=True)
    for metric, samples in baseline.joined().items():
        table.add_row(metric, samples.unit, *(_level(session.metrics.get(metric)) for session in sessions))
    head = [
        heading(baseline.provenance),
        f"library {baseline.provenance.library_sha256}",
        *(f"session {position}: {session.provenance.taken}" for position, session in enumerate(sessions, 1)),
    ]
    if len(sessions) < ENOUGH:
        head.append(f"times can be judged from {ENOUGH} sessions on: add some with --hil-save {name}")
    return "\n".join([*head, table_text(table, columns)])


def _count(baseline: Baseline) -> str:
    count = len(baseline.sessions)
    return str(count) if count >= ENOUGH else f"{count} of {ENOUGH}"


def _level(samples: Samples | None) -> str:
    if samples is None or not samples.values or samples.kind is MetricKind.SLOPE:
        return "–"
    return number(median(samples.values))
