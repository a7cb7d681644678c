"""What a preflight costs the board: time on the wire, bytes allocated, and whether the heap comes back."""

from __future__ import annotations

from statistics import median

import pytest

from rig.probe.agent import ECHO
from rig.probe.preflight import preflight_headers

WARM_UP = 5
ROUNDS = 100
BURST = 20
MANY = 200
HEADERS = ("content-type", "x-frame")
READINGS = 3
# What 200 preflights leave behind has to stay below 16 bytes each, less than any object that a preflight makes.
KEPT_PER_PREFLIGHT = 16


def settled(dut):
    """The heap at rest: MicroPython's collector is conservative, a stale pointer may keep a dead object once."""
    return min((dut.heap() for _ in range(READINGS)), key=lambda heap: heap.alloc)


@pytest.fixture(autouse=True)
def usual(policy):
    policy(allowed_headers=list(HEADERS), allowed_methods=["GET", "POST"], max_age=600)


def test_latency_beside_the_same_request_without_cors(dut, measure, page):
    headers = preflight_headers(page, "POST", HEADERS)
    targets = {"preflight": "/api/status", "without_cors": ECHO}
    for _ in range(WARM_UP):
        for target in targets.values():
            dut.request("OPTIONS", target, headers)
    samples = {name: [] for name in targets}
    for _ in range(ROUNDS):  # taken in turn, so that a bad minute of the network hits both
        for name, target in targets.items():
            response = dut.request("OPTIONS", target, headers)
            assert response.status == (204 if name == "preflight" else 200)
            samples[name].append(response.phases)
    for name, phases in samples.items():
        measure(f"latency.{name}.connect", [phase.connect for phase in phases], unit="ms")
        measure(f"latency.{name}.first_byte", [phase.first_byte for phase in phases], unit="ms")
        measure(f"latency.{name}.total", [phase.total for phase in phases], unit="ms")
    assert all(0 < phase.connect <= phase.first_byte <= phase.total for phase in samples["preflight"])


def test_bytes_allocated_by_a_preflight(dut, measure, page):
    headers = preflight_headers(page, "POST", HEADERS)
    whole = dut.agent.allocations("OPTIONS", "/api/status", headers, BURST)
    bare = dut.agent.allocations("OPTIONS", "/api/status", headers, BURST, bare=True)
    assert whole.status == 204
    assert bare.status == 200
    assert min(whole.bytes) > 0
    measure("heap.preflight.allocated", whole.bytes, unit="B")
    measure("heap.without_cors.allocated", bare.bytes, unit="B")
    measure("heap.preflight.cors_share", median(whole.bytes) - median(bare.bytes), unit="B")


def test_the_heap_comes_back_after_many_preflights(dut, measure, preflight, page):
    for _ in range(WARM_UP):
        preflight(page, "POST", HEADERS)
    before = settled(dut)
    for _ in range(MANY):
        assert preflight(page, "POST", HEADERS).status == 204
    after = settled(dut)
    measure("heap.free.before", before.free, unit="B")
    measure("heap.free.after_200", after.free, unit="B")
    measure("heap.kept_by_200", after.alloc - before.alloc, unit="B")
    if before.idf and after.idf:
        measure("heap.idf.free.before", sum(row[1] for row in before.idf), unit="B")
        measure("heap.idf.free.after_200", sum(row[1] for row in after.idf), unit="B")
        measure("heap.idf.lowest", sum(row[3] for row in after.idf), unit="B")
    assert after.alloc - before.alloc <= MANY * KEPT_PER_PREFLIGHT
