"""Plain data, as JSON has it, of whatever a test hands over."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

DEPTH = 20  # of lists and mappings within each other; what is deeper becomes text
LARGEST = 1 << 53  # the largest whole number that every reader of JSON keeps exactly


def plain(value: Any, depth: int = DEPTH) -> Any:
    """``value`` as plain data: null for a number that is not finite, and the text of whatever JSON does not have."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= LARGEST else _text(value)
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    if isinstance(value, str):
        return str(value)
    if depth and isinstance(value, Mapping):
        return {_text(name): plain(entry, depth - 1) for name, entry in value.items()}
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return [plain(entry, depth - 1) for entry in value]
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return _text(value)


def size(value: Any) -> int:
    """About how many characters plain data takes."""
    if isinstance(value, Mapping):
        return sum(len(name) + size(entry) for name, entry in value.items()) + 2 * len(value)
    if isinstance(value, str):
        return len(value)
    return sum(map(size, value)) + 2 * len(value) if isinstance(value, list) else 8


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # of a class of a test's own, or digits beyond Python's limit
        return f"<{type(value).__name__}: {type(error).__name__}>"
