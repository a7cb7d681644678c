"""The cost of a browser's preflight and of the request after it by phase, beside controls and a preflight with four
headers; of each kind of request, what CORS adds to its time on the board, and the bytes that it allocates."""

from __future__ import annotations

import warnings
from dataclasses import astuple
from statistics import median

import pytest
from camrig.deadline import Deadline
from camrig.gate.control_samples import count_good
from camrig.probe.added_time import UNIT, AddedTimeSampler
from camrig.probe.agent import Allocation
from camrig.probe.lost_exchanges import repeated_echo
from camrig.probe.overhead import measure_overhead
from camrig.probe.request_kinds import PAGE, POLICY, SHORT
from camrig.probe.request_mix import fill_caches, kinds_of_application, mistakes, over_route
from camrig.probe.sampling import (
    ACTUAL,
    PREFLIGHT,
    SHORT_PREFLIGHT,
    TCP_ECHO,
    WITHOUT_CORS,
    ExchangeBatch,
    Sampler,
    order,
)
from routes import bare_side, extra_routes

WARM_UP = 5
BATCHES = 16  # with a quiet radio
MAX_BATCHES = 32
MIN_BATCHES = 4
SECONDS = 120.0
ROUNDS = 10  # in each batch
ADDED_BATCHES, ADDED_ROUNDS = 20, 4
BURSTS, BURST = 12, 5
MIN_BURSTS = 4
PHASES = ("connect", "first_byte", "total", "on_board")
STATUS = {PREFLIGHT: 204, SHORT_PREFLIGHT: 204, ACTUAL: 200, TCP_ECHO: 0, WITHOUT_CORS: 200}


def control(batch: ExchangeBatch, phase: str = "total") -> list[float]:
    """The same phase of the same request without CORS: what radio and board cost meanwhile."""
    return [getattr(phases, phase) for phases in batch.phases(WITHOUT_CORS)]


def test_time_of_each_phase_is_measured_beside_controls(dut, policy, measure, note):
    policy(**POLICY)
    agent = dut.agent
    echo = None if dut.forwarded else repeated_echo(dut.repeat_lost, dut.address[0], agent.echo_port())
    if echo is None:
        warnings.warn(
            "the board's TCP echo cannot be reached, so the request without CORS is the only control", stacklevel=1
        )
    sampler = Sampler(dut.request, PAGE, echo=echo, radio=agent.radio, seed=1)
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


def test_response_has_no_server_timing_unless_requested(policy, preflight, http, page):
    policy()
    assert preflight(page).header("Server-Timing") is None
    assert preflight(page).phases.on_board is None
    assert "Server-Timing" not in http.get("/api/status", headers={"Origin": page}).headers


def test_rigs_own_share_is_measured(measure, note):
    overhead = measure_overhead(100)
    measure("rig.overhead", overhead.ms, unit="ms")
    note("camrig.overhead.ratio", overhead.ratio)


@pytest.fixture(scope="module")
def light_route(dut, _policy):
    """The kinds of requests of this application, those of its page over a route that does next to nothing.

    A page that takes twenty times as long as the library hides it, and what it allocates may vary. A cache of origins
    or header names is full by then.
    """
    with extra_routes(dut, light=("light", 200, {})):
        _policy(**POLICY)
        assert fill_caches(dut.request) == []
        yield [*over_route(kinds_of_application(dut.request), "/suite/light"), SHORT]


@pytest.fixture
def kinds(light_route, policy, dut):
    """The same, under the policy that they are meant for, and answered once."""
    policy(**POLICY)
    assert mistakes(dut.request, light_route) == []
    return light_route


def test_time_that_cors_adds_to_each_kind_of_request_is_measured(dut, measure, kinds):
    def check(kind, is_bare, response):
        assert response.status in kind.statuses
        assert is_bare or not kind.mistake_in(response), kind.words

    sampler = AddedTimeSampler(dut.request, kinds, check=check, seed=1)
    with bare_side(dut):
        sampler.batch(WARM_UP)
        until = Deadline.after(SECONDS)
        for number in range(ADDED_BATCHES):
            if until.passed and number >= MIN_BATCHES:
                break
            for name, points in sampler.batch(ADDED_ROUNDS).items():
                measure(f"latency.{name}.added", points, unit=UNIT)


def test_bytes_allocated_by_each_kind_of_request_are_counted(dut, measure, kinds):
    until = Deadline.after(SECONDS)
    for kind in kinds:
        method, target, headers, _ = kind.message
        bursts: list[Allocation] = []
        while len(bursts) < (MIN_BURSTS if until.passed else BURSTS):
            bursts.append(dut.agent.allocations(method, target, headers, BURST))
        bare = dut.agent.allocations(method, target, headers, BURST, bare=True)
        assert {burst.status for burst in bursts} == {dut.request(*kind.message).status}, kind.words
        assert bare.status in kind.statuses, kind.words
        assert all(min(burst.bytes) > 0 for burst in bursts), kind.words
        for burst in bursts:
            measure(f"heap.{kind.name}.allocated", burst.bytes, unit="B")
        added = median(value for burst in bursts for value in burst.bytes) - median(bare.bytes)
        measure(f"heap.{kind.name}.added", added, unit="B")
        if kind.name == PREFLIGHT:
            measure("heap.preflight.cors_share", added, unit="B")
