"""The metrics that a comparison of two libraries measures, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from camrig.compare.limits import limits_of
from camrig.errors import SettingsError
from camrig.gate.limits import Limit
from camrig.probe.request_kinds import REQUEST_KINDS, UNSEEN
from camrig.probe.sampling import ACTUAL, PREFLIGHT
from camrig.settings.resolve import Settings

PHASES = ("connect", "first_byte", "total", "on_board")
KINDS = (PREFLIGHT, ACTUAL)
RETAINED, IMPORTED = "heap.import.microdot.cors", "heap.import_allocated.microdot.cors"
FIRST, FIRST_ACTUAL, FIRST_RETAINED = "heap.first.allocated", "heap.first_actual.allocated", "heap.first.retained"
LOAD, LOAD_PEAK = "heap.load.allocated", "heap.load.peak"
LEAK, LOAD_LEAK = "heap.leak_slope", "heap.load.leak_slope"


def allocated(kind: str) -> str:
    """The metric of the bytes that one request of that kind allocates."""
    return f"heap.{kind}.allocated"


def added(kind: str) -> str:
    """The metric of the time that CORS adds to a request of that kind, as a share of a request without CORS."""
    return f"latency.{kind}.added"


def kind_of(metric: str) -> str:
    """The kind of request that a metric is about, ``preflight`` in ``latency.preflight.on_board``."""
    return metric.split(".")[1]


def leak_slope(kind: str) -> str:
    """The metric of the bytes that one request of that kind leaves on the heap."""
    return f"heap.{kind}.leak_slope"


COUNTED = (*(kind.name for kind in REQUEST_KINDS), UNSEEN)
ALLOCATED = allocated(PREFLIGHT)
LEAKS = (LEAK, LOAD_LEAK, *map(leak_slope, COUNTED))
RELATIVE = "latency.preflight.relative"
TIMES = (*PHASES, "tail")
FIRST_TIME, IMPORT_TIME, LOAD_TIME = "latency.first.on_board", "latency.import.on_board", "latency.load.on_board"
MEASURED = (
    *map(allocated, COUNTED),
    *(FIRST, FIRST_ACTUAL, FIRST_RETAINED),
    *(LOAD, LOAD_PEAK),
    *(RETAINED, IMPORTED),
    *LEAKS,
    RELATIVE,
    *(f"latency.{kind}.{time}" for kind in KINDS for time in TIMES),
    *(f"latency.{kind.name}.on_board" for kind in REQUEST_KINDS if kind.name not in KINDS),
    *(added(kind.name) for kind in REQUEST_KINDS),
    *(FIRST_TIME, IMPORT_TIME, LOAD_TIME),
)

_TIME_PREFIXES = tuple({f"latency.{kind_of(name)}." for name in MEASURED if name.startswith("latency.")})
# Names that the suite alone records: they resemble those above without being misspelt.
_SUITE_PREFIXES = (
    "latency.actual.relative",
    "heap.import.",
    "heap.idf.",
    "heap.peak.",
    "heap.leak.alive",
    "heap.preflight.cors_share",
    "heap.preflight_short.",
    "latency.preflight_short.",
)


def measured_limits(limits: Mapping[str, Limit], report: Callable[[str], None]) -> dict[str, Limit]:
    """The limits whose metrics a comparison measures. ``report`` gets a line for each of the rest.

    Raises SettingsError for a name that is not a metric but resembles one: ignoring a misspelt limit would let a
    regression pass.
    """
    for name, limit in limits.items():
        if name in MEASURED:
            continue
        refuse_misspelt(name, MEASURED)
        report(f"{name} ({limit}) is not judged here: only the suite measures it")
    return {name: limit for name, limit in limits.items() if name in MEASURED}


def refuse_misspelt(name: str, measured: Sequence[str]) -> None:
    """Raise SettingsError for a ``name`` that resembles those of ``measured`` without being a metric of the suite."""
    misspelt = name.startswith(_TIME_PREFIXES) or get_close_matches(name, measured, n=1, cutoff=0.85)
    if misspelt and name not in MEASURED and not name.startswith(_SUITE_PREFIXES):
        closest = get_close_matches(name, measured, n=1, cutoff=0.0)[0]
        raise SettingsError(f"{name} has a limit, but there is no such metric", hint=f"write {closest}, or remove it")


def ab_limits(settings: Settings) -> dict[str, Limit]:
    """The limits that two libraries are compared by. Raises SettingsError if none is left, or for several boards."""
    if len(settings.device) != 1:
        raise SettingsError("libraries are compared on one board", hint="give one --device only")
    limits = measured_limits(limits_of(settings, paired=True), print)
    if not limits:
        raise SettingsError(
            "[limits] names no metric that a comparison of two libraries measures",
            hint=f"add one, such as {ALLOCATED}, or remove the table",
        )
    return limits
