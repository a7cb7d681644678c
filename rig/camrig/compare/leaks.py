"""What one library keeps of its requests: of each kind by itself, of all kinds in turn, and of several at once.

In a mix of ten kinds 16 bytes kept by one of them are 1.6 a request, so each kind has a series of its own. It is sent
in the board's memory, where the heap can be read after every few requests without anything else in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle, islice

from camrig.compare.boot import Boot
from camrig.compare.metrics import LEAK, LEAKS, LOAD_LEAK, leak_slope
from camrig.deadline import Deadline
from camrig.errors import ServerSilentError
from camrig.probe.agent import MemoryCount
from camrig.probe.client import Response
from camrig.probe.heap_series import Series, heap_series, may_rise, series_until_level
from camrig.probe.load import run_load
from camrig.probe.request_kinds import UNSEEN, RequestKind, unseen_preflight
from camrig.probe.request_mix import as_bytes

WARM_UP, EVERY, REQUESTS = 20, 24, 240  # over the network, in each boot
READINGS, EACH, EACH_SLOW = 34, 6, 2  # readings of one kind's series, and requests before each
SLOW = 0.03  # seconds of a request in the board's memory
SECONDS_PER_COUNT = 4.0  # nobody else is served meanwhile
COLLECTIONS = 2  # of a count, beside one for each turn
READINGS_TO_SETTLE = 2  # of the heap over the network, as long as nothing disturbs it
MAX_KIND_SERIES, MAX_SERIES = 6, 4  # of a kind, and over the network, while the heap may rise
MAX_LOAD_SERIES = 12  # a server's tables take a step whenever more clients than before meet
SECONDS_TO_EXTEND = 150.0  # of a boot: later no series is extended, because the board is slow
CLIENTS = 4
MAX_LOST_SHARE = 0.25  # of the requests of several clients

Take = Callable[[], Series]


def record_leaks(boot: Boot, kinds: Sequence[RequestKind], exchange: float) -> None:
    """Record every slope that has a limit. ``exchange`` is the time of one request over the network, in seconds."""
    if not any(name in boot.limits for name in LEAKS):
        return
    until = Deadline.after(SECONDS_TO_EXTEND)
    turns = _turns(kinds)
    by_kind = {leak_slope(kind.name): _KindSeries(partial(_grow, boot, kind)) for kind in kinds}
    by_kind[leak_slope(UNSEEN)] = _KindSeries(partial(_grow_unseen, boot))
    series: dict[str, Take] = {metric: kind_series.take for metric, kind_series in by_kind.items()}
    series[LEAK] = partial(_network_series, boot, turns)
    series[LOAD_LEAK] = partial(_load_series, boot, turns)
    limited = [metric for metric in series if metric in boot.limits]
    with boot.board.steps("leaks") as note:
        turn = by_kind[limited[0]].start() - exchange if limited[0] in by_kind else exchange
        expected = _expected(limited, max(0.0, turn) / (1 + COLLECTIONS), exchange)
        if boot.boots:
            boot.board.steps.say(f"leaks take {_duration(expected)} in each of {boot.boots} boots on this board")
        extended = 0
        for number, metric in enumerate(limited, 1):
            text = f"{boot.name}, {_duration(expected)}"
            boot.board.steps.progress(text, done=number - 1, total=len(limited), unit="series")
            most = {LEAK: MAX_SERIES, LOAD_LEAK: MAX_LOAD_SERIES}.get(metric, MAX_KIND_SERIES)
            all_series = series_until_level(series[metric], 1, most, until, may_rise)
            extended += len(all_series) > 1
            # As gained in this boot: the level at which it began has nothing to do with the last one's.
            base = all_series[0][0][1]
            for points in all_series:
                boot.record_series(metric, [(at, alive - base) for at, alive in points])
        longer = f", of which {extended} were extended" if extended else ""
        note(f"{len(limited)} series{longer}, {boot.name}")


def _expected(metrics: Sequence[str], turn: float, exchange: float) -> float:
    """Seconds that the series of these metrics take, if none is extended.

    ``turn`` is the time of a turn in the board's memory, of which a collection is the most, and ``exchange`` that of
    a request over the network.
    """
    readings = REQUESTS / EVERY + 1
    network = REQUESTS * exchange + readings * READINGS_TO_SETTLE * (turn + exchange)
    seconds = 0.0
    for metric in metrics:
        if metric in (LEAK, LOAD_LEAK):
            seconds += network
        else:
            calls = READINGS if metric == leak_slope(UNSEEN) else READINGS * turn / SECONDS_PER_COUNT
            seconds += READINGS * turn + calls * (COLLECTIONS * turn + exchange)
    return seconds


def _duration(seconds: float) -> str:
    return f"about {seconds:.0f} s" if seconds < 100 else f"about {seconds / 60:.0f} min"


class _KindSeries:
    """Series of one kind of request; each begins where the one before ended."""

    def __init__(self, grow: Callable[[int, int], MemoryCount]) -> None:
        """``grow(turns, each)`` counts what is alive over turns of ``each`` requests."""
        self._grow = grow
        self._turns, self._each, self._seconds = 0, EACH, 0.0

    def start(self) -> float:
        """Count one turn, for its time in seconds; that also leaves the heap as further counts do."""
        self._count(1)
        return self._seconds

    def take(self) -> Series:
        """Pairs of requests so far and bytes alive; with fewer requests on a slow board."""
        if not self._turns:
            self.start()
        points: Series = []
        sent = 0
        while len(points) < READINGS:
            each = self._each
            count = self._count(min(self._turns, READINGS - len(points)))
            points += [(sent + turn * each, alive) for turn, alive in enumerate(count.bytes)]
            sent = points[-1][0] + len(count.responses)  # the answers are those of requests that follow
        return points

    def _count(self, turns: int) -> MemoryCount:
        start = time.monotonic()
        count = self._grow(turns, self._each)
        seconds = (time.monotonic() - start) / (len(count.bytes) - 1)
        if seconds > SLOW * self._each:
            self._each = EACH_SLOW
        self._turns = max(1, min(READINGS, int(SECONDS_PER_COUNT / max(seconds, 1e-6))))
        self._seconds = seconds
        return count


def _grow(boot: Boot, kind: RequestKind, turns: int, each: int) -> MemoryCount:
    return boot.count([kind], turns, "alive", times=each, cold=True)


def _grow_unseen(boot: Boot, turns: int, each: int) -> MemoryCount:
    """One turn only: a request that is repeated has been seen."""
    return boot.count([unseen_preflight() for _ in range(each)], 1, "alive", cold=True)


def _turns(kinds: Sequence[RequestKind]) -> Iterator[RequestKind]:
    """All kinds in turn, with a preflight that was never seen among them."""
    for kind in cycle([*kinds, None]):
        yield kind or unseen_preflight()


def _network_series(boot: Boot, turns: Iterator[RequestKind]) -> Series:
    for kind in islice(turns, WARM_UP):
        boot.answers.request(kind)
    return heap_series(lambda: boot.answers.request(next(turns)), boot.dut.heap, EVERY, REQUESTS)


def _load_series(boot: Boot, turns: Iterator[RequestKind]) -> Series:
    points = [(0, boot.alive())]
    for done in range(EVERY, REQUESTS + 1, EVERY):
        kinds = list(islice(turns, EVERY))
        _send_at_once(boot, kinds)
        points.append((done, boot.alive()))
    return points


def _send_at_once(boot: Boot, kinds: Sequence[RequestKind], rounds: int = 3) -> None:
    """Send as many requests by several clients. Raises ServerSilentError when too many got no answer."""
    host, port = boot.dut.address
    requests = as_bytes(kinds, f"{host}:{port}")
    doubtful: list[tuple[RequestKind, str]] = []

    def check(request: bytes, response: Response) -> str:
        if reason := requests[request].mistake_in(response):
            doubtful.append((requests[request], reason))
        return reason

    result = run_load((host, port), list(requests), CLIENTS, len(kinds) // CLIENTS, check=check)
    for kind, reason in doubtful:
        boot.answers.ask_again(kind, reason)
    if result.errors.get("status"):  # of which kind is not known
        for kind in requests.values():
            boot.answers.request(kind)
    if result.failed > MAX_LOST_SHARE * len(kinds) and rounds > 1:
        boot.alive()  # waits for the network
        _send_at_once(boot, kinds, rounds - 1)
    elif result.failed > MAX_LOST_SHARE * len(kinds):
        causes = ", ".join(f"{number} {cause}" for cause, number in result.errors.items())
        raise ServerSilentError(
            f"{result.failed} of {len(kinds)} requests of {CLIENTS} clients at once got no answer ({causes})",
            board=boot.board.spec,
            hint="see the console of the board",
        )
