"""Baseline files: where the figures come from, and every raw sample, so that any later statistic can be computed."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.gate import provenance
from camrig.gate.json_file import Fields, json_text, load_json, save_json
from camrig.gate.provenance import Provenance
from camrig.gate.samples import NAME, MetricKind, Samples
from camrig.measure.batch import SampleBatch

KIND = "baseline"
SCHEMA = 1
_HINT = "save one with --hil-save"


@dataclass(frozen=True)
class Baseline:
    """One run's samples by metric."""

    provenance: Provenance
    metrics: Mapping[str, Samples]


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline`` to ``path``, in place of an older one. Raises BaselineError."""
    save_json(path, KIND, SCHEMA, _as_data(baseline))


def baseline_text(baseline: Baseline) -> str:
    """What ``save_baseline`` writes."""
    return json_text(KIND, SCHEMA, _as_data(baseline))


def _as_data(baseline: Baseline) -> dict[str, Any]:
    metrics = {name: _samples_data(samples) for name, samples in sorted(baseline.metrics.items())}
    return {"origin": provenance.as_data(baseline.provenance), "metrics": metrics}


def load_baseline(path: Path | zipfile.Path) -> Baseline:
    """Raises BaselineError for a file that is missing, damaged, of another schema or without any metric."""
    fields = load_json(path, KIND, SCHEMA, _HINT)
    entries = fields.object("metrics")
    metrics = {}
    for name in entries.names():
        if not NAME.fullmatch(name):
            raise fields.damaged(f"{name!r} is not a metric name")
        metrics[name] = _read_samples(entries.object(name))
    if not metrics:
        raise fields.damaged("it holds no metric")
    return Baseline(provenance.read(fields.object("origin")), metrics)


def _samples_data(samples: Samples) -> dict[str, Any]:
    return {
        "unit": samples.unit,
        "kind": samples.kind.value,
        "batches": [
            {"values": list(batch.values), "control": list(batch.control), "at": list(batch.at)}
            for batch in samples.batches
        ],
    }


def _read_samples(fields: Fields) -> Samples:
    kind = fields.text("kind")
    if kind not in [known.value for known in MetricKind]:
        raise fields.damaged(f"{kind!r} is not a kind of metric")
    try:
        batches = tuple(
            SampleBatch(batch.numbers("values"), batch.numbers("control"), batch.numbers("at"))
            for batch in fields.objects("batches")
        )
        return Samples(fields.text("unit"), MetricKind(kind), batches)
    except ValueError as error:
        raise fields.damaged(str(error)) from None
