"""Where figures come from, and whether those of two runs may be compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from camrig.errors import BaselineError
from camrig.gate.json_file import Fields

Scalar = str | int | float | bool | None
PREFLIGHT = "preflight"  # a setting: the headers of the preflight requests that were measured
# Settings with words of their own, and what a file from before they were kept is of.
_SETTINGS = {PREFLIGHT: ("preflight requests", "with 4 headers")}
FIRMWARE = ("firmware", "build", "mpy", "machine")  # a build may name the kind of board in words of its own


@dataclass(frozen=True)
class Provenance:
    """One run on one board.

    ``taken`` is UTC in ISO 8601, ``rssi`` in dBm, ``power_save`` the firmware's number for the Wi-Fi power-save mode;
    the three Wi-Fi facts are None where the board does not report them. ``settings`` are those that affect figures.
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
        rssi=fields.optional_integer("rssi"),
        channel=fields.optional_integer("channel"),
        power_save=fields.optional_integer("power_save"),
        settings=fields.scalars("settings"),
    )


def differences(candidate: Provenance, reference: Provenance, compared: Collection[str] = ()) -> tuple[str, ...]:
    """Every reason why figures of these two runs may not be compared; none when they may.

    The library may differ, as that is the question, and so may RSSI and channel, which control samples account for,
    and the facts that are ``compared``, by their names in ``Provenance`` or its settings.
    """
    return tuple(text for name, text in _facts_that_differ(candidate, reference) if name not in compared)


def subjects(candidate: Provenance, reference: Provenance, compared: Collection[str]) -> tuple[str, ...]:
    """The facts in which these two runs differ on purpose, as ``different firmware: A and B``."""
    return tuple(text for name, text in _facts_that_differ(candidate, reference) if name in compared)


def _facts_that_differ(candidate: Provenance, reference: Provenance) -> list[tuple[str, str]]:
    """Pairs of the name of a fact and both values in words."""
    if candidate.virtual != reference.virtual:
        return [("virtual", "one board is virtual, the other is hardware")]
    settings = candidate.settings, reference.settings
    facts: tuple[tuple[str, str, Scalar, Scalar], ...] = (
        ("mac", "boards", candidate.mac, reference.mac),
        ("machine", "kinds of board", candidate.machine, reference.machine),
        ("firmware", "firmware", candidate.firmware, reference.firmware),
        ("build", "builds", candidate.build, reference.build),
        ("mpy", "mpy versions", candidate.mpy, reference.mpy),
        ("power_save", "Wi-Fi power-save modes", candidate.power_save, reference.power_save),
        ("rig", "releases of camrig", _release(candidate.rig), _release(reference.rig)),
        *(
            (name, words, settings[0].get(name, unset), settings[1].get(name, unset))
            for name in sorted({*candidate.settings, *reference.settings})
            for words, unset in [_SETTINGS.get(name, (f"settings of {name}", "unset"))]
        ),
    )
    return [(name, f"different {words}: {_shown(a)} and {_shown(b)}") for name, words, a, b in facts if a != b]


def demand_comparable(
    candidate: Provenance, reference: Provenance, name: str, hint: str, compared: Collection[str] = ()
) -> None:
    """Raises BaselineError with every reason against comparing this run with ``name``, and a ``hint``."""
    reasons = differences(candidate, reference, compared)
    if reasons:
        raise BaselineError(f"this run may not be compared with {name}: {'; '.join(reasons)}", hint=hint)


def _release(version: str) -> str:
    """Major and minor: within them a metric means the same."""
    return ".".join(version.split(".")[:2])


def _shown(value: Scalar) -> str:
    return "unknown" if value is None else str(value) or "none"
