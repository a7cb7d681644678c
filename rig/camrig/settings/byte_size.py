"""A size in bytes as users write it. The only place that parses one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([1-9][0-9]{0,9})([KkMm]?)")
_UNITS = {"": 1, "K": 1024, "M": 1024**2}


@dataclass(frozen=True)
class ByteSize:
    """``text`` is the size as it was written, which is what records keep."""

    text: str
    bytes: int

    @classmethod
    def parse(cls, text: str) -> ByteSize:
        """``text`` is a whole number, optionally with K or M. Raises ValueError."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError("is not a size: give bytes, or a number with K or M, such as 128K or 4M")
        return cls(text, int(match[1]) * _UNITS[match[2].upper()])

    def __str__(self) -> str:
        return self.text
