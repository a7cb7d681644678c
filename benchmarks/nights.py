"""Synthetic nights: boards on access points, with steps, spikes, drifts and blocked nights whose dates are known.

``make demo-nights`` writes a year of them into a history of its own, with the trend page.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from camrig.cli.main import main as camrig
from camrig.history.record import BoardRecord, MetricRecord, RunRecord
from camrig.history.store import FILE, add, opened

KINDS = (
    "preflight",
    "actual",
    "preflight_refused",
    "actual_refused",
    "error",
    "picture",
    "stream",
    "actual_no_origin",
)
# Of each kind of request: the metric, its unit, its level, and the noise of a night as a share of it.
METRICS = (
    *((f"latency.{kind}.on_board", "ms", 20.0 + 4 * place, 0.01) for place, kind in enumerate(KINDS)),
    *((f"latency.{kind}.total", "ms", 60.0 + 9 * place, 0.03) for place, kind in enumerate(KINDS)),
    *((f"latency.{kind}.added", "points", 12.0 + place, 0.02) for place, kind in enumerate(KINDS)),
    *((f"heap.{kind}.allocated", "B", 8192.0 + 512 * place, 0.0) for place, kind in enumerate(KINDS)),
    *((f"heap.{kind}.added", "B", 1216.0 + 64 * place, 0.0) for place, kind in enumerate(KINDS)),
)
START = datetime.datetime(2025, 11, 29, 22, 0, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class Planted:
    """From ``night`` on, the figures of metrics whose names begin so change by ``share``: at once, or per night."""

    night: int
    metric: str
    share: float
    boards: tuple[int, ...]
    per_night: bool = False
    until: int = 10**6

    def factor(self, night: int) -> float:
        nights = max(0, min(night, self.until) - self.night + 1)
        return 1 + self.share * nights if self.per_night else 1 + self.share * (self.night <= night < self.until)


@dataclass(frozen=True)
class World:
    """A bench: ``facts`` say from which night on a library, firmware, application or access point is in force."""

    boards: int = 8
    nights: int = 365
    planted: tuple[Planted, ...] = ()
    facts: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    blocked: float = 0.0  # share of nights
    spikes: float = 0.0
    failed: tuple[int, ...] = ()
    batches: int = 8  # of each metric

    def runs(self, seed: int = 1) -> Iterator[RunRecord]:
        """A run for each board and night, in order."""
        random = Random(seed)
        for night in range(self.nights):
            outage = random.random() < self.blocked / 2  # of the network, for every board
            for board in range(self.boards):
                blocked = outage or random.random() < self.blocked / 2
                yield self._run(night, board, blocked, random)

    def fact(self, name: str, night: int, default: str) -> str:
        changes = self.facts.get(name, {})
        return changes[max(known)] if (known := [since for since in changes if since <= night]) else default

    def _run(self, night: int, board: int, blocked: bool, random: Random) -> RunRecord:
        started = START + datetime.timedelta(days=night, minutes=20 * board)
        failed = night in self.failed and not blocked
        ending, code = ("blocked", 6) if blocked else ("failed", 1) if failed else ("passed", 0)
        metrics = () if blocked else tuple(self._metrics(night, board, random))
        record = BoardRecord(
            spec=f"/dev/ttyUSB{board}",
            ending=ending,
            machine="" if blocked else "ESP32 module (spiram) with ESP32",
            firmware="" if blocked else self.fact("firmware", night, "MicroPython 1.26.1"),
            mac="" if blocked else f"24:6f:28:aa:{16 + board // 256:02x}:{board % 256:02x}",
            library=self.fact("library", night, "3f" * 32),
            library_source=self.fact("library", night, "3f" * 32),
            application=self.fact("application", night, "a1" * 32),
            access_point="" if blocked else f"lab-{board % 2 + 1}",
            channel=None if blocked else int(self.fact("channel", night, "6")) if board % 2 else 1,
            metrics=metrics,
        )
        return RunRecord(
            started=started.isoformat(timespec="microseconds"),
            seconds=900.0 + board,
            exit_code=code,
            ending=ending,
            scoped=False,
            camrig=self.fact("camrig", night, "0.1.0"),
            host="bench-1",
            commit=self.fact("library", night, "3f" * 32)[:40],
            source="synthetic",
            blocked=("the board does not find the Wi-Fi network 'lab'.",) if blocked else (),
            tests={"blocked": 396} if blocked else {"passed": 394, "failed": 2} if failed else {"passed": 396},
            boards=(record,),
        )

    def _metrics(self, night: int, board: int, random: Random) -> Iterator[MetricRecord]:
        for name, unit, level, noise in METRICS:
            value = level * (1 + 0.02 * board * bool(noise)) * (1 + random.gauss(0, noise))
            for plant in self.planted:
                if board in plant.boards and name.startswith(plant.metric):
                    value *= plant.factor(night)
            if noise and random.random() < self.spikes:
                value *= 1 + random.choice((0.5, 1.0, 3.0))
            spread = value * noise
            batches = tuple(value + spread * random.uniform(-1, 1) for _ in range(self.batches))
            yield MetricRecord(name, unit, 170, value, value - 2 * spread, value + 5 * spread, batches)


EVERY = tuple(range(8))
YEAR = World(
    planted=(
        Planted(60, "latency.preflight.on_board", 0.06, EVERY),  # a slower library
        Planted(60, "heap.preflight.allocated", 0.03125, EVERY),
        Planted(120, "latency.", -0.05, EVERY),  # a faster firmware
        Planted(180, "latency.preflight.total", 0.25, (1, 3, 5, 7)),  # the access point of these boards
        Planted(230, "latency.stream.on_board", 0.001, (4,), per_night=True),  # a drift that goes on
        Planted(140, "latency.picture.on_board", 0.001, (2,), per_night=True, until=200),
        Planted(270, "heap.error.allocated", -0.0625, EVERY),  # a leaner library
        Planted(300, "latency.actual.on_board", 0.05, (6,)),  # one board alone, for no reason that is known
        Planted(358, "latency.preflight.on_board", 0.05, EVERY),  # last week's library
        Planted(364, "latency.error.on_board", 0.08, (0,)),  # last night
    ),
    facts={
        "library": {0: "3f" * 32, 60: "5b" * 32, 270: "7c" * 32, 358: "9d" * 32},
        "firmware": {0: "MicroPython 1.26.1", 120: "MicroPython 1.27.0"},
        "channel": {0: "6", 180: "11"},
        "application": {0: "a1" * 32, 200: "b2" * 32},
        "camrig": {0: "0.1.0", 150: "0.2.0"},
    },
    blocked=0.03,
    spikes=0.002,
    failed=(61, 62, 211),
)


def write(world: World, history: Path, seed: int = 1) -> None:
    """Put the nights of a world into a history."""
    with opened(history, create=True) as connection:
        add(connection, world.runs(seed))


def main() -> int:
    folder = Path("results/demo-nights")
    for file in folder.glob(f"{FILE}*"):
        file.unlink()  # of an earlier demonstration
    write(YEAR, folder / FILE)
    return camrig(["trend", "--hil-results", str(folder)])


if __name__ == "__main__":
    sys.exit(main())
