"""Whatever a client does, the next one is served, and what it cost the heap comes back."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise

import pytest
from camrig.probe.client import LostExchangeError, exchange, request_bytes
from camrig.probe.heap_series import drained
from camrig.probe.misbehaving_clients import GET, SCENARIOS, closed_by_server, connected
from camrig.probe.preflight import preflight_headers

SECONDS_TO_ANSWER = 10
# A connection that is never let go keeps its task and its stream, more than this on any board.
KEPT = 512
ROUNDS = 2


@pytest.fixture
def answered(dut, policy, page):
    """Fails unless a preflight is answered in time, and as always."""
    policy()
    host, port = dut.address
    raw = request_bytes("OPTIONS", "/api/status", f"{host}:{port}", preflight_headers(page, "GET"))

    def check(when):
        try:
            answer = exchange(host, port, raw, SECONDS_TO_ANSWER)
        except LostExchangeError as error:
            pytest.fail(f"{when} a preflight got no answer within {SECONDS_TO_ANSWER} s: {error}")
        assert answer.status == 204, when
        assert answer.header("Access-Control-Allow-Origin") == page, when

    return check


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_next_preflight_is_answered_and_the_heap_returns(dut, answered, name):
    answered("before it")
    alive = [drained(dut.heap).alloc]
    for _ in range(ROUNDS):
        with SCENARIOS[name](dut.address):
            answered("while the client holds on,")
        answered("after the client left,")
        alive.append(drained(dut.heap).alloc)
    # What is kept for good is kept every time; a stale word that the collector takes for a pointer is not.
    assert min(after - before for before, after in pairwise(alive)) <= KEPT


@pytest.fixture
def impatient(dut):
    """A server that bears a stalled client for one second."""
    usual = dut.agent.patience()
    if usual is None:
        pytest.skip("this application has no patience to set: it waits for its clients for ever")
    dut.agent.patience(1)
    yield
    dut.agent.patience(usual)


STALLED = {
    "nothing": b"",
    "half a head": GET,
    "one line": b"GET /stream?interval_ms=0 HTTP/1.1\r\n",
    "half a body": b"POST /api/status HTTP/1.1\r\nContent-Length: 9\r\n\r\nbody",
}


def stall(dut, answered):
    """Clients that stall beside a slow stream; how many bytes are alive when all of them are gone."""
    with ExitStack() as held:
        clients = {name: held.enter_context(connected(dut.address)) for name in STALLED}
        for name, client in clients.items():
            client.sendall(STALLED[name])
        with connected(dut.address) as stream:
            stream.sendall(b"GET /stream?frames=2&interval_ms=2100 HTTP/1.1\r\nHost: board\r\n\r\n")
            kept = [name for name, client in clients.items() if not closed_by_server(client, SECONDS_TO_ANSWER)]
            assert kept == []
            answered("while the clients still hold their ends,")
            seen = b"".join(iter(lambda: stream.recv(65536), b""))
        assert seen.count(b"\xff\xd8\xff") == 2
        return drained(dut.heap).alloc


def test_clients_that_stall_are_let_go_and_slow_streams_are_not(dut, impatient, answered):
    # The first round also pays for what is made once, such as a route that nobody asked for before.
    alive = [stall(dut, answered) for _ in range(ROUNDS + 1)]
    assert min(after - before for before, after in pairwise(alive)) <= KEPT
