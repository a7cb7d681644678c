"""Stored baselines as tables for a terminal: all of a bench, and the sessions of one."""

from __future__ import annotations

from collections.abc import Mapping

from camrig.errors import BaselineError
from camrig.gate.baseline import Baseline
from camrig.gate.samples import MetricKind, Samples
from camrig.measure.sessions import ENOUGH
from camrig.measure.statistics import median
from camrig.redaction import visible
from camrig.report.metrics_table import number
from camrig.report.summary import heading
from camrig.report.text_table import text_table


def render_baselines(baselines: Mapping[str, Baseline | BaselineError]) -> str:
    """One row per baseline, then a line for each file that cannot be read."""
    if not baselines:
        return "no baseline yet: pytest --hil-save NAME keeps a run as one"
    names = ("baseline", "sessions", "last", "board", "firmware", "library", "metrics")
    errors = [baseline for baseline in baselines.values() if isinstance(baseline, BaselineError)]
    rows = []
    for name, baseline in baselines.items():
        if isinstance(baseline, BaselineError):
            continue
        last = baseline.provenance
        count = str(len(baseline.joined()))
        rows.append((name, _count(baseline), last.taken, last.mac, last.firmware, last.library_sha256[:12], count))
    lines = [text_table(names, rows, names)] if rows else []
    return visible("\n".join([*lines, *map(str, errors)]))


def render_baseline(name: str, baseline: Baseline) -> str:
    """The provenance of ``baseline``, then one row per metric with its median in each session."""
    sessions = baseline.sessions
    texts = ("metric", "unit")
    names = (*texts, *(f"session {position}" for position in range(1, len(sessions) + 1)))
    rows = [
        (metric, samples.unit, *(_level(session.metrics.get(metric)) for session in sessions))
        for metric, samples in baseline.joined().items()
    ]
    head = [
        heading(baseline.provenance),
        f"library {baseline.provenance.library_sha256}",
        *(f"session {position}: {session.provenance.taken}" for position, session in enumerate(sessions, 1)),
    ]
    if len(sessions) < ENOUGH:
        head.append(f"times can be judged from {ENOUGH} sessions on: add some with --hil-save {name}")
    return visible("\n".join([*head, text_table(names, rows, texts)]))


def _count(baseline: Baseline) -> str:
    count = len(baseline.sessions)
    return str(count) if count >= ENOUGH else f"{count} of {ENOUGH}"


def _level(samples: Samples | None) -> str:
    if samples is None or not samples.values or samples.kind is MetricKind.SLOPE:
        return "–"
    return number(median(samples.values))
