"""A simulated bench, whose samples are worse than those of a quiet one: what ``gate_sim`` judges."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2
from random import Random

from camrig.measure.batch import SampleBatch

LIMITS = {
    "latency.preflight.on_board": "+10%",
    "latency.preflight.tail": "+5 points",
    "latency.preflight.total": "+10%",
    "latency.preflight.first_byte": "+2 ms",
    "heap.preflight.allocated": "+0 B",
    "heap.import.retained": "+0 B",
    "heap.leak_slope": "< 1 B/request",
}
ON_BOARD, TAIL, TOTAL, _, ALLOCATED, RETAINED, LEAK = LIMITS


@dataclass(frozen=True)
class World:
    """A simulated bench and what the candidate does on it. Times are in ms, rates are shares."""

    slower: float = 0.0  # by which share the candidate takes longer on the board
    slow_factor: float = 1.0  # by which factor the candidate takes longer in every n-th request
    slow_every: int = 7
    load: float = 0.05  # spread of the board's speed from batch to batch
    extra_bytes: int = 0  # per preflight
    leak: float = 0.0  # bytes per request
    radio_delay: float = 0.0  # mean extra delay of every exchange in a bad batch
    bad_batches: float = 0.0  # share of batches
    session: float = 0.0  # spread of a factor per boot on the time of the library, not on that of the control
    session_delay: float = 0.0  # extra delay of every exchange on the candidate's day (stored baseline)
    values: int = 10  # per batch and side
    noise: float = 0.10  # of one time on the board
    pauses: float = 0.04  # share of requests with a pause of the garbage collector
    list_entry: int = 0  # bytes per request in a list, which takes them in steps that double
    cache_until: int = 0  # requests after which a cache of 64 bytes per request is full
    growth: int = 0  # bytes that a table takes once, at any time of the run
    jitter: float = 0.1  # share of preflights that allocate another block of 16 bytes
    board_ms: float = 5.0


class Board:
    """Measures batches in a ``World``."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.random = Random(seed)
        self.drift = 1.0
        self.requests = 0
        self.session = self.random.lognormvariate(0, world.session) if world.session else 1.0

    def on_board(self, speed: float, factor: float) -> float:
        draw = self.random
        pause = 1 + draw.expovariate(1 / 3) if draw.random() < self.world.pauses else 1
        return self.world.board_ms * factor * speed * self.drift * draw.lognormvariate(0, self.world.noise) * pause

    def radio(self, delay: float) -> float:
        draw = self.random
        retransmission = draw.uniform(100, 300) if draw.random() < 0.005 else 0
        return 6 * draw.lognormvariate(0, 0.3) + retransmission + (draw.expovariate(1 / delay) if delay else 0)

    def batch(self, candidate: bool = True) -> dict[str, list[list[float]]]:
        """For each time: the candidate's values, the baseline's and the control's, taken in turns."""
        draw, world = self.random, self.world
        self.drift *= draw.lognormvariate(0, world.load / 5)
        speed = draw.lognormvariate(0, world.load)
        bad = draw.random() < world.bad_batches
        # A bad radio may begin and end anywhere in its batch.
        start, end = sorted((draw.randrange(world.values), draw.randrange(world.values + 1))) if bad else (0, 0)
        times: dict[str, list[list[float]]] = {ON_BOARD: [[], [], []], TOTAL: [[], [], []]}
        for turn in range(world.values):
            self.requests += 1
            is_slow = candidate and self.requests % world.slow_every == 0
            slow = world.slow_factor if is_slow else 1.0
            library = self.session
            sides = [(0, library * slow * (1 + world.slower if candidate else 1.0)), (1, library), (2, 0.8)]
            draw.shuffle(sides)
            delay = world.radio_delay if bad and (start <= turn < end or draw.random() < 0.5) else 0.0
            for side, factor in sides:
                on_board = self.on_board(speed, factor)
                network = self.radio(delay) + (world.session_delay if candidate else 0)
                times[ON_BOARD][side].append(on_board)
                times[TOTAL][side].append(on_board + network)
        return times

    def allocated(self, extra: int) -> tuple[float, ...]:
        jitter = self.world.jitter
        return tuple(12_512 + extra + 16 * (self.random.random() < jitter) for _ in range(self.world.values))

    def heap_series(self, leak: float, requests: int, step: int = 20) -> SampleBatch:
        """Bytes in use after a collection, over ``requests``: noise, growth at the start, and outliers."""
        draw = self.random
        first_growth, second_growth = draw.uniform(0, 0.3 * requests), draw.uniform(0, requests)
        at = tuple(float(request) for request in range(0, requests + 1, step))
        values = []
        for request in at:
            used = 60_000 + leak * request + 16 * draw.randrange(12)
            used += self.world.list_entry * 2 ** ceil(log2(request + 100)) + 64 * min(request, self.world.cache_until)
            used += 256 * (request > first_growth) + self.world.growth * (request > second_growth)
            values.append(used + (draw.uniform(1_000, 4_000) if draw.random() < 0.05 else 0))
        return SampleBatch(tuple(values), at=at)
