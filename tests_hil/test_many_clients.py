"""Four clients at once are served; more may be refused, but never take the server down."""

from __future__ import annotations

import pytest
from camrig.probe.client import request_bytes
from camrig.probe.heap_series import drained
from camrig.probe.load import load
from camrig.probe.preflight import preflight_headers

LEVELS = (1, 2, 4, 8)
ALWAYS = 4  # so many at once every board has to serve
EACH = 12
EACH_FOR_PEAK = 4
SECONDS = 60


@pytest.fixture
def requests(dut, policy, page):
    """A preflight and the request after it, as bytes."""
    policy()
    host, port = dut.address
    return [
        request_bytes("OPTIONS", "/api/status", f"{host}:{port}", preflight_headers(page, "GET")),
        request_bytes("GET", "/api/status", f"{host}:{port}", [("Origin", page)]),
    ]


@pytest.mark.parametrize("clients", LEVELS)
def test_clients_at_once(dut, measure, note, requests, preflight, page, clients):
    level = load(dut.address, requests, clients, EACH, SECONDS)
    for first in range(0, len(level.latencies), clients):  # about a request of each client
        measure(f"load.c{clients}.latency", level.latencies[first : first + clients], unit="ms")
    measure(f"load.c{clients}.errors", level.failed, unit="n")
    note(f"load.c{clients}.errors", level.errors)
    note(f"load.c{clients}.unsent", level.unsent)
    assert preflight(page).header("Access-Control-Allow-Origin") == page
    assert len(level.latencies) >= clients  # a slow board may not come to all of them in its time
    if clients <= ALWAYS:
        assert level.errors == {}


@pytest.mark.parametrize("clients", LEVELS)
def test_the_heaps_peak_under_clients_at_once(dut, measure, requests, preflight, page, clients):
    dut.agent.peak(True)
    try:
        load(dut.address, requests, clients, EACH_FOR_PEAK, SECONDS)
    finally:
        most = dut.agent.peak(False)
    assert preflight(page).header("Access-Control-Allow-Origin") == page
    after = drained(dut.heap)
    measure(f"heap.peak.c{clients}", most, unit="B")
    assert 0 < most < after.alloc + after.free
