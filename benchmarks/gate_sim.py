"""How often the gate is wrong, on made-up boards.

``python benchmarks/gate_sim.py`` prints the rates and exits 1 if one is off.

No board is involved. The samples are worse than a quiet bench gives: times are lognormal with collector pauses, the
board drifts and has moods that last a batch, the radio has a heavy tail and retransmits, and bytes sometimes jitter.
``--runs`` sets how many gates each scenario is put through, ``--seed`` which ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import comb
from pathlib import Path
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from camrig.gate.judgement import judge
from camrig.gate.limits import parse_limits
from camrig.gate.samples import Batch, Kind, Samples
from camrig.gate.sequential_plan import Plan, single
from camrig.gate.verdict import GateVerdict, Outcome

LIMITS = {
    "latency.preflight.on_board": "+10%",
    "latency.preflight.total": "+10%",
    "latency.preflight.first_byte": "+2 ms",
    "heap.preflight.allocated": "+0 B",
    "heap.import.retained": "+0 B",
    "heap.leak_slope": "< 1 B/request",
}
ON_BOARD, TOTAL, _, ALLOCATED, RETAINED, LEAK = LIMITS


@dataclass(frozen=True)
class World:
    """A made-up bench and what the candidate does on it. Times are ms, rates shares."""

    slower: float = 0.0  # the candidate's time on the board, as a share more
    bytes_more: int = 0  # per preflight
    leak: float = 0.0  # bytes per request
    radio_delay: float = 0.0  # mean extra delay of every exchange in a bad batch
    bad_batches: float = 0.0  # share of batches
    session: float = 0.0  # spread of what a boot makes of the library's time and not of the control's, as a share
    session_delay: float = 0.0  # extra delay of every exchange on the candidate's day (stored baseline)
    values: int = 10  # per batch and side
    noise: float = 0.10  # of one time on the board
    pauses: float = 0.04  # share of requests that meet the collector
    growth: int = 0  # bytes that a table takes once, anywhere in the run
    jitter: float = 0.1  # share of preflights that allocate another block of 16 bytes
    board_ms: float = 5.0


class Board:
    """Measures batches in a ``World``."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.drift = 1.0
        self.session = self.random.lognormvariate(0, world.session) if world.session else 1.0

    def on_board(self, mood: float, factor: float) -> float:
        draw = self.random
        pause = 1 + draw.expovariate(1 / 3) if draw.random() < self.world.pauses else 1
        return self.world.board_ms * factor * mood * self.drift * draw.lognormvariate(0, self.world.noise) * pause

    def radio(self, delay: float) -> float:
        draw = self.random
        again = draw.uniform(100, 300) if draw.random() < 0.005 else 0
        return 6 * draw.lognormvariate(0, 0.3) + again + (draw.expovariate(1 / delay) if delay else 0)

    def batch(self, candidate: bool = True) -> dict[str, list[list[float]]]:
        """For each time: the candidate's values, the baseline's and the control's, taken in turns."""
        draw, world = self.random, self.world
        self.drift *= draw.lognormvariate(0, 0.01)
        mood = draw.lognormvariate(0, 0.05)
        bad = draw.random() < world.bad_batches
        # A bad minute may begin or end anywhere in its batch.
        start, end = sorted((draw.randrange(world.values), draw.randrange(world.values + 1))) if bad else (0, 0)
        found: dict[str, list[list[float]]] = {ON_BOARD: [[], [], []], TOTAL: [[], [], []]}
        for turn in range(world.values):
            own = self.session
            sides = [(0, own * (1 + world.slower if candidate else 1.0)), (1, own), (2, 0.8)]
            draw.shuffle(sides)
            delay = world.radio_delay if bad and (start <= turn < end or draw.random() < 0.5) else 0.0
            for side, factor in sides:
                board = self.on_board(mood, factor)
                away = self.radio(delay) + (world.session_delay if candidate else 0)
                found[ON_BOARD][side].append(board)
                found[TOTAL][side].append(board + away)
        return found

    def allocated(self, more: int) -> tuple[float, ...]:
        jitter = self.world.jitter
        return tuple(12_512 + more + 16 * (self.random.random() < jitter) for _ in range(self.world.values))

    def heap_over(self, leak: float, requests: int, step: int = 20) -> Batch:
        """Bytes in use after a collection, along ``requests``: strays, growth at the start, a late task."""
        draw = self.random
        early, once = draw.uniform(0, 0.3 * requests), draw.uniform(0, requests)
        at = tuple(float(place) for place in range(0, requests + 1, step))
        values = []
        for place in at:
            used = 60_000 + leak * place + 16 * draw.randrange(12)
            used += 256 * (place > early) + self.world.growth * (place > once)
            values.append(used + (draw.uniform(1_000, 4_000) if draw.random() < 0.05 else 0))
        return Batch(tuple(values), at=at)


