"""How often the gate is right about known effects: ``python -m benchmarks.gate``, on virtual boards.

Two kinds of rows, each marked. *runs* are whole ``camrig ab`` decisions on a virtual board, or whole counts and leak
measurements. *drawn* are decisions on batches resampled, with replacement, from those that such a session measured:
real samples, artificial sessions. Exits with 1 when a row misses its goal.
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
from camrig.compare.ab import AbOptions, AbSession
from camrig.compare.leaks import EVERY
from camrig.compare.libraries import find_library
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
from camrig.probe.request_kinds import PAGE, POLICY
from camrig.probe.sampling import PREFLIGHT
from camrig.prove.faulty_copy import Change
from camrig.settings.resolve import resolve

from benchmarks.application import WIFI
from benchmarks.radio import Relay
from benchmarks.worse import (
    ALLOCATES_64,
    LEAKS_16,
    LEAKS_16_IN_STEPS,
    LEAKS_A_TABLE,
    PLAIN,
    slower,
    worse_library,
)

ON_BOARD = "latency.preflight.on_board"
RED = Outcome.REGRESSED.value
LIMITS = default_limits(paired=True)
PLAN = SequentialPlan()
POOL = 60  # batches of a session that is resampled
SECONDS = 60.0  # the longest that a decision may take


class Benchmark:
    """Sessions on fresh virtual boards, and the table of their results."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.boards, self.missed, self.seconds = folder, 0, 0, [0.0]

    def session(self, fault: Change, seed: int, batches: int | None = None, radio: float = 0) -> RelayedSession:
        """A copy with ``fault`` against a plain copy. ``radio``: mean delay in seconds, in a third of the batches."""
        folder = self._new_folder()
        settings = replace(resolve({}, {}, self.folder), wifi=WIFI)
        start = time.monotonic()
        with Board("sim", settings) as board, Relay(seed) as relay:
            candidate = find_library(str(worse_library(folder / "a", fault)), folder)
            baseline = find_library(str(worse_library(folder / "b", PLAIN)), folder)
            options = AbOptions(LIMITS, PLAN, batches=batches, seed=seed)
            session = RelayedSession(board, candidate, baseline, options, folder / "ab")
            session.relay, session.mean_delay = (relay if radio else None), radio
            session.timed.before_batch = session.set_delay
            session.run()
            session.result = session.comparison()
            session.verdict = session.result.decide()
        if batches is None:
            self.seconds.append(time.monotonic() - start)
        return session

    @contextmanager
    def board(self, fault: Change) -> Iterator[Dut]:
        """A booted board with a copy of the library that has ``fault``."""
        library = worse_library(self._new_folder(), fault)
        with Board("sim", replace(resolve({}, {}, self.folder), wifi=WIFI, lib=library)) as board:
            board.deploy()
            dut = board.boot()
            dut.policy(**POLICY)
            yield dut

    def row(self, effect: str, kind: str, answers: Counter[str], goal: str, met: bool) -> None:
        """Print a line of the table."""
        self.missed += not met
        counted = ", ".join(f"{count} {answer}" for answer, count in sorted(answers.items()))
        print(f"{effect:44} {kind:5} {counted:40} {goal:34} {'ok' if met else 'MISSED'}", flush=True)

    def _new_folder(self) -> Path:
        self.boards += 1
        return self.folder / str(self.boards)


class RelayedSession(AbSession):
    """A session whose radio is bad in a randomly chosen third of its batches."""

    relay: Relay | None = None
    mean_delay = 0.0
    result: Comparison
    verdict: GateVerdict

    def _boot(self, folder: Path, remeasure_imports: bool = False) -> Dut:
        dut = super()._boot(folder, remeasure_imports)
        if self.relay is not None:
            self.relay.target, dut.url = dut.address, self.relay.url
        return dut

    def set_delay(self) -> None:
        """Let the radio of the next batch be good or bad."""
        if self.relay is not None:
            self.relay.delay = self.mean_delay if self._random.random() < 1 / 3 else 0.0


