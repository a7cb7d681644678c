"""What a preflight and the request after it cost: time by phase beside controls, and bytes allocated."""

from __future__ import annotations

import warnings
from dataclasses import astuple
from statistics import median

import pytest

from rig.probe.overhead import overhead
from rig.probe.preflight import preflight_headers
from rig.probe.sampling import ACTUAL, PREFLIGHT, TCP_ECHO, WITHOUT_CORS, Request, Sampler, order, reachable_echo

WARM_UP = 5
BATCHES = 10
ROUNDS = 10  # in each batch
BURST = 20
HEADERS = ("content-type", "x-frame")
STATUS = {PREFLIGHT: 204, ACTUAL: 200, TCP_ECHO: 0, WITHOUT_CORS: 200}


@pytest.fixture(autouse=True)
def usual(policy):
    policy(allowed_headers=list(HEADERS), allowed_methods=["GET", "POST"], max_age=600)


def test_time_by_phase_beside_controls(dut, measure, note, page):
    agent = dut.agent
    echo = reachable_echo(dut.address[0], agent.echo_port())
    if echo is None:
        warnings.warn(
            "the board's TCP echo is out of reach, so the request without CORS is the only control", stacklevel=1
        )
    sampler = Sampler(dut.request, Request(page, headers=HEADERS), echo=echo, radio=agent.radio, seed=1)
    sampler.warm_up(WARM_UP)
    batches = list(sampler.batches(BATCHES, ROUNDS))
    samples = [sample for batch in batches for sample in batch.samples]
    for kind in sampler.kinds:
        assert {sample.status for sample in samples if sample.kind == kind} == {STATUS[kind]}
        phases = [phases for batch in batches for phases in batch.phases(kind)]
        assert all(0 < phase.connect <= phase.first_byte <= phase.total for phase in phases)
        if kind == TCP_ECHO:
            measure(f"latency.{kind}", [phase.total for phase in phases], unit="ms")
            continue
        measure(f"latency.{kind}.connect", [phase.connect for phase in phases], unit="ms")
        measure(f"latency.{kind}.first_byte", [phase.first_byte for phase in phases], unit="ms")
        measure(f"latency.{kind}.total", [phase.total for phase in phases], unit="ms")
        assert all(phase.on_board is not None and 0 < phase.on_board < phase.total for phase in phases)
        measure(f"latency.{kind}.on_board", [phase.on_board for phase in phases], unit="ms")
    heard = [batch.radio.rssi for batch in batches if batch.radio.rssi is not None]
    if heard:
        measure("wifi.rssi", heard, unit="dBm")
    note("latency.order", order(batches))
    note(
        "latency.radio", {"fields": ["rssi", "channel", "power_save"], "batches": [astuple(b.radio) for b in batches]}
    )
    note("latency.taken", {"warm_up": WARM_UP, "batches": BATCHES, "rounds": ROUNDS, "seed": sampler.seed})


def test_only_a_request_that_asks_for_it_is_answered_with_its_time(preflight, http, page):
    assert preflight(page).header("Server-Timing") is None
    assert preflight(page).phases.on_board is None
    assert "Server-Timing" not in http.get("/api/status", headers={"Origin": page}).headers


def test_the_rigs_own_share_is_known(measure, note):
    found = overhead(100)
    measure("rig.overhead", found.ms, unit="ms")
    note("rig.overhead.ratio", found.ratio)


def test_bytes_allocated_by_a_preflight(dut, measure, page):
    headers = preflight_headers(page, "POST", HEADERS)
    whole = dut.agent.allocations("OPTIONS", "/api/status", headers, BURST)
    bare = dut.agent.allocations("OPTIONS", "/api/status", headers, BURST, bare=True)
    assert whole.status == 204
    assert bare.status == 200
    assert min(whole.bytes) > 0
    measure("heap.preflight.allocated", whole.bytes, unit="B")
    measure("heap.preflight.cors_share", median(whole.bytes) - median(bare.bytes), unit="B")
