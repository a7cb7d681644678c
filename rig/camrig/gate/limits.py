"""Limits: how far a metric may move, as a line of the config file states it.

=====================  ======================================================================
``+10%``, ``+0 B``     may rise by that much over the baseline, as a share or in the metric's unit
``-5%``, ``-512 B``    may fall by that much (what should stay high: free heap)
``< 1 B/request``      must stay below, whatever the baseline; also ``<=``, ``>``, ``>=``
=====================  ======================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from camrig.errors import SettingsError
from camrig.gate.samples import NAME

_LIMIT = re.compile(r"(?P<sign>[+-]|[<>]=?)\s*(?P<size>\d+(?:\.\d+)?|\.\d+)\s*(?P<unit>%|[A-Za-zµ]+(?:/[A-Za-z]+)?)")
_HINT = "write it like +10%, +0 B, +2 ms, -5% or < 1 B/request"


@dataclass(frozen=True)
class Limit:
    """``sign`` is one of + - < <= > >=, ``size`` is never negative, ``unit`` is % or the metric's."""

    sign: str
    size: float
    unit: str

    def __str__(self) -> str:
        size = f"{self.size:.15g}"
        if float(size) != self.size or "e" in size:
            size = _plain(self.size)
        if self.relative:
            return f"{self.sign}{size}%"
        return f"{self.sign}{size} {self.unit}" if self.change else f"{self.sign} {size} {self.unit}"

    @property
    def change(self) -> bool:
        """Whether it limits a change from the baseline, not the value itself."""
        return self.sign in "+-"

    @property
    def relative(self) -> bool:
        return self.unit == "%"

    @property
    def upward(self) -> bool:
        """Whether more is worse."""
        return self.sign in ("+", "<", "<=")

    @property
    def strict(self) -> bool:
        """Whether a value equal to the limit is beyond it."""
        return self.sign in ("<", ">")


def _plain(size: float) -> str:
    text = f"{size:.340f}".rstrip("0").rstrip(".")
    return text or "0"


def parse_limit(metric: str, text: object) -> Limit:
    """The limit that ``text`` states for ``metric``. Raises SettingsError, naming both."""
    match = _LIMIT.fullmatch(text.strip()) if isinstance(text, str) else None
    if not match:
        raise SettingsError(f"the limit of {metric} is {text!r}, which is not a limit", hint=_HINT)
    limit = Limit(match["sign"], float(match["size"]), match["unit"])
    if limit.size == float("inf"):
        raise SettingsError(f"the limit of {metric} is {text!r}, which no value can reach", hint=_HINT)
    if limit.relative and not limit.change:
        raise SettingsError(f"the limit of {metric} is {text!r}, but only a change can be a share", hint=_HINT)
    if limit.relative and limit.sign == "-" and limit.size >= 100:
        raise SettingsError(f"the limit of {metric} is {text!r}, but nothing can fall that far", hint=_HINT)
    return limit


def parse_limits(table: Mapping[str, Any], _prefix: str = "") -> dict[str, Limit]:
    """Limits by metric out of a table of the config file, in its order.

    Dotted keys, which TOML turns into tables, are joined again. Raises SettingsError, naming the metric.
    """
    limits: dict[str, Limit] = {}
    for key, value in table.items():
        metric = f"{_prefix}.{key}" if _prefix else key
        if not NAME.fullmatch(metric):
            raise SettingsError(f"{metric!r} is not a metric name", hint="write it like latency.preflight.total")
        parsed = parse_limits(value, metric) if isinstance(value, Mapping) else {metric: parse_limit(metric, value)}
        for name, limit in parsed.items():
            if name in limits:
                raise SettingsError(f"{name} has two limits", hint="keep one of them")
            limits[name] = limit
    return limits


STREAM_RELATIVE = "camera.stream.relative"  # of an application that has a camera
_KINDS_OF_REQUESTS = (
    "preflight",
    "actual",
    "preflight_refused",
    "actual_refused",
    "preflight_plain",
    "actual_no_origin",
    "error",
    "picture",
    "stream",
)
# From one run to another the speed of the board itself may change (a virtual board's does), so that plain times would
# compare two boards. What CORS adds, in points of a request without it, does not depend on that.
_BETWEEN_RUNS = {
    **{f"latency.{kind}.added": "+25 points" for kind in _KINDS_OF_REQUESTS},
    # Most of the time of a preflight that is granted is added, and so it differs by more from one boot to the next.
    "latency.preflight.added": "+40 points",
    "latency.preflight_plain.added": "+40 points",
    **{f"heap.{kind}.allocated": "+0 B" for kind in _KINDS_OF_REQUESTS},
    "heap.import.microdot.cors": "+512 B",
    "heap.leak_slope": "< 1 B/request",
    "heap.load.leak_slope": "< 1 B/request",
    # The same stream with and without CORS, in turns: the radio and the pace of the camera are in both.
    STREAM_RELATIVE: "+25%",
}


def default_limits(paired: bool) -> dict[str, Limit]:
    """The limits where the config file sets none: for two sides measured together (``paired``), or for two runs."""
    if not paired:
        return parse_limits(_BETWEEN_RUNS)
    kinds = (*_KINDS_OF_REQUESTS[1:], "preflight_unseen")
    within_session = {
        "latency.preflight.on_board": "+10%",
        "latency.preflight.total": "+10%",
        "latency.actual.on_board": "+10%",
        "latency.preflight.tail": "+5 points",
        "latency.actual.tail": "+5 points",
        **{f"latency.{kind}.added": "+15 points" for kind in _KINDS_OF_REQUESTS},
        "latency.first.on_board": "+15%",
        "latency.import.on_board": "+25%",
        "latency.load.on_board": "+15%",
        **{f"heap.{kind}.allocated": "+0 B" for kind in (*kinds, "load")},
        # A cache computes and keeps its first entry, once.
        "heap.first.allocated": "+128 B",
        "heap.first_actual.allocated": "+128 B",
        "heap.first.retained": "+512 B",
        **{f"heap.{kind}.leak_slope": "< 1 B/request" for kind in ("preflight", *kinds, "load")},
        "heap.load.peak": "+256 B",
        "heap.import.microdot.cors": "+512 B",
        "heap.import_allocated.microdot.cors": "+2048 B",
    }
    return parse_limits(
        {
            **within_session,
            "heap.preflight.allocated": "+0 B",
            "heap.leak_slope": "< 1 B/request",
        }
    )
