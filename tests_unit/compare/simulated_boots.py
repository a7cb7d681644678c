"""Boots of a board that is only numbers: each side's times, with what differs between values, boots and sessions."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from camrig.gate.provenance import Provenance
from camrig.measure.recorder import Recorder

PROVENANCE = Provenance(
    taken="2026-01-01T00:00:00+00:00",
    rig="0.1.0",
    machine="ESP32",
    mac="24:6f:28:00:00:01",
    virtual=False,
    firmware="1.26.0",
    build="v1.26.0",
    mpy="6.3",
    library_sha256="ab" * 32,
    rssi=-50,
    channel=6,
    power_save=0,
)
TIME, COUNT = "latency.actual.total", "heap.actual.allocated"


@dataclass
class SimulatedBoots:
    """``slower`` is by what share side a is slower, ``extra`` how many bytes more it takes.

    ``spreads`` are the standard deviations of values, boots and sessions, as shares.
    """

    slower: float = 0.0
    extra: int = 0
    seed: int = 0
    spreads: tuple[float, float, float] = (0.1, 0.02, 0.0)
    drift: float = 0.0  # of the time, by each boot
    bad_radio: tuple[int, ...] = ()  # numbers of boots
    missing: dict[str, str] = field(default_factory=dict)
    provenances: dict[str, Provenance] = field(default_factory=lambda: {"a": PROVENANCE, "b": PROVENANCE})
    sides: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._draw = random.Random(self.seed)
        self._session, self._of_session = None, 0.0

    def try_both(self):
        pass

    def take(self, side, recorder: Recorder):
        of_value, of_boot, of_sessions = self.spreads
        if recorder is not self._session:
            self._session, self._of_session = recorder, self._draw.gauss(0, of_sessions)
        number = len(self.sides)
        level = 20 * (1 + self._of_session + self._draw.gauss(0, of_boot) + self.drift * number)
        bad = 3.0 if number in self.bad_radio else 1.0
        slower = 1 + self.slower * (side == "a")
        times = [bad * slower * level * abs(1 + self._draw.gauss(0, of_value)) for _ in range(10)]
        controls = [bad * slower * 5 * abs(1 + self._draw.gauss(0, of_value)) for _ in range(10)]
        recorder.record(TIME, times, "ms", controls)
        recorder.record(COUNT, [5000 + self.extra * (side == "a")] * 4, "B")
        self.sides.append(side)
