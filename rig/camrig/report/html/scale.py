"""Axes: from values to places in a drawing, with ticks at round numbers. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

LOGARITHMIC = 20.0  # times the smallest value, from which on a range of positive values is drawn logarithmically
LEAST = 1e-200  # a smaller range is none: a share of it would be zero
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Scale:
    """Values from ``low`` to ``high`` lie between the places ``start`` and ``end``, in pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        low, high, value = self._along(self.low), self._along(self.high), self._along(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def value(self, share: float) -> float:
        """The value at a share of the way from ``low`` to ``high``."""
        low, high = self._along(self.low), self._along(self.high)
        place = low + share * (high - low)
        return math.exp(place) if self.logarithmic else place

    def _along(self, value: float) -> float:
        return math.log(max(value, self.low)) if self.logarithmic else value

    def ticks(self, number: int = 5) -> list[float]:
        """Round numbers within the range, about ``number`` of them."""
        if not self.logarithmic:
            return round_numbers(self.low, self.high, number)
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1, 2, 5), (1, 3), (1,)):
            ticks = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
            ticks = [tick for tick in ticks if self.low <= tick <= self.high]
            if len(ticks) <= number + 2:
                break
        return ticks or [self.low]


def round_numbers(low: float, high: float, number: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 times a power of ten from ``low`` to ``high``, about ``number`` of them."""
    raw = (high - low) / max(1, number)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step * power for step in _STEPS if step * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(index * step, 12) for index in range(first, last + 1)]


def scale_of(values: Iterable[float], start: float, end: float, zero: bool = False, log: bool = False) -> Scale:
    """The scale that shows all ``values``, with a little room, from zero on with ``zero``.

    With ``log`` it is logarithmic where that helps. Values that are all the same lie in the middle.
    """
    values = list(values) or [0.0]
    low, high = min(values), max(values)
    if log and low > 0 and high / low > LOGARITHMIC:
        return Scale(low / 1.1, high * 1.1, start, end, logarithmic=True)
    if zero:
        low, high = min(0.0, low), max(0.0, high)
    if high - low <= max(abs(high) * 1e-12, LEAST):
        margin = abs(high) * 0.5 if abs(high) > LEAST else 1.0
        return Scale(0.0 if zero and low == 0.0 else low - margin, high + margin, start, end)
    margin = 0.04 * (high - low)
    return Scale(low if zero and low == 0.0 else low - margin, high if high == 0.0 else high + margin, start, end)
