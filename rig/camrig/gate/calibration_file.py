"""Calibration files: a bench's noise, with the provenance it holds for."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any

from camrig.gate import provenance
from camrig.gate.calibration import Noise
from camrig.gate.control_samples import Usual
from camrig.gate.json_file import Fields, load, save, text
from camrig.gate.provenance import Provenance

KIND = "calibration"
SCHEMA = 1
_HOW = "make one with camrig calibrate"


@dataclass(frozen=True)
class Calibration:
    """A bench's noise by metric."""

    provenance: Provenance
    noise: Mapping[str, Noise]


def save_calibration(path: Path, calibration: Calibration) -> None:
    """Write ``calibration`` to ``path``, in place of an older one. Raises BaselineError."""
    save(path, KIND, SCHEMA, _whole(calibration))


def calibration_text(calibration: Calibration) -> str:
    """What ``save_calibration`` writes."""
    return text(KIND, SCHEMA, _whole(calibration))


def _whole(calibration: Calibration) -> dict[str, Any]:
    noise = {name: _data(one) for name, one in sorted(calibration.noise.items())}
    return {"origin": provenance.as_data(calibration.provenance), "noise": noise}


def load_calibration(path: Path | zipfile.Path) -> Calibration:
    """Raises BaselineError for a file that is missing, damaged or of another schema."""
    fields = load(path, KIND, SCHEMA, _HOW)
    noise = fields.inner("noise")
    found = {name: _read(noise.inner(name)) for name in noise.names()}
    return Calibration(provenance.read(fields.inner("origin")), found)


def _data(noise: Noise) -> dict[str, Any]:
    # A reach without bounds has no number in JSON; the flags tell what the metric has at all.
    found = {
        name: None if isinstance(value, float) and not isfinite(value) else value
        for name, value in asdict(noise).items()
    }
    return {**found, "share": noise.share_floor is not None, "radio": noise.control is not None}


def _read(fields: Fields) -> Noise:
    share = fields.flag("share")
    found = Noise(
        unit=fields.text("unit"),
        batches=fields.whole("batches"),
        bad=fields.whole("bad"),
        floor=fields.number("floor"),
        reach=_reach(fields, "reach"),
        share_floor=fields.number("share_floor") if share else None,
        share_reach=_reach(fields, "share_reach") if share else None,
        control=_usual(fields.inner("control")) if fields.flag("radio") else None,
    )
    if min(found.floor, found.reach, found.share_floor or 0, found.share_reach or 0) < 0:
        raise fields.wrong("a floor or reach is negative")
    return found


def _usual(fields: Fields) -> Usual:
    return Usual(
        middle=fields.number("middle"),
        upper=fields.number("upper"),
        middle_slack=fields.number("middle_slack"),
        upper_slack=fields.number("upper_slack"),
    )


def _reach(fields: Fields, name: str) -> float:
    value = fields.maybe_number(name)
    return inf if value is None else value
