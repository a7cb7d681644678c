"""Many requests leave the heap as it was, and both heaps are measured: after imports, at rest, and in use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest
from camrig.dut import Dut
from camrig.probe.heap_level import HeapWatch, heap_until_level
from camrig.probe.heap_series import settled_heap
from camrig.probe.load import run_load
from camrig.probe.request_kinds import POLICY, RequestKind
from camrig.probe.request_mix import as_bytes, fill_caches, kinds_of_application, mistakes, mixed

# Steps are rounds: a request of each kind, so that what one of them keeps is not divided by the number of kinds.
WARM_UP = 12
ROUNDS, EVERY = 15, 3  # in a series, and from one reading to the next
CLIENTS = 4
LOADS = 4  # in a series; each is a round from each client
SERIES, MAX_SERIES = 6, 24  # until the heap is level
SECONDS = 120.0  # after which a slow board has to start no further series
BLOCK = 40  # requests of one kind
# Bytes that a round may leave behind: less than half of the least that a heap gives, because a list doubles.
KEPT_PER_REQUEST = 6


def test_bytes_retained_by_each_import(board, measure):
    if not board.imports:
        pytest.skip("a module could not be imported before the application ran; see the step 'imports'")
    assert board.imports["microdot.cors"] > 0
    for name, size in board.imports.items():
        measure(f"heap.import.{name}", size, unit="B")


def test_both_heaps_have_room_at_rest(dut, measure):
    heap = settled_heap(dut.heap)
    measure("heap.free", heap.free, unit="B")
    assert heap.free > 0
    if heap.idf is None:
        pytest.skip("this firmware has no second heap")
    measure("heap.idf.free", sum(row[1] for row in heap.idf), unit="B")
    measure("heap.idf.largest", max(row[2] for row in heap.idf), unit="B")
    measure("heap.idf.lowest", sum(row[3] for row in heap.idf), unit="B")
    assert all(row[0] >= row[1] >= row[2] for row in heap.idf)


@pytest.fixture
def kinds(dut, policy):
    """The kinds of requests of a freshly booted board, under the policy that they are meant for.

    A list that only grows takes memory in steps, each time it doubles. After a fresh boot the next step is near.
    """
    with dut.restart_expected():
        pass
    policy(**POLICY)
    return kinds_of_application(dut.request)


def demand_level(watch: HeapWatch, keeping: Callable[[], dict[str, float]]) -> None:
    """Fail if the heap rose with each request of a kind; ``keeping()`` says of which kind."""
    if watch.rise >= KEPT_PER_REQUEST:
        words = ", ".join(f"{size:.0f} B by {name}" for name, size in keeping().items())
        pytest.fail(
            f"{watch.rise:.1f} B stay alive after a round of one request of each kind; in blocks of one kind:"
            f" {words or 'none'}"
        )


def keeping_kinds(dut: Dut, kinds: Sequence[RequestKind]) -> dict[str, float]:
    """What a request keeps, by kind in words, where it keeps anything: blocks of requests of one kind each."""
    kept = {}
    for position, kind in enumerate(mixed(kinds)):
        before = settled_heap(dut.heap).alloc
        for _ in range(BLOCK):
            dut.request(*mixed(kinds)[position].message)
        kept[kind.words] = (settled_heap(dut.heap).alloc - before) / BLOCK
    return {words: size for words, size in kept.items() if size >= KEPT_PER_REQUEST}


def test_heap_is_the_same_after_many_requests(dut, measure, kinds):
    def send_mix():
        assert mistakes(dut.request, mixed(kinds)) == []

    for _ in range(WARM_UP):
        send_mix()
    watch = heap_until_level(send_mix, dut.heap, EVERY, ROUNDS, SERIES, MAX_SERIES, SECONDS)
    measure("heap.alive", watch.series[0][0][1], unit="B")
    measure("heap.leak.alive", [alive for series in watch.series for _, alive in series], unit="B")
    record(measure, "heap.leak_slope", watch)
    demand_level(watch, partial(keeping_kinds, dut, kinds))


def test_heap_is_the_same_after_many_clients_at_once(dut, measure, kinds):
    host, port = dut.address

    def send_mixes():
        """A request of each kind from each client; they begin at different ones."""
        requests = as_bytes(mixed(kinds), f"{host}:{port}")
        result = run_load(
            (host, port),
            list(requests),
            CLIENTS,
            len(requests),
            check=lambda request, response: requests[request].mistake_in(response),
        )
        assert result.wrong == ()
        assert "status" not in result.errors
        if not result.latencies:  # which share of exchanges may be lost is another test's concern
            assert dut.request("GET", "/api/status").status == 200  # blocks while the network is away

    # A cache that is filling is the other test's concern.
    assert fill_caches(dut.request) == []
    send_mixes()
    watch = heap_until_level(
        send_mixes, dut.heap, 1, LOADS, SERIES, MAX_SERIES, SECONDS, weight=CLIENTS, clear=KEPT_PER_REQUEST
    )
    record(measure, "heap.load.leak_slope", watch)
    demand_level(watch, partial(keeping_kinds, dut, kinds))


def record(measure: Callable[..., None], name: str, watch: HeapWatch) -> None:
    """The steps are requests of each kind: no kind's share is diluted."""
    measure(name, [alive for _, alive in watch.judged], unit="B/request", at=[step for step, _ in watch.judged])
