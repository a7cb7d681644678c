"""Bytes and leaks of one library in a boot of its own, for every kind of request.

The order matters. What the first requests of a boot take can be counted once. Then the search for leaks fills
whatever fills, and only then bytes are counted: a cache that fills and stops is not a cost of a request.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

from camrig.compare.boot import Boot
from camrig.compare.leaks import record_leaks
from camrig.compare.metrics import (
    FIRST,
    FIRST_ACTUAL,
    FIRST_RETAINED,
    IMPORTED,
    LOAD,
    LOAD_PEAK,
    RETAINED,
    allocated,
    leak_slope,
)
from camrig.measure.statistics import median
from camrig.probe.request_kinds import REQUEST_KINDS, UNSEEN, RequestKind, unseen_preflight

MODULE = "microdot.cors"
BURSTS, BURST = 6, 8  # counts in each boot; a burst has one of every seven requests
AT_ONCE = REQUEST_KINDS[:4]
PEAK_TURNS = 7  # each collects the heap for every piece of every response
# Names that a library makes for good fill a table in steps of 128 bytes, which depend on how many names its module
# has. So the table is filled up first, until it takes another step.
FILL_NAME_TABLE = """
import gc
gc.collect()
for i in range(300):
    name = 'rig_name_%d' % i
    before = gc.mem_alloc()
    hasattr(agent, name)
    if gc.mem_alloc() - before >= 128:
        break
"""
FIRST_KINDS = REQUEST_KINDS[:2]  # a page's preflight, and the request after it


def measure_alone(boot: Boot) -> dict[str, str]:
    """Record what ``boot.limits`` name, of a board that has served nothing yet. Metrics that cannot be had, and why.

    Raises WrongAnswerError or BlockedError for wrong answers, and whatever takes the board down.
    """
    missing = _record_imports(boot) | _record_first(boot)
    kinds, absent = _kinds_with_routes(boot)
    start = time.monotonic()
    boot.answers.request(unseen_preflight())
    record_leaks(boot, kinds, time.monotonic() - start)
    _record_bytes(boot, kinds)
    return missing | absent


def _record_imports(boot: Boot) -> dict[str, str]:
    deployment = boot.board.deployment
    missing = {}
    for metric, sizes in ((RETAINED, deployment.imports), (IMPORTED, deployment.import_allocations)):
        if MODULE in sizes:
            boot.record(metric, [sizes[MODULE]])
        else:
            missing[metric] = f"what the import of {MODULE} takes could not be measured"
    return missing


def _kinds_with_routes(boot: Boot) -> tuple[list[RequestKind], dict[str, str]]:
    """The kinds that the application has a route for, whose answers are right, and the metrics of the others."""
    kinds: list[RequestKind] = []
    missing: dict[str, str] = {}
    for kind in REQUEST_KINDS:
        response = boot.send(kind)
        # Without the library it is the application that answers.
        if response.status == 404 and kind.optional and boot.count([kind], 1, bare=True).responses[0].status == 404:
            reason = f"the application has no route for {kind.words} ({kind.target})"
            missing |= dict.fromkeys((allocated(kind.name), leak_slope(kind.name)), reason)
        else:
            boot.answers.check(kind, response)
            kinds.append(kind)
    return kinds, missing


def _record_first(boot: Boot) -> dict[str, str]:
    """Bytes of the first requests that the library sees, without what they leave, and that; why, if they were lost.

    A cache that takes its first entry leaves bytes, as do names that are new to the board, by steps of their table.
    Neither is paid again, so that both are apart from what a first request allocates and drops.
    """
    metrics = (FIRST, FIRST_ACTUAL, FIRST_RETAINED)
    if not any(metric in boot.limits for metric in metrics):
        return {}
    lost = boot.lost
    boot.dut.agent.run(FILL_NAME_TABLE)
    preflight, actual = (boot.count([kind], 1, cold=True) for kind in FIRST_KINDS)
    if boot.lost > lost:
        reason = "an answer to the first requests was lost, and they cannot be repeated"
        return dict.fromkeys(metrics, reason)
    for metric, count in ((FIRST, preflight), (FIRST_ACTUAL, actual)):
        boot.record(metric, [count.bytes[0] - count.kept])
    boot.record(FIRST_RETAINED, [preflight.kept + actual.kept])
    return {}


def _record_bytes(boot: Boot, kinds: Sequence[RequestKind]) -> None:
    """Bytes that each kind allocates, and those of several requests at once, in bursts."""
    with boot.board.steps("count") as note:
        for kind in kinds:
            if allocated(kind.name) in boot.limits:
                largest = max(max(_record_burst(boot, kind)) for _ in range(BURSTS))
                if kind is REQUEST_KINDS[0]:
                    note(f"{largest} B per preflight, {boot.name}")
        if allocated(UNSEEN) in boot.limits:
            for _ in range(BURSTS):
                boot.record(allocated(UNSEEN), _unseen_bytes(boot))
        if LOAD in boot.limits:
            for _ in range(BURSTS):
                boot.record(LOAD, boot.count(AT_ONCE, BURST // 2, together=True).bytes)
        if LOAD_PEAK in boot.limits:
            # A collector that takes a stale word for a pointer changes a single turn.
            boot.record(LOAD_PEAK, [median(boot.count(AT_ONCE, PEAK_TURNS, "peak", together=True).bytes)])


def _record_burst(boot: Boot, kind: RequestKind) -> Sequence[int]:
    values = boot.count([kind], BURST).bytes
    boot.record(allocated(kind.name), values)
    return values


def _unseen_bytes(boot: Boot) -> Iterable[int]:
    """Each in a call of its own: a request that is repeated has been seen."""
    return [boot.count([unseen_preflight()], 1, cold=True).bytes[0] for _ in range(BURST // 2)]
