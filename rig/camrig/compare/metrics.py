"""What a session of two libraries measures, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches

from camrig.errors import SettingsError
from camrig.gate.limits import Limit
from camrig.probe.sampling import ACTUAL, PREFLIGHT

PHASES = ("connect", "first_byte", "total", "on_board")
KINDS = (PREFLIGHT, ACTUAL)
ALLOCATED, RETAINED, LEAK = "heap.preflight.allocated", "heap.import.microdot.cors", "heap.leak_slope"
RELATIVE = "latency.preflight.relative"
MEASURED = (ALLOCATED, RETAINED, LEAK, RELATIVE, *(f"latency.{kind}.{phase}" for kind in KINDS for phase in PHASES))

_OURS = tuple(f"latency.{kind}." for kind in KINDS)
# What the suite records besides; a name among these is no slip of the pen.
_SUITES = (
    "latency.actual.relative",
    "heap.import.",
    "heap.idf.",
    "heap.peak.",
    "heap.leak.alive",
    "heap.preflight.cors_share",
)


def judged(limits: Mapping[str, Limit], tell: Callable[[str], None]) -> dict[str, Limit]:
    """Those limits whose metrics a session measures; the others, which the suite may, are told of.

    Raises SettingsError for a name that nothing measures and that looks like one of these: a limit that is passed
    over for a slip of the pen would be a pass without a question.
    """
    for name, limit in limits.items():
        if name in MEASURED:
            continue
        close = get_close_matches(name, MEASURED, n=1, cutoff=0.85)
        if not name.startswith(_SUITES) and (name.startswith(_OURS) or close):
            meant = get_close_matches(name, MEASURED, n=1, cutoff=0.0)[0]
            raise SettingsError(
                f"{name} has a limit, and there is no such metric", hint=f"write {meant}, or remove it"
            )
        tell(f"{name} ({limit}) is measured by the suite alone, and not judged here")
    return {name: limit for name, limit in limits.items() if name in MEASURED}