def drawn(comparison: Comparison, count: int, seed: int, metric: str | None = None) -> Counter[str]:
    """Answers, for ``metric`` or the whole gate, to ``count`` sessions resampled from the batches of one."""
    random, answers = Random(seed), Counter[str]()
    sides = comparison.candidate.metrics, comparison.baseline.metrics
    for _ in range(count):
        # Batches that were measured together are drawn together, in the same order for all metrics.
        numbers = random.choices(range(len(sides[0][ON_BOARD].batches)), k=PLAN.max_batches)
        tables = [
            {
                name: _resampled(metric_samples, numbers)
                if metric_samples.kind is MetricKind.TIMED
                else metric_samples
                for name, metric_samples in side.items()
            }
            for side in sides
        ]
        verdict = judge(*tables, comparison.limits, plan=PLAN, paired=True, final=True)
        answers[_answer(verdict, metric)] += 1
    return answers


def _resampled(metric_samples: Samples, numbers: list[int]) -> Samples:
    return replace(metric_samples, batches=tuple(metric_samples.batches[number] for number in numbers))


def _answer(verdict: GateVerdict, name: str | None) -> str:
    outcome = next((metric.outcome for metric in verdict.metrics if metric.metric == name), verdict.outcome)
    return outcome.value


def real(benchmark: Benchmark, fault: Change, count: int, metric: str | None, radio: float = 0) -> Counter[str]:
    """Answers of whole decisions."""
    sessions = (benchmark.session(fault, seed, radio=radio) for seed in range(count))
    return Counter(_answer(session.verdict, metric) for session in sessions)


def fifteen_percent(benchmark: Benchmark) -> Change:
    """A loop that makes a preflight take 15 % longer on this board, scaled from a loop that was measured."""
    turns = 400
    verdict = benchmark.session(slower(turns), 99, batches=27).verdict
    effect = next(metric.effect for metric in verdict.metrics if metric.metric == ON_BOARD)
    assert effect is not None
    scaled = round(turns * 0.15 / effect.value)
    print(f"a loop of {scaled} turns costs 15 % ({turns} cost {effect.value:+.1%})")
    return slower(scaled)