def a_b(world: World, seed: int, on_board: str = "+10%") -> GateVerdict:
    """Two libraries interleaved on one board until the gate has decided or may not go on."""
    plan = Plan()
    board = Board(world, seed)
    times = [board.batch() for _ in range(plan.most)]
    ours, theirs = {}, {}
    for metric in (ON_BOARD, TOTAL):
        control = [tuple(batch[metric][2]) for batch in times]
        ours[metric] = _timed([tuple(batch[metric][0]) for batch in times], control)
        theirs[metric] = _timed([tuple(batch[metric][1]) for batch in times], control)
    for table, more, leak in ((ours, world.bytes_more, world.leak), (theirs, 0, 0.0)):
        table["latency.preflight.first_byte"] = table[TOTAL]
        counted = tuple(Batch(board.allocated(more)) for _ in times)
        table[ALLOCATED] = Samples("B", Kind.COUNTED, counted)
        table[RETAINED] = Samples("B", Kind.COUNTED, (Batch((21_200.0, 21_200.0)),) * len(times))
        table[LEAK] = Samples("B/request", Kind.SLOPE, (board.heap_over(leak, 500),))
    limits = parse_limits({**LIMITS, ON_BOARD: on_board})
    return judge(ours, theirs, limits, plan=plan, paired=True, final=True)


def against_stored(world: World, seed: int, batches: int = 40, on_board: str = "+10%") -> GateVerdict:
    """A run against a baseline that was saved on a quiet day: one look, nothing interleaved between the two."""
    tables = []
    for candidate, where in ((True, world), (False, replace(world, bad_batches=0.0))):
        board = Board(where, seed * 2 + candidate)
        times = [board.batch(candidate) for _ in range(batches)]
        tables.append(
            {
                metric: _timed([tuple(one[metric][0]) for one in times], [tuple(one[metric][2]) for one in times])
                for metric in (ON_BOARD, TOTAL)
            }
        )
        more = world.bytes_more if candidate else 0
        tables[-1][ALLOCATED] = Samples("B", Kind.COUNTED, tuple(Batch(board.allocated(more)) for _ in times))
    limits = parse_limits({**{metric: LIMITS[metric] for metric in (TOTAL, ALLOCATED)}, ON_BOARD: on_board})
    return judge(tables[0], tables[1], limits, plan=single(), paired=False, final=True)


def _timed(values: list[tuple[float, ...]], control: list[tuple[float, ...]]) -> Samples:
    return Samples(
        "ms", Kind.TIMED, tuple(Batch(one, control=other) for one, other in zip(values, control, strict=True))
    )


@dataclass(frozen=True)
class Scenario:
    """What is tried, and which share of gates may and must be red, and may be green (on ``metric``, or on all)."""

    name: str
    gate: Callable[[World, int], GateVerdict]
    world: World
    metric: str = ""
    at_most: float = 1.0
    at_least: float = 0.0
    green_at_most: float = 1.0


