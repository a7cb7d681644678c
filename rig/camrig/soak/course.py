"""What is kept of a soak over time: windows and readings, whose number is bounded however long it takes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from random import Random
from typing import Any

from camrig.measure.histogram import Histogram, Reservoir

MOST_WINDOWS = 240
MOST_READINGS = 2 * MOST_WINDOWS
LONGEST_WINDOW = 60.0  # seconds, as long as there are not too many windows
FEWEST_WINDOWS = 120  # that a soak is to have, as far as its rounds allow
SAMPLES = 1000  # of each kind's times that are kept as they were measured


@dataclass(frozen=True)
class Reading:
    """Memory and radio at one moment, after ``rounds`` of requests since boot number ``boot``; sizes in bytes.

    ``idf_used`` and ``idf_lowest`` are of an ESP32's other heap, None without one.
    """

    seconds: float
    boot: int
    rounds: int
    alive: int
    free: int
    idf_used: int | None = None
    idf_lowest: int | None = None
    rssi: int | None = None


@dataclass
class Window:
    """What was measured from ``start`` on, in seconds since the soak began: times in ms by the kind of request."""

    start: float
    seconds: float = 0.0
    times: dict[str, Histogram] = field(default_factory=dict)
    on_board: dict[str, Histogram] = field(default_factory=dict)
    lost: Counter[str] = field(default_factory=Counter)

    def merge(self, later: Window) -> None:
        """Take in the window that follows this one."""
        self.seconds = later.start + later.seconds - self.start
        self.lost.update(later.lost)
        for mine, its in ((self.times, later.times), (self.on_board, later.on_board)):
            for kind, histogram in its.items():
                mine.setdefault(kind, Histogram()).merge(histogram)

    def as_record(self) -> dict[str, Any]:
        """The window as plain data: for each kind the number, median, 95th percentile, largest time and losses."""
        kinds = {
            kind: {
                "n": times.n,
                "median": round(times.quantile(0.5), 3),
                "p95": round(times.quantile(0.95), 3),
                "max": round(times.high, 3),
                "lost": self.lost[kind],
            }
            for kind, times in sorted(self.times.items())
        }
        return {"start": round(self.start, 1), "seconds": round(self.seconds, 1), "kinds": kinds}


class Course:
    """Collects a soak of ``seconds``. The windows double in length whenever there are ``MOST_WINDOWS`` of them."""

    def __init__(self, seconds: float, seed: int) -> None:
        self.windows: list[Window] = []
        self.readings: list[Reading] = []
        self.totals: dict[str, Histogram] = {}
        self.samples: dict[str, dict[str, Reservoir]] = {"total": {}, "on_board": {}}
        self.lost: Counter[str] = Counter()
        self.filling: set[int] = set()  # boots whose caches may fill all the time: the soak is too short
        self.window = Window(0.0)
        self._length = min(LONGEST_WINDOW, seconds / FEWEST_WINDOWS)
        self._random = Random(seed)

    def add(self, kind: str, total: float, on_board: float | None) -> None:
        """Keep the times of one exchange, in ms."""
        self.window.times.setdefault(kind, Histogram()).add(total)
        self.totals.setdefault(kind, Histogram()).add(total)
        self._sample("total", kind, total)
        if on_board is not None:
            self.window.on_board.setdefault(kind, Histogram()).add(on_board)
            self._sample("on_board", kind, on_board)

    def lose(self, kind: str, exchanges: int) -> None:
        """Count lost exchanges."""
        self.window.lost[kind] += exchanges
        self.lost[kind] += exchanges

    def is_due(self, now: float) -> bool:
        """Whether the present window is long enough, ``now`` seconds after the soak began."""
        return now - self.window.start >= self._length

    def close_window(self, now: float) -> None:
        """End the present window, and begin the next one."""
        self.window.seconds = now - self.window.start
        if self.window.times or self.window.lost:
            self.windows.append(self.window)
        self.window = Window(now)
        if len(self.windows) >= MOST_WINDOWS:
            self.windows = _in_pairs(self.windows)
            self._length *= 2

    def read(self, reading: Reading) -> None:
        """Keep a reading."""
        self.readings.append(reading)
        if len(self.readings) >= MOST_READINGS:
            # The first of a boot is where its series begins.
            self.readings = [
                reading
                for _, boot in groupby(self.readings, lambda reading: reading.boot)
                for reading in _thinned(list(boot))
            ]

    def series(self, value: Callable[[Reading], float | None]) -> list[list[tuple[float, float]]]:
        """For each boot whose caches are full, pairs of rounds so far and a value of the readings."""
        known = (reading for reading in self.readings if reading.boot not in self.filling)
        boots = [list(boot) for _, boot in groupby(known, lambda reading: reading.boot)]
        pairs = [[(float(reading.rounds), value(reading)) for reading in boot] for boot in boots]
        return [[(x, float(y)) for x, y in boot if y is not None] for boot in pairs]

    def _sample(self, phase: str, kind: str, value: float) -> None:
        reservoirs = self.samples[phase]
        if kind not in reservoirs:
            reservoirs[kind] = Reservoir(SAMPLES, self._random)
        reservoirs[kind].add(value)


def _in_pairs(windows: list[Window]) -> list[Window]:
    for earlier, later in zip(windows[::2], windows[1::2], strict=False):
        earlier.merge(later)
    return windows[::2]


def _thinned(readings: list[Reading]) -> list[Reading]:
    return [reading for number, reading in enumerate(readings) if number % 2 == 0 or number == len(readings) - 1]
