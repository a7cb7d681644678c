"""Four clients at once are served; more may be refused, but do not bring the server down."""

from __future__ import annotations

from dataclasses import replace

import pytest
from camrig.measure.losses import certainly_exceeds, loss_sentence
from camrig.probe.agent import ECHO
from camrig.probe.client import request_bytes
from camrig.probe.heap_series import settled_heap
from camrig.probe.load import run_beside_controls, run_load
from camrig.probe.preflight import preflight_headers
from cors_expectation import NOTHING, ORIGINS, PAGE, STATUS, STRANGER, Cors, differences, expect_cors

CLIENTS = (1, 2, 4, 8)
SERVED = 4  # clients at once that every board must serve
REQUESTS = 12  # of each client
REQUESTS_FOR_PEAK = 4
SECONDS = 60
AFTERWARDS = Cors(origin=PAGE, credentials="true", expose="X-Frame", vary="Origin")


@pytest.fixture
def requests(dut, policy):
    """Requests as bytes, each with the headers and the status of its answer: from pages in turn, and preflights."""
    policy(allow_credentials=True, expose_headers=["X-Frame"], max_age=600)
    host, port = dut.address
    expected = {}
    for origin in (PAGE, STRANGER, *ORIGINS, None):
        cors = NOTHING
        if origin in ORIGINS:
            cors = Cors(origin=origin, credentials="true", expose="X-Frame", vary="Origin")
        sent = [("Origin", origin)] if origin else []
        expected[request_bytes("GET", STATUS, f"{host}:{port}", sent)] = cors, 200
        if origin:
            granted = replace(cors, methods="PUT", headers="x-frame", max_age="600") if cors.origin else NOTHING
            sent = preflight_headers(origin, "PUT", ["x-frame"])
            expected[request_bytes("OPTIONS", STATUS, f"{host}:{port}", sent)] = granted, 204
    return expected


@pytest.fixture
def load(dut, requests):
    """Run clients at once, all of whose answers must have the headers of their own request."""

    def run(clients: int, each: int, **counting):
        def check(request, response):
            texts = differences(response, *requests[request])
            return f"{texts[0]}\n{request.decode()}\n{response.headers}" if texts else ""

        result = run_load(dut.address, list(requests), clients, each, SECONDS, check=check, **counting)
        if result.wrong:
            pytest.fail(f"{len(result.wrong)} of {clients * each} answers are wrong; the first: {result.wrong[0]}")
        return result

    return run


@pytest.fixture
def load_beside_controls(dut, load):
    """Run clients at once, and the same number of clients whose requests pass no library."""
    host, port = dut.address
    echo = [request_bytes("GET", ECHO, f"{host}:{port}", [])]

    def run(clients: int, each: int):
        return run_beside_controls(
            lambda counts, kind: load(clients, each, counts=counts, kind=kind),
            lambda counts, kind: run_load(dut.address, echo, clients, each, SECONDS, counts=counts, kind=kind),
        )

    return run


@pytest.mark.parametrize("clients", CLIENTS, ids=lambda clients: f"{clients} clients")
def test_clients_at_once_are_served(measure, note, load_beside_controls, send, clients):
    compared = load_beside_controls(clients, REQUESTS)
    result, requests, controls = compared.result, compared.requests, compared.controls
    for first in range(0, len(result.latencies), clients):  # about one request of each client
        measure(f"load.c{clients}.latency", result.latencies[first : first + clients], unit="ms")
    measure(f"load.c{clients}.errors", result.failed, unit="n")
    note(f"load.c{clients}.errors", result.errors)
    note(f"load.c{clients}.unsent", result.unsent)
    note(f"load.c{clients}.losses", loss_sentence(requests, controls))
    expect_cors(send(), AFTERWARDS)  # blocks while the network is away
    assert len(result.latencies) >= min(clients, controls.total - controls.lost)  # a slow board may run out of time
    if clients <= SERVED:
        assert "status" not in result.errors
        assert not certainly_exceeds(requests, controls), loss_sentence(requests, controls)


@pytest.mark.parametrize("clients", CLIENTS, ids=lambda clients: f"{clients} clients")
def test_heap_has_room_for_clients_at_once(dut, measure, load, send, clients):
    dut.agent.start_peak()
    try:
        load(clients, REQUESTS_FOR_PEAK)
    finally:
        peak = dut.agent.stop_peak()
    expect_cors(send(), AFTERWARDS)
    after = settled_heap(dut.heap)
    measure(f"heap.peak.c{clients}", peak, unit="B")
    assert 0 < peak < after.alloc + after.free