SCENARIOS = (
    Scenario("A/A", a_b, World(), at_most=0.02),
    Scenario("A/A, noisier", a_b, World(noise=0.2, pauses=0.08), at_most=0.02),
    Scenario("A/A, limit of +0%", partial(a_b, on_board="+0%"), World(), at_most=0.02, green_at_most=0.05),
    Scenario("A/A, stored baseline", against_stored, World(), at_most=0.02),
    Scenario("+15% on the board", a_b, World(slower=0.15), ON_BOARD, at_least=0.95),
    Scenario("+10%, just the limit", a_b, World(slower=0.10), ON_BOARD, at_most=0.02, green_at_most=0.05),
    Scenario("+12%, beyond the limit", a_b, World(slower=0.12), ON_BOARD, green_at_most=0.01),
    Scenario("A/A, stored, sessions differ", against_stored, World(session=0.03), at_most=0.02),
    Scenario("same, limit of +0%", partial(against_stored, on_board="+0%"), World(session=0.03), at_most=0.02),
    Scenario("+40%, stored baseline", against_stored, World(slower=0.40), ON_BOARD, at_least=0.95),
    Scenario("+64 B, bytes repeat", a_b, World(bytes_more=64, jitter=0.0), ALLOCATED, at_least=1.0),
    Scenario("+64 B, bytes jitter", a_b, World(bytes_more=64), ALLOCATED, at_least=1.0),
    Scenario("+64 B, stored baseline", against_stored, World(bytes_more=64), ALLOCATED, at_least=1.0),
    Scenario("leak of 16 B, 500 requests", a_b, World(leak=16.0), LEAK, at_least=1.0),
    Scenario("no leak", a_b, World(), LEAK, at_most=0.0),
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

    def suit(self, scenario: Scenario) -> bool:
        """Whether red is as frequent as wanted, and green not so frequent that its rate cannot be the wanted one."""
        runs, green = sum(self.outcomes.values()), self.outcomes[Outcome.PASS]
        rate = scenario.green_at_most
        luck = sum(comb(runs, k) * rate**k * (1 - rate) ** (runs - k) for k in range(green, runs + 1))
        return scenario.at_least <= self.outcomes[Outcome.REGRESSED] / runs <= scenario.at_most and luck >= 0.001


def put_through(scenario: Scenario, runs: int, seed: int) -> Rates:
    """Judge ``runs`` made-up benches."""
    began = time.monotonic()
    outcomes: Counter[Outcome] = Counter()
    for run in range(runs):
        verdict = scenario.gate(scenario.world, seed * 1_000_003 + run)
        chosen = [one.outcome for one in verdict.metrics if one.metric == scenario.metric] or [verdict.outcome]
        outcomes[chosen[0]] += 1
    return Rates(outcomes, time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description="error rates of the gate on made-up boards")
    parser.add_argument("--runs", type=int, default=100, help="gates per scenario (100)")
    parser.add_argument("--seed", type=int, default=1, help="which made-up boards (1)")
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    given = parser.parse_args()
    wrong = 0
    print(f"{'scenario':30}{'red':>6}{'green':>7}{'unsure':>8}{'blocked':>9}  {'wanted red':12}{'s':>6}")
    for scenario in SCENARIOS:
        if given.only not in scenario.name:
            continue
        rates = put_through(scenario, given.runs, given.seed)
        right = rates.suit(scenario)
        wrong += not right
        wanted = f">= {scenario.at_least:.0%}" if scenario.at_least else f"<= {scenario.at_most:.0%}"
        counts = [rates.outcomes[outcome] for outcome in (Outcome.REGRESSED, Outcome.PASS)]
        counts += [rates.outcomes[outcome] for outcome in (Outcome.INCONCLUSIVE, Outcome.BLOCKED)]
        print(
            f"{scenario.name:30}{counts[0]:6}{counts[1]:7}{counts[2]:8}{counts[3]:9}  {wanted:12}{rates.seconds:6.1f}"
            + ("" if right else "  MISSED")
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
