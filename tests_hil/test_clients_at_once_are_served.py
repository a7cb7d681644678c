"""Four clients at once are served; more may be refused, but do not bring the server down."""

from __future__ import annotations

import pytest
from camrig.probe.client import request_bytes
from camrig.probe.heap_series import settled_heap
from camrig.probe.load import run_load
from camrig.probe.preflight import preflight_headers

CLIENTS = (1, 2, 4, 8)
SERVED = 4  # clients at once that every board must serve
REQUESTS = 12  # of each client
REQUESTS_FOR_PEAK = 4
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


@pytest.mark.parametrize("clients", CLIENTS, ids=lambda clients: f"{clients} clients")
def test_clients_at_once_are_served(dut, measure, note, requests, preflight, page, clients):
    result = run_load(dut.address, requests, clients, REQUESTS, SECONDS)
    for first in range(0, len(result.latencies), clients):  # about one request of each client
        measure(f"load.c{clients}.latency", result.latencies[first : first + clients], unit="ms")
    measure(f"load.c{clients}.errors", result.failed, unit="n")
    note(f"load.c{clients}.errors", result.errors)
    note(f"load.c{clients}.unsent", result.unsent)
    assert preflight(page).header("Access-Control-Allow-Origin") == page
    assert len(result.latencies) >= clients  # a slow board may run out of time
    if clients <= SERVED:
        assert result.errors == {}


@pytest.mark.parametrize("clients", CLIENTS, ids=lambda clients: f"{clients} clients")
def test_heap_has_room_for_clients_at_once(dut, measure, requests, preflight, page, clients):
    dut.agent.start_peak()
    try:
        run_load(dut.address, requests, clients, REQUESTS_FOR_PEAK, SECONDS)
    finally:
        peak = dut.agent.stop_peak()
    assert preflight(page).header("Access-Control-Allow-Origin") == page
    after = settled_heap(dut.heap)
    measure(f"heap.peak.c{clients}", peak, unit="B")
    assert 0 < peak < after.alloc + after.free
