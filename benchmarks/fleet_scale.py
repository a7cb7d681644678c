"""What a fleet costs: a night of 500 simulated boards, and their history over a year.

``python -m benchmarks.fleet_scale`` drives the rig's own scheduler, queue for the air, writer of results and of the
history, and trend; it prints the figures and exits 1 if one is out of bounds. ``--quick`` has 40 boards and ten
nights. Seconds are those of a processor, on a computer that does other work too.
"""

from __future__ import annotations

import argparse
import datetime
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from random import Random

from camrig.history.add import add_results
from camrig.history.store import FILE, add, opened
from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import RecordedMetric
from camrig.report.json_report import BoardReport, RunReport, TestRecord, write

from benchmarks.fleet_world import Lab, Outcome, night
from benchmarks.nights import METRICS, START, World

OVERHEAD = 0.01  # of the night, on each host
UNFAIR = 0.10
WRITTEN = 60.0  # seconds for the history of a night
ONE, FLEET = 2.0, 30.0  # seconds of a trend
BATCHES, VALUES, NOTES = 9, 20, 4000  # of a metric, of a batch; entries of notes as large as those of the suite
NIGHTS = (1, 100, 365)
HOURS = 8


def processor_seconds() -> float:
    """Of this process and of those that it has waited for."""
    kinds = [resource.getrusage(kind) for kind in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(kind.ru_utime + kind.ru_stime for kind in kinds)


def run_report(board: int, started: datetime.datetime, random: Random) -> RunReport:
    """The results of the suite on one board: as many tests, metrics and notes as a run has."""
    metrics = []
    for name, unit, level, noise in METRICS:
        batches = [
            SampleBatch(tuple(level * (1 + random.gauss(0, noise)) for _ in range(VALUES)), (), ())
            for _ in range(BATCHES)
        ]
        metrics.append(RecordedMetric(name, unit, batches))
    spec = f"/dev/serial/by-id/board-{board:03}"
    names = {"policy": "origins alone", "request": "preflight, listed", "checked": 65, "failed": 0}
    report = BoardReport(
        spec=spec,
        machine="ESP32 module (spiram) with ESP32",
        firmware="MicroPython 1.26.1",
        build="d549a0e5f5 on 2025-09-11",
        mac=f"24:6f:28:aa:{16 + board // 256:02x}:{board % 256:02x}",
        mpy="6.3",
        virtual=False,
        heap_bytes=4177024,
        url="http://192.0.2.7:8080",
        library_source="lib/microdot/cors.py",
        library_source_sha256="3f" * 32,
        library_sha256="3f" * 32,
        steps=[{"name": "connect", "seconds": 0.5, "ok": True}],
        recovery=[],
        crashes=[],
        metrics=metrics,
        notes={"cors.matrix": [names] * NOTES},
        radio={"rssi": -50, "channel": 6, "power_save": 0, "ssid": f"lab-{board % 42}"},
    )
    tests = [TestRecord(f"tests_hil/test_promise.py::test_{n}", "passed", spec, n * 0.4, 0.4, "") for n in range(481)]
    return RunReport(
        camrig="0.1.0",
        started=started.isoformat(timespec="microseconds"),
        seconds=220.0,
        exit_code=0,
        tests={"passed": len(tests)},
        blocked=[],
        boards=[report],
        correct=f"Correct: all {len(tests)} tests passed.",
        outcomes=tests,
    )


def write_results(folder: Path, boards: int, random: Random) -> tuple[list[Path], float]:
    """The results of the first night, a file for each board, and the seconds of writing them."""
    paths, seconds = [], 0.0
    for board in range(boards):
        report = run_report(board, START + datetime.timedelta(seconds=board), random)
        start = processor_seconds()
        paths.append(write(report, folder))
        seconds += processor_seconds() - start
    return paths, seconds


def move(path: Path, started: datetime.datetime) -> None:
    """Make the results in ``path`` those of another run."""
    path.write_text(re.sub(r'"started": *"[^"]+"', f'"started":"{started.isoformat()}"', path.read_text(), count=1))


def add_night(history: Path, results: Sequence[Path], night_of: datetime.datetime) -> float:
    """Add the results of a night run by run, as runs do: the seconds of reading and adding them."""
    for number, path in enumerate(results):
        move(path, night_of + datetime.timedelta(seconds=number))
    start = processor_seconds()
    added = sum(add_results(history, path) for path in results)
    assert added == len(results)
    return processor_seconds() - start


def trend_seconds(folder: Path, *words: str) -> tuple[float, float]:
    """The seconds of a processor for the whole command, and the megabytes of its page."""
    start = processor_seconds()
    command = [sys.executable, "-m", "camrig", "trend", "--hil-results", str(folder), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=1800)
    return processor_seconds() - start, (folder / "trend.html").stat().st_size / 1e6


def wait_of(outcome: Outcome) -> float:
    waits = [wait for known in outcome.waited.values() for wait in known]
    return sum(waits) / len(waits) if waits else 0.0


class Figures:
    """Prints each figure as it comes, and keeps whether one was out of bounds."""

    def __init__(self) -> None:
        self.wrong = False

    def show(self, text: str, fine: bool = True) -> None:
        print(f"{text}{'' if fine else '  <- out of bounds'}", flush=True)
        self.wrong |= not fine


def schedules(figures: Figures, boards: int, on_one_access_point: Sequence[int]) -> None:
    for number in on_one_access_point:
        lab = Lab(boards=boards, boards_per_access_point=number)
        outcome = night(lab)
        busiest = max(outcome.held.values()) if outcome.held else 0.0
        ended = ", ".join(f"{count} {name}" for name, count in sorted(outcome.ended.items()))
        figures.show(f"{boards} boards on {outcome.hosts} hosts, {number} on an access point: {ended} (simulated)")
        figures.show(
            f"  slowest host {outcome.longest / 60:.0f} min; air held {busiest / outcome.longest:.0%} of it;"
            f" a board waits {wait_of(outcome) / 60:.1f} min"
        )
        cost = outcome.overhead
        figures.show(f"  decisions: {cost:.2%} of one processor (at most {OVERHEAD:.0%})", cost <= OVERHEAD)
        if outcome.scheduling:
            figures.show(f"  {outcome.events / outcome.scheduling:,.0f} events a second of a processor")
        figures.show(f"  overlapping measurements: {outcome.overlaps} (0)", outcome.overlaps == 0)
        unfair = outcome.unfair
        figures.show(f"  waits differ by {unfair:.1%} from their mean (at most {UNFAIR:.0%})", unfair <= UNFAIR)
        share = sum(outcome.held.values()) / boards
        figures.show(f"  airtime {share:.0f} s a board: {HOURS * 3600 / share:.0f} boards on one air in {HOURS} h")


def histories(figures: Figures, boards: int, nights: Sequence[int]) -> None:
    runs, known = World(boards=boards, nights=nights[-1], batches=0).runs(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        history = folder / FILE
        results, seconds = write_results(folder, boards, Random(2))
        size = sum(path.stat().st_size for path in results) / boards / 1e3
        each = seconds / boards
        figures.show(f"results of {boards} runs: {size:.0f} kB and {each:.2f} s each, in the process of the run")
        for number in nights:
            with opened(history, create=True) as connection:
                for _ in range(known, number - 1):
                    add(connection, islice(runs, boards))
            for _ in islice(runs, boards):
                pass  # of the night that comes from the results
            known = number
            megabytes = history.stat().st_size / 1e6
            seconds = add_night(history, results, START + datetime.timedelta(days=number - 1))
            figures.show(
                f"night {number}, {boards} runs one by one into a history of {megabytes:,.0f} MB: {seconds:.1f} s"
                f" (at most {WRITTEN:g} s)",
                seconds <= WRITTEN,
            )
        seconds, page = trend_seconds(folder, "--board", "24:6f:28:aa:10:07")
        figures.show(f"trend of one board: {seconds:.1f} s (at most {ONE:g} s), {page:.1f} MB", seconds <= ONE)
        seconds, page = trend_seconds(folder)
        figures.show(
            f"trend of {boards} boards: {seconds:.1f} s (at most {FLEET:g} s), {page:.1f} MB", seconds <= FLEET
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boards", type=int, default=500)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    figures, began = Figures(), time.monotonic()
    boards, nights = (40, (1, 10)) if arguments.quick else (arguments.boards, NIGHTS)
    schedules(figures, boards, (12,) if arguments.quick else (4, 12, 40))
    histories(figures, boards, nights)
    print(f"measured in {(time.monotonic() - began) / 60:.0f} min")
    return figures.wrong


if __name__ == "__main__":
    sys.exit(main())
