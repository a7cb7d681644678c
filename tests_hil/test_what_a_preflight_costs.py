"""What a preflight and the request after it cost: time by phase beside controls, and bytes allocated."""

from __future__ import annotations

import warnings
from dataclasses import astuple
from statistics import median

import pytest
from camrig.deadline import Deadline
from camrig.gate.control_samples import count_good
from camrig.probe.overhead import overhead
from camrig.probe.preflight import preflight_headers
from camrig.probe.sampling import (
    ACTUAL,
    PREFLIGHT,
    TCP_ECHO,
    WITHOUT_CORS,
    Batch,
    Request,
    Sampler,
    order,
    reachable_echo,
)

WARM_UP = 5
BATCHES = 16  # with a quiet radio
MOST_BATCHES = 32
FEWEST_BATCHES = 4
SECONDS = 120.0
ROUNDS = 10  # in each batch
BURSTS, BURST = 12, 5
HEADERS = ("content-type", "x-frame")
PHASES = ("connect", "first_byte", "total", "on_board")
STATUS = {PREFLIGHT: 204, ACTUAL: 200, TCP_ECHO: 0, WITHOUT_CORS: 200}


def control(batch: Batch, phase: str = "total") -> list[float]:
    """The same phase of the same request without CORS: what radio and board did meanwhile."""
    return [getattr(one, phase) for one in batch.phases(WITHOUT_CORS)]


@pytest.fixture(autouse=True)
def usual(policy):
    policy(allowed_headers=list(HEADERS), allowed_methods=["GET", "POST"], max_age=600)


def test_time_by_phase_beside_controls(dut, measure, note, page):
    agent = dut.agent
    echo = None if dut.forwarded else reachable_echo(dut.address[0], agent.echo_port())
    if echo is None:
        warnings.warn(
            "the board's TCP echo is out of reach, so the request without CORS is the only control", stacklevel=1
        )
    sampler = Sampler(dut.request, Request(page, headers=HEADERS), echo=echo, radio=agent.radio, seed=1)
    sampler.warm_up(WARM_UP)
    batches: list[Batch] = []
    until = Deadline.after(SECONDS)
    while len(batches) < MOST_BATCHES and count_good([control(batch) for batch in batches]) < BATCHES:
        if until.passed and len(batches) >= FEWEST_BATCHES:
            break  # a slow board, or a slow network: fewer samples decide less, and are no failure
        batches.append(sampler.batch(ROUNDS))
    samples = [sample for batch in batches for sample in batch.samples]
    one_clock = all(0 < one.phases.on_board < one.phases.total for one in samples if one.phases.on_board is not None)
    if not one_clock:  # an emulated chip may count time of its own
        note("latency.on_board", "not measured: the board's clock does not go as this host's does")
        warnings.warn("the board's clock does not go as this host's: no times on the board", stacklevel=1)
    for kind in sampler.kinds:
        assert {sample.status for sample in samples if sample.kind == kind} == {STATUS[kind]}
        phases = [phases for batch in batches for phases in batch.phases(kind)]
        assert all(0 < phase.connect <= phase.first_byte <= phase.total for phase in phases)
        if kind == TCP_ECHO:
            for batch in batches:
                measure(f"latency.{kind}", [phase.total for phase in batch.phases(kind)], unit="ms")
            continue
        assert all(phase.on_board is not None for phase in phases)
        for batch in batches:
            for phase in PHASES if one_clock else PHASES[:-1]:
                beside = control(batch, phase) if kind != WITHOUT_CORS else ()
                taken = [getattr(one, phase) for one in batch.phases(kind)]
                measure(f"latency.{kind}.{phase}", taken, unit="ms", control=beside)
    for batch in batches if one_clock else ():
        bare = median(control(batch, "on_board"))
        for kind in (PREFLIGHT, ACTUAL):
            shares = [one.on_board / bare for one in batch.phases(kind)]
            measure(f"latency.{kind}.relative", shares, unit="x")
    heard = [batch.radio.rssi for batch in batches if batch.radio.rssi is not None]
    if heard:
        measure("wifi.rssi", heard, unit="dBm")
    note("latency.order", order(batches))
    note(
        "latency.radio", {"fields": ["rssi", "channel", "power_save"], "batches": [astuple(b.radio) for b in batches]}
    )
    note("latency.taken", {"warm_up": WARM_UP, "batches": len(batches), "rounds": ROUNDS, "seed": sampler.seed})


def test_only_a_request_that_asks_for_it_is_answered_with_its_time(preflight, http, page):
    assert preflight(page).header("Server-Timing") is None
    assert preflight(page).phases.on_board is None
    assert "Server-Timing" not in http.get("/api/status", headers={"Origin": page}).headers


def test_the_rigs_own_share_is_known(measure, note):
    found = overhead(100)
    measure("rig.overhead", found.ms, unit="ms")
    note("camrig.overhead.ratio", found.ratio)


def test_bytes_allocated_by_a_preflight(dut, measure, page):
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
