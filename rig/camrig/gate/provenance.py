"""Where figures come from, and whether those of two runs may be set side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from camrig.errors import BaselineError
from camrig.gate.json_file import Fields

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class Provenance:
    """One run on one board.

    ``taken`` is UTC in ISO 8601, ``rssi`` in dBm, ``power_save`` the firmware's number for the Wi-Fi power-save mode;
    the three Wi-Fi facts are None where the board cannot tell. ``settings`` are those that figures depend on.
    """

    taken: str
    rig: str
    machine: str
    mac: str
    virtual: bool
    firmware: str
    build: str
    mpy: str
    library_sha256: str
    rssi: int | None
    channel: int | None
    power_save: int | None
    settings: Mapping[str, Scalar] = field(default_factory=dict)


def as_data(provenance: Provenance) -> dict[str, Any]:
    """The provenance for JSON."""
    return {**asdict(provenance), "settings": dict(sorted(provenance.settings.items()))}


def read(fields: Fields) -> Provenance:
    """The provenance out of a file. Raises BaselineError, naming the field that is wrong."""
    return Provenance(
        taken=fields.text("taken"),
        rig=fields.text("rig"),
        machine=fields.text("machine"),
        mac=fields.text("mac"),
        virtual=fields.flag("virtual"),
        firmware=fields.text("firmware"),
        build=fields.text("build"),
        mpy=fields.text("mpy"),
        library_sha256=fields.text("library_sha256"),
        rssi=fields.maybe_whole("rssi"),
        channel=fields.maybe_whole("channel"),
        power_save=fields.maybe_whole("power_save"),
        settings=fields.scalars("settings"),
    )


def comparable(ours: Provenance, theirs: Provenance) -> tuple[str, ...]:
    """Every reason why figures of these two runs may not be compared; none when they may.

    The library may differ, as that is the question, and so may RSSI and channel, which control samples answer for.
    """
    if ours.virtual != theirs.virtual:
        return ("one board is virtual, the other is hardware",)
    pairs = (
        ("boards", ours.mac, theirs.mac),
        ("kinds of board", ours.machine, theirs.machine),
        ("firmware", ours.firmware, theirs.firmware),
        ("builds", ours.build, theirs.build),
        ("mpy versions", ours.mpy, theirs.mpy),
        ("Wi-Fi power-save modes", ours.power_save, theirs.power_save),
        ("releases of camrig", _release(ours.rig), _release(theirs.rig)),
        *(
            (f"settings of {name}", ours.settings.get(name, "unset"), theirs.settings.get(name, "unset"))
            for name in sorted({*ours.settings, *theirs.settings})
        ),
    )
    return tuple(f"different {what}: {_said(one)} and {_said(other)}" for what, one, other in pairs if one != other)


def demand_comparable(ours: Provenance, theirs: Provenance, what: str, hint: str) -> None:
    """Raises BaselineError with every reason against comparing this run with ``what``, and a ``hint``."""
    reasons = comparable(ours, theirs)
    if reasons:
        raise BaselineError(f"this run may not be compared with {what}: {'; '.join(reasons)}", hint=hint)


def _release(version: str) -> str:
    """Major and minor: within them a metric means the same."""
    return ".".join(version.split(".")[:2])


def _said(value: Scalar) -> str:
    return "unknown" if value is None else str(value) or "none"
