"""The metrics of two sides that cannot run at once: whole requests, heap and boot, and their usual limits.

What CORS adds to a request is the same on both sides, because the library is. So requests are timed as a whole: on
the board, in the application, and over the network, as a client sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from camrig.compare.metrics import KINDS, PHASES, TIMES, allocated, refuse_misspelt
from camrig.errors import SettingsError
from camrig.gate.limits import Limit, parse_limits
from camrig.probe.request_kinds import REQUEST_KINDS
from camrig.settings.resolve import Settings

BOOT = "boot.time"
ALIVE, FREE = "heap.alive", "heap.free"
IDF_FREE, IDF_LARGEST, IDF_LOWEST = "heap.idf.free", "heap.idf.largest", "heap.idf.lowest"
WHOLE = ("total", "on_board")
OTHERS = tuple(kind.name for kind in REQUEST_KINDS if kind.name not in KINDS)
_ALLOCATED = tuple(allocated(kind.name) for kind in REQUEST_KINDS)

MEASURED_WHOLE = (
    *(f"latency.{kind}.{time}" for kind in KINDS for time in TIMES),
    *(f"latency.{kind}.{phase}" for kind in OTHERS for phase in WHOLE),
    *_ALLOCATED,
    *(ALIVE, FREE, IDF_FREE, IDF_LARGEST, IDF_LOWEST),
    BOOT,
)
_USUAL = {
    **{f"latency.{kind}.{phase}": "+10%" for kind in KINDS for phase in WHOLE},
    **{f"latency.{kind}.tail": "+5 points" for kind in KINDS},
    **{f"latency.{kind}.on_board": "+10%" for kind in OTHERS},
    # The longest answers are those that the radio takes longest for.
    **{f"latency.{kind.name}.total": "+10%" for kind in REQUEST_KINDS if kind.optional},
    **dict.fromkeys(_ALLOCATED, "+0 B"),
    ALIVE: "+512 B",
    FREE: "-1024 B",
    IDF_LOWEST: "-2048 B",
    BOOT: "+25%",
}


def phases_of(kind: str) -> tuple[str, ...]:
    """The phases that requests of one kind are timed in."""
    return PHASES if kind in KINDS else WHOLE


def usual_limits() -> dict[str, Limit]:
    """The limits where the config file sets none."""
    return parse_limits(_USUAL)


def whole_limits(settings: Settings, report: Callable[[str], None]) -> Mapping[str, Limit]:
    """The limits that two settings or firmwares are compared by. Raises SettingsError if none is left.

    ``report`` gets a line for each limit that is about something else.
    """
    if len(settings.device) != 1:
        raise SettingsError("two sides are compared on one board", hint="give one --device only")
    limits = parse_limits(settings.limits) or usual_limits()
    for name, limit in limits.items():
        if name not in MEASURED_WHOLE:
            refuse_misspelt(name, MEASURED_WHOLE)
            report(f"{name} ({limit}) is not judged here, where whole requests, heap and boot are compared")
    limits = {name: limit for name, limit in limits.items() if name in MEASURED_WHOLE}
    if not limits:
        raise SettingsError(
            "[limits] names no metric of whole requests, heap or boot",
            hint=f"add one, such as latency.{KINDS[0]}.total, or remove the table",
        )
    return limits
