"""Limits: how far a metric may move, as a line of the config file says it.

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
_HOW = "write it like +10%, +0 B, +2 ms, -5% or < 1 B/request"


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
        """Whether it speaks of a change from the baseline, not of the value itself."""
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
        """Whether the limit itself is too much already."""
        return self.sign in ("<", ">")


def _plain(size: float) -> str:
    text = f"{size:.340f}".rstrip("0").rstrip(".")
    return text or "0"


def parse_limit(metric: str, text: object) -> Limit:
    """The limit that ``text`` states for ``metric``. Raises SettingsError, naming both."""
    found = _LIMIT.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise SettingsError(f"the limit of {metric} is {text!r}, which is no limit", hint=_HOW)
    limit = Limit(found["sign"], float(found["size"]), found["unit"])
    if limit.size == float("inf"):
        raise SettingsError(f"the limit of {metric} is {text!r}, which no value can reach", hint=_HOW)
    if limit.relative and not limit.change:
        raise SettingsError(f"the limit of {metric} is {text!r}, but a share is a change", hint=_HOW)
    if limit.relative and limit.sign == "-" and limit.size >= 100:
        raise SettingsError(f"the limit of {metric} is {text!r}, and nothing can fall that far", hint=_HOW)
    return limit


def parse_limits(table: Mapping[str, Any], _above: str = "") -> dict[str, Limit]:
    """Limits by metric out of a table of the config file, in its order.

    Dotted keys that TOML made tables of are put together again. Raises SettingsError, naming the metric.
    """
    limits: dict[str, Limit] = {}
    for key, value in table.items():
        metric = f"{_above}.{key}" if _above else key
        if not NAME.fullmatch(metric):
            raise SettingsError(f"{metric!r} is no name of a metric", hint="write it like latency.preflight.total")
        found = parse_limits(value, metric) if isinstance(value, Mapping) else {metric: parse_limit(metric, value)}
        for name, limit in found.items():
            if name in limits:
                raise SettingsError(f"{name} has two limits", hint="keep one of them")
            limits[name] = limit
    return limits


def usual_limits(paired: bool) -> dict[str, Limit]:
    """Those that hold where the config file sets none, for two sides measured together, or for two runs.

    From one run to another the board's own speed may change (a virtual board's does), and times that depend on it
    would be set against another board, as it were. What a preflight takes in terms of the same request without CORS
    does not depend on it.
    """
    times = {
        "latency.preflight.on_board": "+10%",
        "latency.preflight.total": "+10%",
        "latency.actual.on_board": "+10%",
    }
    return parse_limits(
        {
            **(times if paired else {"latency.preflight.relative": "+10%"}),
            "heap.preflight.allocated": "+0 B",
            "heap.leak_slope": "< 1 B/request",
        }
    )
