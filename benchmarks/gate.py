"""How often the gate is right about effects that were put in: ``python -m benchmarks.gate``, on virtual boards.

Two kinds of rows, and each says which it is. *runs* are whole ``camrig ab`` decisions on a virtual board, or whole
counts and leak measurements. *drawn* are decisions on batches drawn anew, with replacement, from those that such a
session measured: real samples, made-up sessions. Exits 1 when a row misses what it wants.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from random import Random

from camrig.bringup.board import Board
from camrig.compare.ab import LEAK_EVERY, Session, Terms, decide
from camrig.compare.answers import PAGE, POLICY
from camrig.compare.libraries import library
from camrig.compare.metrics import ALLOCATED, KINDS, LEAK
from camrig.dut import Dut
from camrig.gate.comparison import Comparison
from camrig.gate.judgement import judge
from camrig.gate.limits import default_limits, parse_limits
from camrig.gate.samples import MetricKind, Samples, recorded_samples
from camrig.gate.sequential_plan import SequentialPlan, one_look
from camrig.gate.verdict import GateVerdict, Outcome
from camrig.measure.batch import SampleBatch
from camrig.measure.recorder import Recorder
from camrig.measure.slope import slope
from camrig.probe.heap_series import heap_series
from camrig.probe.interleaved import SideBySide
from camrig.probe.sampling import PREFLIGHT
from camrig.settings.resolve import resolve

from benchmarks import worse
from benchmarks.application import WIFI
from benchmarks.radio import Relay

ON_BOARD = "latency.preflight.on_board"
LIMITS = default_limits(paired=True)
PLAN = SequentialPlan()
POOL = 60  # batches of the sessions that are drawn from
SECONDS = 60.0  # that a decision may take


class Bench:
    """Sessions on fresh virtual boards, and the table."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.made, self.missed, self.seconds = folder, 0, 0, [0.0]

    def session(self, change: tuple[str, str], seed: int, batches: int | None = None, radio: float = 0) -> Session:
        """A copy with ``change`` against the library as it is. ``radio``: mean seconds more in a third of batches."""
        self.made += 1
        mine = self.folder / str(self.made)
        settings = replace(resolve({}, {}, mine.parent), wifi=WIFI)
        start = time.monotonic()
        with Board("sim", settings) as board, Relay(seed) as relay:
            first = library(str(worse.copy(mine / "a", change)), mine)
            second = library(str(worse.copy(mine / "b", worse.PLAIN)), mine)
            terms = Terms(LIMITS, PLAN, batches=batches, seed=seed)
            found = Relayed(board, first, second, terms, mine / "ab")
            found.relay, found.mean = (relay if radio else None), radio
            found.run()
            found.result = decide(found)
        if batches is None:
            self.seconds.append(time.monotonic() - start)
        return found

    @contextmanager
    def board(self, change: tuple[str, str]) -> Iterator[Dut]:
        """A booted board with a copy of the library that has ``change``."""
        self.made += 1
        lib = worse.copy(self.folder / str(self.made), change)
        with Board("sim", replace(resolve({}, {}, self.folder), wifi=WIFI, lib=lib)) as board:
            board.deploy()
            dut = board.boot()
            dut.policy(**POLICY)
            yield dut

    def row(self, what: str, kind: str, found: Counter[str], wanted: str, right: bool) -> None:
        """Print a line of the table."""
        self.missed += not right
        told = ", ".join(f"{n} {name}" for name, n in sorted(found.items()))
        print(f"{what:44} {kind:5} {told:40} {wanted:34} {'ok' if right else 'MISSED'}", flush=True)


class Relayed(Session):
    """A session whose radio is bad in a third of its batches, as they come."""

    relay: Relay | None = None
    mean = 0.0
    result: tuple[Comparison, GateVerdict]

    def _boot(self, folder: Path) -> Dut:
        dut = super()._boot(folder)
        if self.relay is not None:
            self.relay.target, dut.url = dut.address, self.relay.url
        return dut

    def _record(self, dut: Dut, sampler: SideBySide, kinds: list[str]) -> None:
        if self.relay is not None:
            self.relay.delay = self.mean if self._random.random() < 1 / 3 else 0.0
        super()._record(dut, sampler, kinds)


def drawn(comparison: Comparison, count: int, seed: int, metric: str | None = None) -> Counter[str]:
    """Answers, of ``metric`` or of the whole gate, to ``count`` sessions drawn from the batches of one."""
    random, found = Random(seed), Counter[str]()
    ours, theirs = comparison.candidate.metrics, comparison.baseline.metrics
    for _ in range(count):
        # Batches that were measured together are drawn together, in the same order for all metrics.
        places = random.choices(range(len(ours[ON_BOARD].batches)), k=PLAN.max_batches)
        tables = [
            {name: _taken(one, places) if one.kind is MetricKind.TIMED else one for name, one in side.items()}
            for side in (ours, theirs)
        ]
        verdict = judge(*tables, comparison.limits, plan=PLAN, paired=True, final=True)
        found[_answer(verdict, metric)] += 1
    return found


def _taken(samples_of: Samples, places: list[int]) -> Samples:
    return replace(samples_of, batches=tuple(samples_of.batches[place] for place in places))


def _answer(verdict: GateVerdict, metric: str | None) -> str:
    outcome = next((one.outcome for one in verdict.metrics if one.metric == metric), verdict.outcome)
    return outcome.value


def real(bench: Bench, change: tuple[str, str], count: int, metric: str | None, radio: float = 0) -> Counter[str]:
    """Answers of whole decisions."""
    return Counter(_answer(bench.session(change, seed, radio=radio).result[1], metric) for seed in range(count))


