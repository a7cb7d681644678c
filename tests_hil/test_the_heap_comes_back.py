"""What stays on both heaps: after the imports, at rest, and after many requests."""

from __future__ import annotations

from itertools import cycle

import pytest
from camrig.probe.heap_series import drained, heap_series_until_level

WARM_UP = 100
SERIES = 4
MOST_SERIES = 16  # while the heap rises
MANY = 200  # in each; together far more than the board has seen before, see below
EVERY = 40
# What they all leave behind has to stay below 16 bytes each, less than any object that a preflight makes.
KEPT_PER_REQUEST = 16


def test_bytes_retained_by_each_module(board, measure):
    if not board.imports:
        pytest.skip("a module could not be imported before the application ran; see the step 'imports'")
    assert board.imports["microdot.cors"] > 0
    for name, size in board.imports.items():
        measure(f"heap.import.{name}", size, unit="B")


def test_both_heaps_at_rest(dut, measure):
    heap = drained(dut.heap)
    measure("heap.free", heap.free, unit="B")
    assert heap.free > 0
    if heap.idf is None:
        pytest.skip("this firmware has no second heap")
    measure("heap.idf.free", sum(row[1] for row in heap.idf), unit="B")
    measure("heap.idf.largest", max(row[2] for row in heap.idf), unit="B")
    measure("heap.idf.lowest", sum(row[3] for row in heap.idf), unit="B")
    assert all(row[0] >= row[1] >= row[2] for row in heap.idf)


def test_the_heap_comes_back_after_many_requests(dut, measure, policy, preflight, page, stranger):
    # A list that nobody empties takes its bytes in steps, each when it has doubled. On a board that has just booted a
    # step is never far; after a thousand requests, several hundred more may show none.
    with dut.restart_expected():
        pass
    policy(max_age=600)

    def one():
        """A preflight, or the request after one, of either origin: a library may keep something of any."""
        origin, asks = next(turns)
        if asks:
            assert preflight(origin, "GET", ("content-type",)).status == 204
        else:
            assert dut.request("GET", "/api/status", [("Origin", origin), ("Content-Type", "text/x")]).status == 200

    turns = cycle(((page, True), (page, False), (stranger, True), (stranger, False)))
    for _ in range(WARM_UP):
        one()
    # In several series, each with a level of its own: what is taken once, such as by a table that grows, is no leak.
    found = heap_series_until_level(one, dut.heap, EVERY, MANY, SERIES, MOST_SERIES)
    measure("heap.alive", found[0][0][1], unit="B")
    measure("heap.leak.alive", [alive for series in found for _, alive in series], unit="B")
    for series in found:
        measure("heap.leak_slope", [alive for _, alive in series], unit="B/request", at=[done for done, _ in series])
    assert found[-1][-1][1] - found[0][0][1] <= len(found) * MANY * KEPT_PER_REQUEST
