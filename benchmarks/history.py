"""How fast the trend page is written, and how often its steps and drifts are right, on synthetic nights.

``python -m benchmarks.history`` prints the figures and exits 1 if one is out of bounds. ``--quick`` leaves out the
history of 500 boards; ``--series`` sets the number of series of each kind.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from camrig.history.store import FILE
from camrig.measure.change_points import course
from camrig.measure.drift import movement

from benchmarks.nights import YEAR, World, write

NIGHTS = 365
METRICS = 40
SECONDS, SECONDS_OF_ONE = 5.0, 2.0
FALSE_STEPS = 1.0  # of a board in a year
DATED = 0.9  # of planted steps of three noise widths; the best method that knew of a step would reach 0.96
DRIFT = 5.0  # percent


def false_steps(series: int, random: Random) -> float:
    """Steps and drifts in nothing but noise, of a board with 40 metrics in a year."""
    count = 0
    for _ in range(series):
        moved = movement([random.gauss(100, 1) for _ in range(NIGHTS)])
        count += len(moved.steps) + len(moved.drifts)
    return count / series * METRICS


def steps_dated(series: int, random: Random) -> tuple[float, float]:
    """Of ten planted steps in a year: the share dated within a night, and how many others there are a year."""
    dated = others = 0
    for _ in range(series):
        places = sorted(random.sample(range(15, 350, 15), 10))
        level, values = 100.0, []
        for night in range(NIGHTS):
            level += random.choice((-3, 3)) if night in places else 0
            values.append(level + random.gauss(0, 1))
        steps = [step.index for step in course(values).steps]
        dated += sum(any(abs(step - place) <= 1 for step in steps) for place in places)
        others += sum(all(abs(step - place) > 2 for place in places) for step in steps)
    return dated / series / 10, others / series


def nights_until(series: int, random: Random) -> tuple[Counter[int], Counter[int]]:
    """On which night of a step of three noise widths it is reported at all, and on which it is confirmed."""
    reported: Counter[int] = Counter()
    confirmed: Counter[int] = Counter()
    for _ in range(series):
        before, after = [random.gauss(0, 1) for _ in range(60)], [random.gauss(3, 1) for _ in range(15)]
        nights = [course(before + after[:night]) for night in range(1, 16)]
        steps = [any(step.index >= 57 for step in each.steps) for each in nights]
        reported[next((n for n, each in enumerate(nights, 1) if steps[n - 1] or each.possible), 99)] += 1
        confirmed[next((n for n, step in enumerate(steps, 1) if step), 99)] += 1
    return reported, confirmed


def drift_named(series: int, random: Random, noise: float) -> list[float]:
    """At how many percent a drift of 0.1 % a night is named, after 60 nights without one."""
    named = []
    for _ in range(series):
        values = [100 + 0.1 * max(0, night - 59) + random.gauss(0, noise) for night in range(160)]
        nights = (n for n in range(60, 160) if any(drift.lasts for drift in movement(values[:n]).drifts))
        named.append(0.1 * (next(nights, 200) - 60))
    return sorted(named)


def page_seconds(history: Path, *words: str) -> float:
    """The time of the whole command."""
    start = time.monotonic()
    command = [sys.executable, "-m", "camrig", "trend", "--hil-results", str(history.parent), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
    return time.monotonic() - start


def within(counter: Counter[int], nights: int) -> float:
    return sum(count for night, count in counter.items() if night <= nights) / counter.total()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    random, wrong = Random(1), []

    def show(text: str, fine: bool = True) -> None:
        print(f"{text}{'' if fine else '  <- out of bounds'}", flush=True)
        wrong.append(not fine)

    count = false_steps(arguments.series, random)
    show(f"false steps and drifts of a board in a year: {count:.2f} (at most {FALSE_STEPS:g})", count <= FALSE_STEPS)
    dated, others = steps_dated(max(10, arguments.series // 4), random)
    show(f"ten steps of 3 noise widths in a year: {dated:.1%} dated within a night", dated >= DATED)
    show(f"other steps in such a year: {others:.2f}", others <= FALSE_STEPS)
    reported, confirmed = nights_until(arguments.series, random)
    for name, counter in (("reported as possible or as a step", reported), ("confirmed", confirmed)):
        shares = ", ".join(f"{within(counter, night):.0%} by night {night}" for night in (1, 2, 3, 5, 7))
        show(f"a new step of 3 noise widths is {name}: {shares}")
    for noise in (0.25, 0.5, 1.0):
        named = drift_named(max(5, arguments.series // 10), random, noise)
        text = f"a drift of 0.1 % a night with {noise:g} % noise is named at {named[len(named) // 2]:.1f} %"
        show(f"{text} (at the latest {named[-1]:.1f} %)", named[-1] < DRIFT)
    with tempfile.TemporaryDirectory() as folder:
        history = Path(folder) / FILE
        write(YEAR, history)
        seconds = page_seconds(history)
        size = (history.parent / "trend.html").stat().st_size / 1e6
        text = f"page of 365 nights, 8 boards, 40 metrics: {seconds:.1f} s (at most {SECONDS:g} s), {size:.1f} MB"
        show(text, seconds <= SECONDS)
    if not arguments.quick:
        with tempfile.TemporaryDirectory() as folder:
            history = Path(folder) / FILE
            write(World(boards=500, batches=0), history)
            seconds = page_seconds(history, "--board", "24:6f:28:aa:10:07")
            show(f"page of a board of 500: {seconds:.1f} s (at most {SECONDS_OF_ONE:g} s)", seconds <= SECONDS_OF_ONE)
    return any(wrong)


if __name__ == "__main__":
    sys.exit(main())