def fifteen_percent(bench: Bench) -> tuple[str, str]:
    """A loop that makes a preflight take 15 % longer on this board, found by measuring one that is too short."""
    turns = 400
    verdict = bench.session(worse.slower(turns), 99, batches=27).result[1]
    effect = next(one.effect for one in verdict.metrics if one.metric == ON_BOARD)
    assert effect is not None
    right = round(turns * 0.15 / effect.value)
    print(f"a loop of {right} turns is worth +15 % ({turns} are worth {effect.value:+.1%})")
    return worse.slower(right)


def leaks(bench: Bench, change: tuple[str, str], count: int) -> tuple[Counter[str], float]:
    """Answers to ``count`` measurements of 500 requests each on one board, and the median slope."""
    limits, slopes, found = parse_limits({LEAK: str(LIMITS[LEAK])}), [], Counter[str]()
    turns = cycle(KINDS)

    def request() -> None:
        dut.request(*PAGE.sent(next(turns)))

    with bench.board(change) as dut:
        for _ in range(count):
            points = heap_series(request, dut.heap, LEAK_EVERY, 500)
            recorder = Recorder()
            recorder.record(LEAK, [alive for _, alive in points], "B/request", at=[at for at, _ in points])
            verdict = judge(recorded_samples(recorder.metrics), {}, limits, plan=one_look(), paired=False, final=True)
            found[verdict.outcome.value] += 1
            slopes.append(slope([points]).value)
    return found, sorted(slopes)[len(slopes) // 2]


def counts(bench: Bench, change: tuple[str, str], count: int) -> Counter[str]:
    """Answers to ``count`` pairs of bursts of allocations, one on each of two boards."""
    method, target, headers, _ = PAGE.sent(PREFLIGHT)
    limits, sides = parse_limits({ALLOCATED: str(LIMITS[ALLOCATED])}), []
    for one in (change, worse.PLAIN):
        with bench.board(one) as dut:
            sides.append([dut.agent.allocations(method, target, headers, 5).bytes for _ in range(count)])
    found = Counter[str]()
    for pair in zip(*sides, strict=True):
        tables = [
            {ALLOCATED: Samples("B", MetricKind.COUNTED, (SampleBatch(tuple(map(float, burst))),))} for burst in pair
        ]
        found[judge(*tables, limits, plan=one_look(), paired=True, final=True).outcome.value] += 1
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description="the gate against effects that were put in, on virtual boards")
    parser.add_argument("--runs", type=int, default=5, help="whole decisions for each row (5)")
    parser.add_argument("--drawn", type=int, default=100, help="drawn decisions for each row (100)")
    asked = parser.parse_args()
    red = Outcome.REGRESSED.value
    runs, many, start = asked.runs, asked.drawn, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="camrig-bench-") as name:
        bench = Bench(Path(name))
        slow = fifteen_percent(bench)
        few = many // 50  # two in a hundred
        for what, change, metric, radio in (
            ("the same library (A/A)", worse.PLAIN, None, 0.0),
            ("the same, radio +30 ms in 1/3 of batches", worse.PLAIN, None, 0.03),
        ):
            wanted, limit = (f"{red} at most {few}", few) if not radio else (f"never {red}", 0)
            found = drawn(bench.session(change, 7, POOL, radio).result[0], many, 7)
            bench.row(what, "drawn", found, wanted, found[red] <= limit)
            found = real(bench, change, runs, metric, radio)
            bench.row(what, "runs", found, f"never {red}", not found[red])
        least = many * 95 // 100
        found = drawn(bench.session(slow, 8, POOL).result[0], many, 8, ON_BOARD)
        bench.row("+15 % on the board", "drawn", found, f"{red} at least {least}", found[red] >= least)
        found = real(bench, slow, runs, ON_BOARD)
        bench.row("+15 % on the board", "runs", found, f"{red} {runs}", found[red] == runs)
        found = counts(bench, worse.ALLOCATES_64, many)
        bench.row("+64 B per preflight, counts alone", "runs", found, f"{red} {many}", found[red] == many)
        found = real(bench, worse.ALLOCATES_64, runs, ALLOCATED)
        bench.row("+64 B per preflight, in camrig ab", "runs", found, f"{red} {runs}", found[red] == runs)
        found, rise = leaks(bench, worse.LEAKS_16, 10)
        bench.row(f"leak of 16 B a request (found {rise:.1f} B)", "runs", found, f"{red} 10", found[red] == 10)
        for name, change in (("list", worse.LEAKS_16_IN_STEPS), ("table", worse.LEAKS_A_TABLE)):
            found = real(bench, change, 2, LEAK)
            passed = found[Outcome.PASS.value]
            bench.row(f"16 B a request in a growing {name}, in camrig ab", "runs", found, "never pass", not passed)
        found, rise = leaks(bench, worse.PLAIN, 50)
        bench.row(f"no leak (found {rise:.1f} B)", "runs", found, f"never {red}", not found[red])
        found = real(bench, worse.LEAKS_16, 1, LEAK)
        bench.row("leak of 16 B a request, in camrig ab", "runs", found, f"{red} 1", found[red] == 1)
        slowest = max(bench.seconds)
        bench.row(
            f"slowest whole decision: {slowest:.1f} s",
            "runs",
            Counter({"decisions": len(bench.seconds) - 1}),
            f"below {SECONDS:.0f} s",
            slowest < SECONDS,
        )
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if bench.missed else 0


if __name__ == "__main__":
    sys.exit(main())
