"""The cost of a preflight and of the request after it: time by phase beside controls, and bytes allocated."""

from __future__ import annotations

import warnings
from dataclasses import astuple
from statistics import median

import pytest
from camrig.deadline import Deadline
from camrig.gate.control_samples import count_good
from camrig.probe.lost_exchanges import repeated_echo
from camrig.probe.overhead import measure_overhead
from camrig.probe.preflight import preflight_headers
from camrig.probe.sampling import (
    ACTUAL,
    PREFLIGHT,
    TCP_ECHO,
    WITHOUT_CORS,
    ExchangeBatch,
    RequestUnderTest,
    Sampler,
    order,
)

WARM_UP = 5
BATCHES = 16  # with a quiet radio
MAX_BATCHES = 32
MIN_BATCHES = 4
SECONDS = 120.0
ROUNDS = 10  # in each batch
BURSTS, BURST = 12, 5
HEADERS = ("content-type", "x-frame")
PHASES = ("connect", "first_byte", "total", "on_board")
STATUS = {PREFLIGHT: 204, ACTUAL: 200, TCP_ECHO: 0, WITHOUT_CORS: 200}


def control(batch: ExchangeBatch, phase: str = "total") -> list[float]:
    """The same phase of the same request without CORS: what radio and board cost meanwhile."""
    return [getattr(phases, phase) for phases in batch.phases(WITHOUT_CORS)]


@pytest.fixture(autouse=True)
def policy_of_the_measurement(policy):
    policy(allowed_headers=list(HEADERS), allowed_methods=["GET", "POST"], max_age=600)


def test_time_of_each_phase_is_measured_beside_controls(dut, measure, note, page):
    agent = dut.agent
    echo = None if dut.forwarded else repeated_echo(dut.repeat_lost, dut.address[0], agent.echo_port())
    if echo is None:
        warnings.warn(
            "the board's TCP echo cannot be reached, so the request without CORS is the only control", stacklevel=1
        )
    sampler = Sampler(dut.request, RequestUnderTest(page, headers=HEADERS), echo=echo, radio=agent.radio, seed=1)
    sampler.warm_up(WARM_UP)
    batches: list[ExchangeBatch] = []
    until = Deadline.after(SECONDS)
    while len(batches) < MAX_BATCHES and count_good([control(batch) for batch in batches]) < BATCHES:
        if until.passed and len(batches) >= MIN_BATCHES:
            break  # a slow board or network: fewer samples decide less, but are not a failure
        batches.append(sampler.batch(ROUNDS))
    samples = [sample for batch in batches for sample in batch.samples]
    timed = [sample.phases for sample in samples if sample.phases.on_board is not None]
    same_clock = all(0 < phases.on_board < phases.total for phases in timed)
    if not same_clock:  # an emulated chip may run at another speed than its clock
        note("latency.on_board", "not measured: the board's clock does not run like this host's")
        warnings.warn("the board's clock does not run like this host's: no times on the board", stacklevel=1)
    for kind in sampler.kinds:
        assert {sample.status for sample in samples if sample.kind == kind} == {STATUS[kind]}
        exchanges = [phases for batch in batches for phases in batch.phases(kind)]
        assert all(0 < phases.connect <= phases.first_byte <= phases.total for phases in exchanges)
        if kind == TCP_ECHO:
            for batch in batches:
                measure(f"latency.{kind}", [phases.total for phases in batch.phases(kind)], unit="ms")
            continue
        assert all(phases.on_board is not None for phases in exchanges)
        for batch in batches:
            for phase in PHASES if same_clock else PHASES[:-1]:
                controls = control(batch, phase) if kind != WITHOUT_CORS else ()
                times = [getattr(phases, phase) for phases in batch.phases(kind)]
                measure(f"latency.{kind}.{phase}", times, unit="ms", control=controls)
    for batch in batches if same_clock else ():
        bare = median(control(batch, "on_board"))
        for kind in (PREFLIGHT, ACTUAL):
            ratios = [phases.on_board / bare for phases in batch.phases(kind)]
            measure(f"latency.{kind}.relative", ratios, unit="x")
    strengths = [batch.radio.rssi for batch in batches if batch.radio.rssi is not None]
    if strengths:
        measure("wifi.rssi", strengths, unit="dBm")
    note("latency.order", order(batches))
    note(
        "latency.radio", {"fields": ["rssi", "channel", "power_save"], "batches": [astuple(b.radio) for b in batches]}
    )
    note("latency.taken", {"warm_up": WARM_UP, "batches": len(batches), "rounds": ROUNDS, "seed": sampler.seed})


def test_response_has_no_server_timing_unless_requested(preflight, http, page):
    assert preflight(page).header("Server-Timing") is None
    assert preflight(page).phases.on_board is None
    assert "Server-Timing" not in http.get("/api/status", headers={"Origin": page}).headers


def test_rigs_own_share_is_measured(measure, note):
    overhead = measure_overhead(100)
    measure("rig.overhead", overhead.ms, unit="ms")
    note("camrig.overhead.ratio", overhead.ratio)


def test_bytes_allocated_by_a_preflight_are_counted(dut, measure, page):
    headers = preflight_headers(page, "POST", HEADERS)
    bursts = [dut.agent.allocations("OPTIONS", "/api/status", headers, BURST) for _ in range(BURSTS)]
    bare = dut.agent.allocations("OPTIONS", "/api/status", headers, BURST, bare=True)
    assert {burst.status for burst in bursts} == {204}
    assert bare.status == 200
    assert all(min(burst.bytes) > 0 for burst in bursts)
    for burst in bursts:
        measure("heap.preflight.allocated", burst.bytes, unit="B")
    share = median(value for burst in bursts for value in burst.bytes) - median(bare.bytes)
    measure("heap.preflight.cors_share", share, unit="B")
