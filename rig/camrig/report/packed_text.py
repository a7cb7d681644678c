"""A long text inside JSON: compressed by zlib, in base64, as the page of a run unpacks it again."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

ENCODING = "zlib+base64"
MOST = 64 << 20  # bytes of a text that is unpacked


def packed(text: str, left_out: int = 0) -> dict[str, Any]:
    """``text`` packed; ``left_out`` are the bytes that were before it."""
    data = text.encode("utf-8", "backslashreplace")
    return {
        "encoding": ENCODING,
        "text": base64.b64encode(zlib.compress(data, 9)).decode(),
        "bytes": len(data),
        "left_out": left_out,
    }


def unpacked(value: dict[str, Any]) -> str:
    """The text of what ``packed`` returned. Raises ValueError for what it did not, and for a text without an end."""
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(value["text"], validate=True), MOST)
    except (zlib.error, binascii.Error) as error:
        raise ValueError(f"a packed text is damaged: {error}") from None
    if not unpacker.eof:
        raise ValueError(f"a packed text is cut off, or longer than {MOST >> 20} MB")
    return data.decode("utf-8", "replace")
