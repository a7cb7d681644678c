"""The bytes that some editors put before a text, and that most readers take for a part of it."""

from __future__ import annotations

import codecs

HINT = "save it as UTF-8 without a byte-order mark"
_ENCODINGS = (
    (codecs.BOM_UTF8, "UTF-8"),
    (codecs.BOM_UTF32_LE, "UTF-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


def byte_order_mark(data: bytes) -> str:
    """``starts with a byte-order mark of UTF-8``, or of another encoding; empty for data without one."""
    name = next((name for mark, name in _ENCODINGS if data.startswith(mark)), "")
    return f"starts with a byte-order mark of {name}" if name else ""
