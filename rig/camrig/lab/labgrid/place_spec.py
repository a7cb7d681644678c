"""What follows ``labgrid:`` in a device specification; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from camrig.errors import PortError

PREFIX = "labgrid:"
USUAL_HOST, USUAL_PORT = "127.0.0.1", 20408  # of the coordinator, where nothing names it
USAGE = "write labgrid:PLACE, labgrid:+tag=value (several: +tag=value+tag=value), or labgrid:+TOKEN of a reservation"
_TAG = re.compile(r"([a-z][a-z0-9_]+)=([^\s=+,]+)")
_TOKEN = re.compile(r"[A-Z0-9]{4,40}")


@dataclass(frozen=True)
class PlaceSpec:
    """A place by its name, by tags all of which it must have, or by a reservation.

    ``token`` is that of the reservation; where all three are empty, it is the one of $LG_TOKEN.
    """

    name: str = ""
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    token: str = ""


def is_place(spec: str) -> bool:
    """Whether ``spec`` names a place of labgrid's."""
    return spec.startswith(PREFIX)


def full_address(coordinator: str) -> str:
    """``HOST:PORT`` of a coordinator: labgrid's usual ones for what is left out."""
    host = coordinator or USUAL_HOST
    return host if re.search(r":\d+$", host) else f"{host}:{USUAL_PORT}"


def place_key(coordinator: str, place: str) -> str:
    """The name of the lock on a place, as whatever it is known in the specification."""
    return f"labgrid-{full_address(coordinator)}-{place}"


def parse_place(spec: str) -> PlaceSpec:
    """The place that ``spec`` names. Raises PortError."""
    words = spec.removeprefix(PREFIX)
    if not words.startswith("+"):
        if not words.strip() or words != words.strip() or "=" in words:
            raise _error(spec, "names no place", f"labgrid:+{words}" if _TAG.fullmatch(words) else "")
        return PlaceSpec(name=words)
    if words == "+":
        return PlaceSpec()
    parts = re.split(r"[+,]", words[1:])
    if len(parts) == 1 and _TOKEN.fullmatch(parts[0]):
        return PlaceSpec(token=parts[0])
    tags: dict[str, str] = {}
    for part in parts:
        match = _TAG.fullmatch(part)
        if match is None:
            raise _error(spec, f"has {part!r}, which is not a tag with a value")
        if tags.setdefault(match[1], match[2]) != match[2]:
            raise _error(spec, f"asks for two values of the tag {match[1]}")
    return PlaceSpec(tags=tags)


def _error(spec: str, text: str, meant: str = "") -> PortError:
    return PortError(f"{spec} {text}", hint=f"did you mean {meant}?" if meant else USAGE)
