"""Several boards on one host: how much longer four take than one, who is measured when, and what a killed run leaves.

    python -m benchmarks.fleet [ROUNDS]

The suite's functional tests run on one virtual board and on four, in turn. Schedules are simulated, with the real
scheduler and the real queue. Runs that hold a board and the air are killed with signal 9.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from camrig.lab import air, lock

from benchmarks.fleet_simulation import any_plan, equal_plan, simulate, unfairness

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ("sim", "sim:2", "sim:3", "sim:4")
SCHEDULES, KILLS = 1000, 100
GOAL, FAIR, SECONDS_TO_START = 1.6, 0.10, 2.0
HOLD = """
import time
from camrig.lab import air, lock
board, claim = lock.take("board", "desk"), air.take(air.Claim(["channel 6"], "desk"))
print("held", flush=True)
time.sleep(60)
"""


def suite_seconds(boards: tuple[str, ...], folder: str) -> tuple[float, float]:
    """The wall time of the functional suite on these boards, and the time of the processor."""
    devices = [word for board in boards for word in ("--device", board)]
    many = ["-n", str(len(boards))] if len(boards) > 1 else []
    words = [
        "tests_hil",
        "-m",
        "functional",
        "-q",
        "-p",
        "no:cacheprovider",
        "--hil-results",
        folder,
        *devices,
        *many,
    ]
    start, before = time.monotonic(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=ROOT, capture_output=True, text=True, timeout=1800
    )
    if done.returncode != 0:
        raise SystemExit(f"the suite did not pass on {len(boards)} boards:\n{done.stdout[-3000:]}")
    after = os.times()
    busy = after.children_user + after.children_system - before.children_user - before.children_system
    return time.monotonic() - start, busy


def side_by_side(rounds: int) -> bool:
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            single, busy_with_one = suite_seconds(BOARDS[:1], folder)
            four, busy_with_four = suite_seconds(BOARDS, folder)
            ratios.append(four / single)
            print(
                f"functional suite: one board {single:.1f} s, four {four:.1f} s, {ratios[-1]:.2f} times", flush=True
            )
            print(f"time of the processor: {busy_with_one:.1f} s for one board, {busy_with_four:.1f} s for four")
    ratio = statistics.median(ratios)
    print(f"four boards take {ratio:.2f} times as long as one, on {os.cpu_count()} cores (goal: at most {GOAL})")
    return ratio <= GOAL


def schedules(number: int) -> bool:
    plans = [any_plan(seed) for seed in range(number)]
    results = [simulate(plan, seed) for seed, plan in enumerate(plans)]
    overlaps = sum(result.overlaps for result in results)
    overtaken = sum(result.overtaken for result in results)
    missing = sum(
        sum(map(len, plan.tests.values())) + plan.anywhere - result.done
        for plan, result in zip(plans, results, strict=True)
    )
    share = unfairness([simulate(equal_plan(seed), seed) for seed in range(number // 4)])
    measured = sum(len(waits) for result in results for waits in result.waits.values())
    print(
        f"{number} schedules: {measured} measurements, {overlaps} overlaps, {overtaken} overtaken, {missing} not run"
    )
    print(f"waiting of equal boards differs by {share:.1%} from their mean (goal: at most {FAIR:.0%})")
    return not (overlaps or overtaken or missing) and share <= FAIR


def kills(number: int) -> bool:
    """Kill a process that holds a board and the air, and take both: what is left, and how long that takes."""
    slowest, stale = 0.0, 0
    for _ in range(number):
        with subprocess.Popen([sys.executable, "-c", HOLD], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            process.send_signal(signal.SIGKILL)
            start = time.monotonic()
            process.wait()
        with lock.held("board", "desk"), air.take(air.Claim(["channel 6"], "desk")):
            slowest = max(slowest, time.monotonic() - start)
        holder, _ = lock.inspect("board")
        stale += (holder is not None) + len(list(air.air_folder().rglob("*.ticket")))
    print(f"{number} runs killed while they held board and air: {stale} stale, the next starts after {slowest:.2f} s")
    return stale == 0 and slowest <= SECONDS_TO_START


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    with tempfile.TemporaryDirectory() as folder:
        os.environ[air.VARIABLE] = str(Path(folder) / "air")
        os.environ["XDG_RUNTIME_DIR"] = folder
        good = [schedules(SCHEDULES), kills(KILLS), side_by_side(rounds)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
