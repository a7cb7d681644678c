"""The ``Server-Timing`` response header: what a server says about its own time.

Parsed as W3C Server Timing, "server-timing header parsing algorithm": lenient, unknown parameters ignored, the first
of two parameters of one name counts, and nothing in a header can raise.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

ON_BOARD = "app"  # what the rig's agent calls the time in the application

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_PLAIN = re.compile(ON_BOARD + r";dur=(\d+\.\d+)")
_SPACE = " \t"


@dataclass(frozen=True)
class Metric:
    """One entry; ``ms`` is 0.0 where none or no number was given, as the standard has it."""

    name: str
    ms: float = 0.0
    description: str = ""


def parse(values: Iterable[str]) -> list[Metric]:
    """Every metric of the header's values, in the order they came."""
    found = []
    for value in values:
        at = 0
        while at < len(value):
            metric, at = _metric(value, at)
            if metric is not None:
                found.append(metric)
    return found


def on_board_ms(value: str) -> float | None:
    """The agent's figure in a header's value in milliseconds, None when it is missing."""
    if found := _PLAIN.fullmatch(value):  # what the agent sends: a probe should lose no time on it
        return float(found[1])
    return next((metric.ms for metric in parse([value]) if metric.name == ON_BOARD), None)


def _metric(text: str, at: int) -> tuple[Metric | None, int]:
    at = _skip(text, at)
    name, at = _token(text, at)
    parameters: dict[str, str] = {}
    at = _skip(text, at)
    while at < len(text) and text[at] == ";":
        key, at = _token(text, _skip(text, at + 1))
        at = _skip(text, at)
        value = ""
        if at < len(text) and text[at] == "=":
            at = _skip(text, at + 1)
            value, at = _quoted(text, at) if text[at : at + 1] == '"' else _token(text, at)
        if key:
            parameters.setdefault(key.lower(), value)
        while at < len(text) and text[at] not in ";,":  # what is no parameter is passed over
            at += 1
    comma = text.find(",", at)
    end = len(text) if comma < 0 else comma + 1
    if not name:
        return None, end
    return Metric(name, _number(parameters.get("dur", "")), parameters.get("desc", "")), end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _token(text: str, at: int) -> tuple[str, int]:
    found = _TOKEN.match(text, at)
    return (found[0], found.end()) if found else ("", at)


def _quoted(text: str, at: int) -> tuple[str, int]:
    value, at = "", at + 1
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\"
        value += text[at : at + 1]
        at += 1
    return value, at + 1


def _number(text: str) -> float:
    found = float(text) if _NUMBER.fullmatch(text) else 0.0
    return found if math.isfinite(found) else 0.0
