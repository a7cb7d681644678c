"""How often the gate is wrong, on simulated boards.

``python benchmarks/gate_sim.py`` prints the rates and exits 1 if one is out of bounds.

No board is involved. The samples are worse than those of a quiet bench: times are lognormal with pauses of the
garbage collector, the speed of the board drifts and varies from batch to batch, the radio has a heavy tail and
retransmits, and bytes vary at times. ``--runs`` sets the number of gates per scenario, ``--seed`` which ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import comb, log
from pathlib import Path
from statistics import median, stdev

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.looks import plan_of_look
from camrig.gate.samples import MetricKind, Samples
from camrig.gate.sequential_plan import SequentialPlan, one_look
from camrig.gate.verdict import GateVerdict, Outcome
from camrig.measure.batch import SampleBatch
from camrig.measure.control import control_coefficient

from benchmarks.gate_world import ALLOCATED, LEAK, LIMITS, ON_BOARD, RETAINED, TAIL, TOTAL, Board, World

STORED_PLAN = plan_of_look(one_look(), 0)


def a_b(world: World, seed: int, on_board: str = "+10%") -> GateVerdict:
    """Two libraries interleaved on one board, up to the maximum of batches."""
    plan = SequentialPlan()
    board = Board(world, seed)
    times = [board.batch() for _ in range(plan.max_batches)]
    candidate, baseline = {}, {}
    for metric in (ON_BOARD, TOTAL):
        control = [tuple(batch[metric][2]) for batch in times]
        candidate[metric] = _timed([tuple(batch[metric][0]) for batch in times], control)
        baseline[metric] = _timed([tuple(batch[metric][1]) for batch in times], control)
    for table, extra, leak in ((candidate, world.extra_bytes, world.leak), (baseline, 0, 0.0)):
        table["latency.preflight.first_byte"] = table[TOTAL]
        counted = tuple(SampleBatch(board.allocated(extra)) for _ in times)
        table[ALLOCATED] = Samples("B", MetricKind.COUNTED, counted)
        table[RETAINED] = Samples("B", MetricKind.COUNTED, (SampleBatch((21_200.0, 21_200.0)),) * len(times))
        table[LEAK] = Samples("B/request", MetricKind.SLOPE, (board.heap_series(leak, 500),))
    limits = parse_limits({**LIMITS, ON_BOARD: on_board})
    return judge(candidate, baseline, limits, plan=plan, paired=True, final=True)


def long_heap(world: World, seed: int) -> GateVerdict:
    """Two boots with as many requests as are sent while the heap rises."""
    board, requests = Board(world, seed), 1920
    samples = Samples(
        "B/request", MetricKind.SLOPE, tuple(board.heap_series(world.leak, requests, 48) for _ in range(2))
    )
    limits = parse_limits({LEAK: LIMITS[LEAK]})
    return judge({LEAK: samples}, {}, limits, plan=SequentialPlan(false_alarm=0.0017), paired=True, final=True)


def against_stored(
    world: World,
    seed: int,
    batches: int = 40,
    on_board: str = "+10%",
    sessions: int = 3,
    plan: SequentialPlan = STORED_PLAN,
    day: int = 0,
) -> GateVerdict:
    """A run against a baseline of several quiet days: one look, nothing interleaved."""
    tables = []
    for candidate, session, count in ((True, world, 1), (False, replace(world, bad_batches=0.0), sessions)):
        boards = [Board(session, (seed * 2 + candidate) * 16 + number + day * candidate) for number in range(count)]
        times = [batch for board in boards for batch in [board.batch(candidate) for _ in range(batches)]]
        tables.append(
            {
                metric: replace(
                    _timed(
                        [tuple(batch[metric][0]) for batch in times], [tuple(batch[metric][2]) for batch in times]
                    ),
                    sessions=(batches,) * count,
                )
                for metric in (ON_BOARD, TOTAL)
            }
        )
        extra = world.extra_bytes if candidate else 0
        counts = [SampleBatch(board.allocated(extra)) for board in boards for _ in range(batches)]
        tables[-1][ALLOCATED] = Samples("B", MetricKind.COUNTED, tuple(counts))
    limits = parse_limits({**{metric: LIMITS[metric] for metric in (TOTAL, TAIL, ALLOCATED)}, ON_BOARD: on_board})
    return judge(tables[0], tables[1], limits, plan=plan, paired=False, final=True)


def asked_again(world: World, seed: int) -> GateVerdict:
    """The same question up to five times, until it has an answer; each time on another day."""
    for used in range(5):
        verdict = against_stored(world, seed, plan=plan_of_look(one_look(), used), day=used)
        if verdict.outcome is not Outcome.INCONCLUSIVE:
            break
    return verdict


def _timed(values: list[tuple[float, ...]], controls: list[tuple[float, ...]]) -> Samples:
    batches = tuple(SampleBatch(batch, control) for batch, control in zip(values, controls, strict=True))
    return Samples("ms", MetricKind.TIMED, batches)


def control_spreads(world: World, seed: int, sessions: int = 20, batches: int = 40) -> tuple[float, float, float]:
    """Spread of the batches' levels: as measured, divided by their control, and less its fitted part. Medians."""
    rows = []
    for number in range(sessions):
        board = Board(world, seed * 1_000 + number)
        times = [board.batch(False)[ON_BOARD] for _ in range(batches)]
        pairs = [(log(median(control)), log(median(values))) for _, values, control in times]
        fitted = control_coefficient([pairs])
        rows.append([stdev(level - share * control for control, level in pairs) for share in (0.0, 1.0, fitted)])
    raw, divided, adjusted = (median(column) for column in zip(*rows, strict=True))
    return raw, divided, adjusted