def leaks(benchmark: Benchmark, fault: Change, count: int) -> tuple[Counter[str], float]:
    """Answers to ``count`` measurements of 500 requests each on one board, and the median slope."""
    limits, slopes, answers = parse_limits({LEAK: str(LIMITS[LEAK])}), [], Counter[str]()
    turns = cycle(KINDS)

    def request() -> None:
        dut.request(*PAGE.message(next(turns)))

    with benchmark.board(fault) as dut:
        for _ in range(count):
            points = heap_series(request, dut.heap, EVERY, 500)
            recorder = Recorder()
            recorder.record(LEAK, [alive for _, alive in points], "B/request", at=[at for at, _ in points])
            verdict = judge(recorded_samples(recorder.metrics), {}, limits, plan=one_look(), paired=False, final=True)
            answers[verdict.outcome.value] += 1
            slopes.append(slope([points]).value)
    return answers, sorted(slopes)[len(slopes) // 2]


def counts(benchmark: Benchmark, fault: Change, count: int) -> Counter[str]:
    """Answers to ``count`` pairs of bursts of allocations, one on each of two boards."""
    method, target, headers, _ = PAGE.message(PREFLIGHT)
    limits, sides = parse_limits({ALLOCATED: str(LIMITS[ALLOCATED])}), []
    for side in (fault, PLAIN):
        with benchmark.board(side) as dut:
            sides.append([dut.agent.allocations(method, target, headers, 5).bytes for _ in range(count)])
    answers = Counter[str]()
    for pair in zip(*sides, strict=True):
        tables = [
            {ALLOCATED: Samples("B", MetricKind.COUNTED, (SampleBatch(tuple(map(float, burst))),))} for burst in pair
        ]
        answers[judge(*tables, limits, plan=one_look(), paired=True, final=True).outcome.value] += 1
    return answers


def time_rows(benchmark: Benchmark, runs: int, many: int) -> None:
    """Effects on times: none, none in a bad radio, and 15 %."""
    slow = fifteen_percent(benchmark)
    few = many // 50  # two in a hundred
    for effect, radio in (
        ("the same library (A/A)", 0.0),
        ("the same, radio +30 ms in 1/3 of batches", 0.03),
    ):
        goal, limit = (f"{RED} at most {few}", few) if not radio else (f"never {RED}", 0)
        answers = drawn(benchmark.session(PLAIN, 7, POOL, radio).result, many, 7)
        benchmark.row(effect, "drawn", answers, goal, answers[RED] <= limit)
        answers = real(benchmark, PLAIN, runs, None, radio)
        benchmark.row(effect, "runs", answers, f"never {RED}", not answers[RED])
    least = many * 95 // 100
    answers = drawn(benchmark.session(slow, 8, POOL).result, many, 8, ON_BOARD)
    benchmark.row("+15 % on the board", "drawn", answers, f"{RED} at least {least}", answers[RED] >= least)
    answers = real(benchmark, slow, runs, ON_BOARD)
    benchmark.row("+15 % on the board", "runs", answers, f"{RED} {runs}", answers[RED] == runs)


def heap_rows(benchmark: Benchmark, runs: int, many: int) -> None:
    """Effects on bytes and leaks."""
    answers = counts(benchmark, ALLOCATES_64, many)
    benchmark.row("+64 B per preflight, counts alone", "runs", answers, f"{RED} {many}", answers[RED] == many)
    answers = real(benchmark, ALLOCATES_64, runs, ALLOCATED)
    benchmark.row("+64 B per preflight, in camrig ab", "runs", answers, f"{RED} {runs}", answers[RED] == runs)
    answers, rise = leaks(benchmark, LEAKS_16, 10)
    benchmark.row(f"leak of 16 B a request (measured {rise:.1f} B)", "runs", answers, f"{RED} 10", answers[RED] == 10)
    for name, fault in (("list", LEAKS_16_IN_STEPS), ("table", LEAKS_A_TABLE)):
        answers = real(benchmark, fault, 2, LEAK)
        passed = answers[Outcome.PASS.value]
        benchmark.row(f"16 B a request in a growing {name}, in camrig ab", "runs", answers, "never pass", not passed)
    answers, rise = leaks(benchmark, PLAIN, 50)
    benchmark.row(f"no leak (measured {rise:.1f} B)", "runs", answers, f"never {RED}", not answers[RED])
    answers = real(benchmark, LEAKS_16, 1, LEAK)
    benchmark.row("leak of 16 B a request, in camrig ab", "runs", answers, f"{RED} 1", answers[RED] == 1)


def main() -> int:
    parser = argparse.ArgumentParser(description="the gate against known effects, on virtual boards")
    parser.add_argument("--runs", type=int, default=5, help="whole decisions for each row (5)")
    parser.add_argument("--drawn", type=int, default=100, help="resampled decisions for each row (100)")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="camrig-bench-") as name:
        benchmark = Benchmark(Path(name))
        time_rows(benchmark, options.runs, options.drawn)
        heap_rows(benchmark, options.runs, options.drawn)
        slowest = max(benchmark.seconds)
        benchmark.row(
            f"slowest whole decision: {slowest:.1f} s",
            "runs",
            Counter({"decisions": len(benchmark.seconds) - 1}),
            f"below {SECONDS:.0f} s",
            slowest < SECONDS,
        )
    print(f"{time.monotonic() - start:.0f} s")
    return 1 if benchmark.missed else 0


if __name__ == "__main__":
    sys.exit(main())
