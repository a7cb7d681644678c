"""Many requests leave the heap as it was, and both heaps are measured: after imports, at rest, and in use."""

from __future__ import annotations

from itertools import cycle

import pytest
from camrig.probe.heap_series import heap_series_until_level, settled_heap

WARM_UP = 100
SERIES = 4
MAX_SERIES = 16  # while the heap rises
REQUESTS = 200  # in each series; together far more than the board has served before, see below
EVERY = 40
# Bytes that a request may leave behind: less than any object that a preflight makes.
KEPT_PER_REQUEST = 16


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


def test_heap_is_the_same_after_many_requests(dut, measure, policy, preflight, page, stranger):
    # A list that only grows takes memory in steps, each time it doubles. On a freshly booted board the next step is
    # near; after a thousand requests, several hundred more may not reach one.
    with dut.restart_expected():
        pass
    policy(max_age=600)

    def send_next():
        """A preflight, or the request after it, from either origin: a library may keep something of each."""
        origin, is_preflight = next(turns)
        if is_preflight:
            assert preflight(origin, "GET", ("content-type",)).status == 204
        else:
            assert dut.request("GET", "/api/status", [("Origin", origin), ("Content-Type", "text/x")]).status == 200

    turns = cycle(((page, True), (page, False), (stranger, True), (stranger, False)))
    for _ in range(WARM_UP):
        send_next()
    # In several series, each with its own level: memory taken once, such as by a table that grows, is not a leak.
    all_series = heap_series_until_level(send_next, dut.heap, EVERY, REQUESTS, SERIES, MAX_SERIES)
    measure("heap.alive", all_series[0][0][1], unit="B")
    measure("heap.leak.alive", [alive for series in all_series for _, alive in series], unit="B")
    for series in all_series:
        measure(
            "heap.leak_slope", [alive for _, alive in series], unit="B/request", at=[count for count, _ in series]
        )
    assert all_series[-1][-1][1] - all_series[0][0][1] <= len(all_series) * REQUESTS * KEPT_PER_REQUEST
