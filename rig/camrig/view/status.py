"""A board's own account as rows of a table, and the sockets that it has: JSON of a stranger, bounded and harmless."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from camrig.redaction import presentable

ROWS, DEPTH, LENGTH = 60, 4, 160


def rows(status: Any) -> list[tuple[str, str]]:
    """Names and values in the order of the names, those of objects within objects as ``outer.inner``."""
    return sorted((_text(name), _text(value)) for name, value in islice(_flat("", status, DEPTH), ROWS))


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield from _flat(f"{name}.{key}" if name else str(key), inner, depth - 1)
    elif isinstance(value, (dict, list)):
        yield name or "status", f"{len(value)} values" if _is_deep(value) else ", ".join(map(_word, value))
    elif value is not None:
        yield name or "status", _word(value)


def _is_deep(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(item, (dict, list)) for item in value)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def _text(text: str) -> str:
    text = presentable(text[: 4 * LENGTH])
    return text if len(text) <= LENGTH else text[: LENGTH - 1] + "…"


def sockets(status: Any) -> tuple[int, int] | None:
    """How many connections are open and may be, None where the board does not say."""
    entry = status.get("sockets") if isinstance(status, dict) else None
    if not isinstance(entry, dict):
        return None
    used, most = _count(entry.get("used")), _count(entry.get("most"))
    return (used, most) if used is not None and most else None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 100_000
    return int(value) if is_count else None


def uptime(status: Any) -> float | None:
    """Seconds since the application started, None where the board does not say."""
    seconds = status.get("uptime_s") if isinstance(status, dict) else None
    return float(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < 1e9 else None