@dataclass(frozen=True)
class Scenario:
    """A world, and which share of its gates may or must be red, or may be green (on ``metric``, or on all)."""

    name: str
    gate: Callable[[World, int], GateVerdict]
    world: World
    metric: str = ""
    at_most: float = 1.0
    at_least: float = 0.0
    green_at_most: float = 1.0


SCENARIOS = (
    Scenario("A/A", a_b, World(), at_most=0.02),
    Scenario("A/A, more noise", a_b, World(noise=0.2, pauses=0.08), at_most=0.02),
    Scenario("A/A, limit of +0%", partial(a_b, on_board="+0%"), World(), at_most=0.02, green_at_most=0.05),
    Scenario("A/A, stored baseline", against_stored, World(), at_most=0.02),
    Scenario("+15% on the board", a_b, World(slower=0.15), ON_BOARD, at_least=0.95),
    Scenario("3 x slower in every 7th", a_b, World(slow_factor=3.0), TAIL, at_least=0.95),
    Scenario("3 x slower in every 10th", a_b, World(slow_factor=3.0, slow_every=10), TAIL, green_at_most=0.05),
    Scenario("A/A, tail", a_b, World(), TAIL, at_most=0.01),
    Scenario("A/A, tail, more noise", a_b, World(noise=0.2, pauses=0.08), TAIL, at_most=0.01),
    Scenario("+10%, just the limit", a_b, World(slower=0.10), ON_BOARD, at_most=0.02, green_at_most=0.05),
    Scenario("+12%, beyond the limit", a_b, World(slower=0.12), ON_BOARD, green_at_most=0.01),
    Scenario("A/A, stored, sessions differ", against_stored, World(session=0.03), at_most=0.02),
    Scenario("same, and days differ by 6%", against_stored, World(session=0.06), at_most=0.05),
    Scenario("+12%, stored, days differ", against_stored, World(slower=0.12, session=0.03), green_at_most=0.05),
    Scenario("+10%, stored, days differ", against_stored, World(slower=0.10, session=0.03), at_most=0.02),
    Scenario(
        "one session is not enough", partial(against_stored, sessions=1), World(slower=0.4), ON_BOARD, at_most=0
    ),
    Scenario("asked five times", asked_again, World(slower=0.10, session=0.03), at_most=0.02, green_at_most=0.05),
    Scenario("same, limit of +0%", partial(against_stored, on_board="+0%"), World(session=0.03), at_most=0.02),
    Scenario("+40%, stored baseline", against_stored, World(slower=0.40), ON_BOARD, at_least=0.95),
    Scenario("+64 B, bytes repeat", a_b, World(extra_bytes=64, jitter=0.0), ALLOCATED, at_least=1.0),
    Scenario("+64 B, bytes jitter", a_b, World(extra_bytes=64), ALLOCATED, at_least=1.0),
    Scenario("+64 B, stored baseline", against_stored, World(extra_bytes=64), ALLOCATED, at_least=1.0),
    Scenario("leak of 16 B, 500 requests", a_b, World(leak=16.0), LEAK, at_least=1.0),
    Scenario("no leak", a_b, World(), LEAK, at_most=0.0),
    Scenario("list of 8 B a request", long_heap, World(list_entry=8), LEAK, at_least=0.95),
    Scenario("leak of 2 B, 1,920 requests", long_heap, World(leak=2), LEAK, at_least=0.95),
    Scenario("list of 2 B a request", long_heap, World(list_entry=2), LEAK, green_at_most=0.05),
    Scenario("leak of 1.1 B, 1,920", long_heap, World(leak=1.1), LEAK, green_at_most=0.05),
    Scenario("leak of 0.9 B, 1,920", long_heap, World(leak=0.9), LEAK, at_most=0.0),
    Scenario("no leak, 1,920 requests", long_heap, World(), LEAK, at_most=0.0),
    Scenario("1 KB once, 1,920 requests", long_heap, World(growth=1024), LEAK, at_most=0.0),
    Scenario("4 KB once, 1,920 requests", long_heap, World(growth=4096), LEAK, at_most=0.0),
    Scenario("cache, full after 100", long_heap, World(cache_until=100), LEAK, at_most=0.0),
    Scenario("cache, full after 400", long_heap, World(cache_until=400), LEAK, at_most=0.0),
    Scenario("cache, 200, leak of 2 B", long_heap, World(cache_until=200, leak=2), LEAK, green_at_most=0.05),
    Scenario("cache, full after 900", long_heap, World(cache_until=900), LEAK, at_most=0.0),
    Scenario("no leak, 1 KB once", a_b, World(growth=1024), LEAK, at_most=0.0),
    Scenario("radio +30 ms in a third", a_b, World(radio_delay=30, bad_batches=1 / 3), at_most=0.0),
    Scenario("radio +30 ms in all", a_b, World(radio_delay=30, bad_batches=1.0), at_most=0.0),
    Scenario("same, stored baseline", against_stored, World(radio_delay=30, bad_batches=1 / 3), at_most=0.0),
    Scenario("+1 ms that day, stored", against_stored, World(session_delay=1.0), at_most=0.0),
    Scenario("+30 ms that day, stored", against_stored, World(session_delay=30.0), at_most=0.0),
)


