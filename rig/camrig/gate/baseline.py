"""Baseline files: where the figures come from, and every raw sample, so that any later statistic can be taken."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.gate import provenance
from camrig.gate.json_file import Fields, load, save, text
from camrig.gate.provenance import Provenance
from camrig.gate.samples import NAME, Batch, Kind, Samples

KIND = "baseline"
SCHEMA = 1
_HOW = "save one with --hil-save"


@dataclass(frozen=True)
class Baseline:
    """One run's samples by metric."""

    provenance: Provenance
    metrics: Mapping[str, Samples]


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline`` to ``path``, in place of an older one. Raises BaselineError."""
    save(path, KIND, SCHEMA, _data(baseline))


def baseline_text(baseline: Baseline) -> str:
    """What ``save_baseline`` writes."""
    return text(KIND, SCHEMA, _data(baseline))


def _data(baseline: Baseline) -> dict[str, Any]:
    metrics = {name: samples_data(samples) for name, samples in sorted(baseline.metrics.items())}
    return {"origin": provenance.as_data(baseline.provenance), "metrics": metrics}


def load_baseline(path: Path | zipfile.Path) -> Baseline:
    """Raises BaselineError for a file that is missing, damaged, of another schema or without a single metric."""
    fields = load(path, KIND, SCHEMA, _HOW)
    metrics = fields.inner("metrics")
    found = {}
    for name in metrics.names():
        if not NAME.fullmatch(name):
            raise fields.wrong(f"{name!r} is no name of a metric")
        found[name] = read_samples(metrics.inner(name))
    if not found:
        raise fields.wrong("it holds no metric")
    return Baseline(provenance.read(fields.inner("origin")), found)


def samples_data(samples: Samples) -> dict[str, Any]:
    """Samples for JSON."""
    return {
        "unit": samples.unit,
        "kind": samples.kind.value,
        "batches": [
            {"values": list(batch.values), "control": list(batch.control), "at": list(batch.at)}
            for batch in samples.batches
        ],
    }


def read_samples(fields: Fields) -> Samples:
    """Samples out of JSON. Raises BaselineError, naming what is wrong."""
    kind = fields.text("kind")
    if kind not in [one.value for one in Kind]:
        raise fields.wrong(f"{kind!r} is no kind of metric")
    try:
        batches = tuple(
            Batch(one.numbers("values"), one.numbers("control"), one.numbers("at"))
            for one in fields.inners("batches")
        )
        return Samples(fields.text("unit"), Kind(kind), batches)
    except ValueError as error:
        raise fields.wrong(str(error)) from None
