"""A duration as users write it: ``90s``, ``30m``, ``2h``. The only place that parses one."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd])", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 30 * 86400


@dataclass(frozen=True)
class Duration:
    """``text`` is the duration as it was written."""

    text: str
    seconds: float

    @classmethod
    def parse(cls, text: str) -> Duration:
        """``text`` is a number with s, m, h or d behind it. Raises ValueError."""
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise ValueError("is not a duration: give a number with s, m, h or d, such as 90s, 30m or 2h")
        seconds = float(match[1]) * _UNITS[match[2]]
        if not 0 < seconds <= _LONGEST:
            raise ValueError("must be more than 0 and at most 30 days")
        return cls(text.strip(), seconds)

    def __str__(self) -> str:
        return self.text


def in_words(seconds: float) -> str:
    """``seconds`` as people read them: ``45 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
