"""How fast the trend page is written, and how often its steps and drifts are right, on synthetic nights.

``python -m benchmarks.history`` prints the figures and exits 1 if one is out of bounds. ``--quick`` leaves out the
history of 500 boards; ``--series`` sets the number of series of each kind.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from math import sqrt
from pathlib import Path
from random import Random

from camrig.history.store import FILE
from camrig.measure.change_points import FEWEST_NIGHTS, course
from camrig.measure.drift import movement

from benchmarks.nights import YEAR, World, write

NIGHTS = 365
METRICS = 40
SECONDS, SECONDS_OF_ONE = 5.0, 2.0
FALSE_STEPS = 1.0  # of a board in a year
DATED = 0.9  # of planted steps of three noise widths; the best method that knew of a step would reach 0.96
DRIFT = 5.0  # percent
KINDS = ("normal", "heavy-tailed", "spiky", "autocorrelated")


def noise(kind: str, count: int, random: Random) -> list[float]:
    """Nights of nothing but noise, one noise width wide: normal, heavy-tailed, spiky, or each like the last."""
    if kind == "heavy-tailed":  # Student's t with four degrees of freedom
        return [random.gauss(0, 1) / sqrt(sum(random.gauss(0, 1) ** 2 for _ in range(4)) / 4) for _ in range(count)]
    if kind == "spiky":  # one night in fifty
        return [random.gauss(0, 1) + random.choice((-10, 10)) * (random.random() < 0.02) for _ in range(count)]
    alike = 0.5 if kind == "autocorrelated" else 0.0
    values = [random.gauss(0, 1)]
    while len(values) < count:
        values.append(alike * values[-1] + sqrt(1 - alike**2) * random.gauss(0, 1))
    return values


def false_every_night(kind: str, series: int, random: Random) -> float:
    """Steps that a board with 40 metrics was said to have in a year of nothing but noise, looked at every night.

    Also those that later nights took back.
    """
    count = 0
    for _ in range(series):
        values, known = noise(kind, NIGHTS, random), [-99]
        for night in range(FEWEST_NIGHTS, NIGHTS + 1):
            for step in course(values[:night]).steps:
                if all(abs(step.index - place) > 5 for place in known):
                    known.append(step.index)
        count += len(known) - 1
    return count / series * METRICS


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


def nights_until(kind: str, level: int, series: int, random: Random) -> tuple[Counter[int], Counter[int]]:
    """On which night of a step of three noise widths it is reported at all, and on which it is confirmed.

    The level before it lasted for ``level`` nights.
    """
    reported: Counter[int] = Counter()
    confirmed: Counter[int] = Counter()
    for _ in range(series):
        values = [value + 3 * (night >= level) for night, value in enumerate(noise(kind, level + 15, random))]
        nights = [course(values[: level + night]) for night in range(1, 16)]
        steps = [any(step.index >= level - 3 for step in each.steps) for each in nights]
        reported[next((n for n, each in enumerate(nights, 1) if steps[n - 1] or each.possible), 99)] += 1
        confirmed[next((n for n, step in enumerate(steps, 1) if step), 99)] += 1
    return reported, confirmed


def drift_named(series: int, random: Random, width: float) -> tuple[list[float], list[float]]:
    """At how many percent a drift of 0.1 % a night is named, after 60 nights without one: as a drift, and at all.

    In wide noise it is taken for a step at first.
    """
    drifts, named = [], []
    for _ in range(series):
        values = [100 + 0.1 * max(0, night - 59) + random.gauss(0, width) for night in range(160)]
        first = 200
        for night in range(60, 160):
            moved = movement(values[:night])
            if moved.steps or moved.drifts:
                first = min(first, night)
            if any(drift.lasts for drift in moved.drifts):
                break
        else:
            night = 200
        drifts.append(0.1 * (night - 60))
        named.append(0.1 * (first - 60))
    return sorted(drifts), sorted(named)


def page_seconds(history: Path, *words: str) -> float:
    """The time that a processor works at the whole command, on a computer that does other work too."""
    start = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "camrig", "trend", "--hil-results", str(history.parent), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
    end = resource.getrusage(resource.RUSAGE_CHILDREN)
    return end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime


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
    for kind in KINDS:
        count = false_every_night(kind, max(5, arguments.series // 2), random)
        text = f"false steps of a board in a year of {kind} noise, looked at every night: {count:.2f}"
        show(text, count <= FALSE_STEPS or kind != "normal")
    for kind, level in (("normal", 20), ("normal", 60), ("normal", 200), *((kind, 60) for kind in KINDS[1:])):
        reported, confirmed = nights_until(kind, level, arguments.series, random)
        for name, counter in (("reported at least as possible", reported), ("confirmed", confirmed)):
            shares = ", ".join(f"{within(counter, night):.0%} by night {night}" for night in (1, 2, 3, 5, 7))
            show(f"a step of 3 noise widths after {level} nights of {kind} noise is {name}: {shares}")
    for width in (0.25, 0.5, 1.0, 1.5, 2.0):
        drifts, named = drift_named(max(5, arguments.series // 10), random, width)
        middle = len(named) // 2
        text = f"a drift of 0.1 % a night with {width:g} % noise is named at {named[middle]:.1f} %"
        text += f" (at the latest {named[-1]:.1f} %), as a drift at {drifts[middle]:.1f} % ({drifts[-1]:.1f} %)"
        show(text, named[-1] < DRIFT)
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
