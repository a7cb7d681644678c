"""Baseline files: where the figures come from, and every raw sample, so that any later statistic can be computed."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from camrig.errors import BaselineError
from camrig.gate import provenance
from camrig.gate.json_file import Fields, json_text, load_json, save_json
from camrig.gate.provenance import Provenance, demand_comparable
from camrig.gate.samples import NAME, MetricKind, Samples
from camrig.measure.batch import SampleBatch

KIND = "baseline"
SCHEMA = 2
_HINT = "save one with --hil-save"


@dataclass(frozen=True)
class Baseline:
    """One session's samples by metric, and those of ``earlier`` sessions of the same library and bench."""

    provenance: Provenance
    metrics: Mapping[str, Samples]
    earlier: tuple[Baseline, ...] = ()

    @property
    def sessions(self) -> tuple[Baseline, ...]:
        """Every session, in order, each on its own."""
        return (*self.earlier, replace(self, earlier=()))

    def joined(self) -> Mapping[str, Samples]:
        """The samples of all sessions by metric. Raises BaselineError for a metric that changed its unit or kind."""
        if not self.earlier:
            return self.metrics
        names = dict.fromkeys(name for session in self.sessions for name in session.metrics)
        return {
            name: _joined(name, [session.metrics[name] for session in self.sessions if name in session.metrics])
            for name in names
        }

    def with_session(self, session: Baseline, name: str) -> Baseline:
        """The baseline ``name`` with one more ``session``.

        Raises BaselineError if it is of another library or bench, or measured a metric in another unit.
        """
        hint = f"name another baseline, or remove this one with camrig baseline remove {name}"
        demand_comparable(session.provenance, self.provenance, f"the baseline {name}", hint)
        library, stored = session.provenance.library_sha256, self.provenance.library_sha256
        if library != stored:
            raise BaselineError(
                f"this run may not be added to the baseline {name}: its library is {library[:12]}, that of the"
                f" baseline {stored[:12]}",
                hint=hint,
            )
        longer = replace(session, earlier=self.sessions)
        longer.joined()
        return longer


def _joined(name: str, parts: list[Samples]) -> Samples:
    if len({(part.unit, part.kind) for part in parts}) > 1:
        raise BaselineError(
            f"{name} has another unit or kind in one session of the baseline than in the others",
            hint="save the baseline again under another name",
        )
    batches = tuple(batch for part in parts for batch in part.batches)
    return Samples(parts[0].unit, parts[0].kind, batches, tuple(len(part.batches) for part in parts))


def save_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline`` to ``path``, in place of an older one. Raises BaselineError."""
    save_json(path, KIND, SCHEMA, _as_data(baseline))


def baseline_text(baseline: Baseline) -> str:
    """What ``save_baseline`` writes."""
    return json_text(KIND, SCHEMA, _as_data(baseline))


def _as_data(baseline: Baseline) -> dict[str, Any]:
    return {
        "sessions": [
            {
                "origin": provenance.as_data(session.provenance),
                "metrics": {name: _samples_data(samples) for name, samples in sorted(session.metrics.items())},
            }
            for session in baseline.sessions
        ]
    }


def load_baseline(path: Path | zipfile.Path, *, measured: bool = True) -> Baseline:
    """Raises BaselineError for a file that is missing, damaged or of another schema.

    So it does for one without any metric, unless ``measured`` is false: a run may end before it measures anything.
    """
    fields = load_json(path, KIND, SCHEMA, _HINT, older="is from before sessions were kept")
    sessions = [_read_session(session, measured) for session in fields.objects("sessions")]
    if not sessions:
        raise fields.damaged("it holds no session")
    return replace(sessions[-1], earlier=tuple(sessions[:-1]))


def _read_session(fields: Fields, measured: bool) -> Baseline:
    entries = fields.object("metrics")
    metrics = {}
    for name in entries.names():
        if not NAME.fullmatch(name):
            raise fields.damaged(f"{name!r} is not a metric name")
        metrics[name] = _read_samples(entries.object(name))
    if measured and not metrics:
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