@dataclass(frozen=True)
class Rates:
    """A scenario's outcomes, counted."""

    outcomes: Counter[Outcome]
    seconds: float

    def meet(self, scenario: Scenario) -> bool:
        """Whether red is as frequent as required, and green not so frequent that its rate must be too high."""
        runs, green = sum(self.outcomes.values()), self.outcomes[Outcome.PASS]
        rate = scenario.green_at_most
        chance = sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(green, runs + 1))
        return scenario.at_least <= self.outcomes[Outcome.REGRESSED] / runs <= scenario.at_most and chance >= 0.001


def simulate(scenario: Scenario, runs: int, seed: int) -> Rates:
    """Judge ``runs`` simulated benches."""
    began = time.monotonic()
    outcomes: Counter[Outcome] = Counter()
    for run in range(runs):
        verdict = scenario.gate(scenario.world, seed * 1_000_003 + run)
        selected = [metric.outcome for metric in verdict.metrics if metric.metric == scenario.metric]
        outcomes[selected[0] if selected else verdict.outcome] += 1
    return Rates(outcomes, time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description="error rates of the gate on simulated boards")
    parser.add_argument("--runs", type=int, default=100, help="gates per scenario (100)")
    parser.add_argument("--seed", type=int, default=1, help="which simulated boards (1)")
    parser.add_argument("--only", default="", help="scenarios whose name contains this")
    arguments = parser.parse_args()
    missed = 0
    print(f"{'scenario':30}{'red':>6}{'green':>7}{'unsure':>8}{'blocked':>9}  {'red bound':12}{'s':>6}")
    for scenario in SCENARIOS:
        if arguments.only not in scenario.name:
            continue
        rates = simulate(scenario, arguments.runs, arguments.seed)
        met = rates.meet(scenario)
        missed += not met
        bound = f">= {scenario.at_least:.0%}" if scenario.at_least else f"<= {scenario.at_most:.0%}"
        counts = [rates.outcomes[outcome] for outcome in (Outcome.REGRESSED, Outcome.PASS)]
        counts += [rates.outcomes[outcome] for outcome in (Outcome.INCONCLUSIVE, Outcome.BLOCKED)]
        print(
            f"{scenario.name:30}{counts[0]:6}{counts[1]:7}{counts[2]:8}{counts[3]:9}  {bound:12}{rates.seconds:6.1f}"
            + ("" if met else "  MISSED")
        )
    for name, load in (("quiet", 0.0), ("usual", 0.05), ("loaded", 0.12)):
        raw, divided, fitted = control_spreads(World(load=load), arguments.seed)
        print(
            f"spread of batches, {name} bench: {raw:.1%} as measured, {divided:.1%} divided by the control,"
            f" {fitted:.1%} less its fitted part"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
