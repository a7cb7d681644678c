"""The ``Server-Timing`` response header, in which a server reports its own time.

Parsed by the "server-timing header parsing algorithm" of W3C Server Timing: unknown parameters are ignored, the first
of two parameters with one name counts, and no header raises an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

ON_BOARD = "app"  # the agent's name for the time in the application

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_AGENT_FORM = re.compile(ON_BOARD + r";dur=(\d+\.\d+)")
_SPACE = " \t"


@dataclass(frozen=True)
class TimingEntry:
    """One entry; ``ms`` is 0.0 without a valid number, as in the standard."""

    name: str
    ms: float = 0.0
    description: str = ""


def parse(values: Iterable[str]) -> list[TimingEntry]:
    """Every entry of the header's values, in the order received."""
    entries = []
    for value in values:
        at = 0
        while at < len(value):
            entry, at = _entry(value, at)
            if entry is not None:
                entries.append(entry)
    return entries


def on_board_ms(value: str) -> float | None:
    """The agent's time in a header's value, in milliseconds; None if it is missing."""
    if match := _AGENT_FORM.fullmatch(value):  # what the agent sends: parsed without delaying the probe
        return _number(match[1])
    return next((entry.ms for entry in parse([value]) if entry.name == ON_BOARD), None)


def _entry(text: str, at: int) -> tuple[TimingEntry | None, int]:
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
        while at < len(text) and text[at] not in ";,":  # anything that is not a parameter is skipped
            at += 1
    comma = text.find(",", at)
    end = len(text) if comma < 0 else comma + 1
    if not name:
        return None, end
    return TimingEntry(name, _number(parameters.get("dur", "")), parameters.get("desc", "")), end


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _token(text: str, at: int) -> tuple[str, int]:
    match = _TOKEN.match(text, at)
    return (match[0], match.end()) if match else ("", at)


def _quoted(text: str, at: int) -> tuple[str, int]:
    value, at = "", at + 1
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\"
        value += text[at : at + 1]
        at += 1
    return value, at + 1


def _number(text: str) -> float:
    number = float(text) if _NUMBER.fullmatch(text) else 0.0
    return number if math.isfinite(number) else 0.0
