"""Whatever a client does, the next one is served, and the heap that it used is freed."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import pairwise

import pytest
from camrig.probe.client import LostExchangeError, cause_of, exchange, request_bytes
from camrig.probe.heap_series import settled_heap
from camrig.probe.misbehaving_clients import GET, SCENARIOS, closed_by_server, open_connection, read_to_end
from camrig.probe.preflight import preflight_headers
from cors_expectation import NOTHING, PAGE, STATUS, STRANGER, Cors, Exchange, expect_all

SECONDS_TO_ANSWER = 10
# A connection that is never closed keeps its task and its stream: more than this on any board.
KEPT = 512
ROUNDS = 2


@pytest.fixture
def check_answered(dut, policy):
    """Fail unless a preflight and a request of a stranger are answered with their own headers.

    Raises LostExchangeError unless both are answered in time.
    """
    values = policy(max_age=600)
    host, port = dut.address
    granted = Cors(origin=PAGE, methods="GET", max_age="600", vary="Origin")
    exchanges = (
        ("OPTIONS", preflight_headers(PAGE, "GET"), granted, 204),
        ("GET", [("Origin", STRANGER)], NOTHING, 200),
    )

    def check(when):
        rows = []
        for method, headers, cors, status in exchanges:
            raw = request_bytes(method, STATUS, f"{host}:{port}", headers)
            try:
                response = exchange(host, port, raw, SECONDS_TO_ANSWER)
            except LostExchangeError as error:
                lost = f"{when} a {method} got no answer within {SECONDS_TO_ANSWER} s: {error}"
                raise LostExchangeError(lost, error.cause) from None
            rows.append((Exchange(values, method, STATUS, headers, response, f" ({when})"), cors, status))
        expect_all(rows)

    return check


@pytest.fixture
def repeat_lost(dut):
    """Repeat what loses exchanges beside a misbehaving client, until it is clear who loses them."""

    def repeat(name, action):
        def send(seconds):
            try:
                return action()
            except OSError as error:
                raise LostExchangeError(str(error), cause_of(error)) from None

        return dut.repeat_lost(f"an exchange beside a client ({name})", send)

    return repeat


@pytest.mark.parametrize("name", SCENARIOS)
def test_next_preflight_is_answered_and_the_heap_returns(dut, repeat_lost, check_answered, name):
    def misbehave():
        with SCENARIOS[name](dut.address):
            check_answered("while the client stays connected,")
        check_answered("after the client disconnected,")

    repeat_lost(name, lambda: check_answered("before the client came,"))
    alive = [settled_heap(dut.heap).alloc]
    for _ in range(ROUNDS):
        repeat_lost(name, misbehave)
        alive.append(settled_heap(dut.heap).alloc)
    # A leak shows in every round; a stale word that the collector takes for a pointer does not.
    assert min(after - before for before, after in pairwise(alive)) <= KEPT


@pytest.fixture
def short_timeout(dut):
    """A server that disconnects a stalled client after one second."""
    usual = dut.agent.client_timeout()
    if usual is None:
        pytest.skip("this application has no client_timeout_s: it waits for stalled clients forever")
    dut.agent.set_client_timeout(1)
    yield
    dut.agent.set_client_timeout(usual)


STALLED = {
    "nothing": b"",
    "half a head": GET,
    "one line": b"GET /stream?interval_ms=0 HTTP/1.1\r\n",
    "half a body": b"POST /api/status HTTP/1.1\r\nContent-Length: 9\r\n\r\nbody",
}


def stall(dut, check_answered):
    """Bytes alive after clients stalled beside a slow stream and were disconnected."""
    with ExitStack() as stack:
        clients = {name: stack.enter_context(open_connection(dut.address)) for name in STALLED}
        for name, client in clients.items():
            client.sendall(STALLED[name])
        with open_connection(dut.address) as stream:
            stream.sendall(b"GET /stream?frames=2&interval_ms=2100 HTTP/1.1\r\nHost: board\r\n\r\n")
            still_open = [name for name, client in clients.items() if not closed_by_server(client, SECONDS_TO_ANSWER)]
            assert still_open == []
            check_answered("while the clients have not closed their ends,")
            frames = read_to_end(stream, SECONDS_TO_ANSWER)
        if frames.count(b"\xff\xd8\xff") != 2:
            raise LostExchangeError("the slow stream did not have its two frames", "reset")
        return settled_heap(dut.heap).alloc


def test_stalled_clients_are_disconnected_and_slow_streams_are_not(dut, short_timeout, repeat_lost, check_answered):
    # The first round also pays for what is allocated once, such as a route that was never requested before.
    alive = [repeat_lost("stalled", lambda: stall(dut, check_answered)) for _ in range(ROUNDS + 1)]
    assert min(after - before for before, after in pairwise(alive)) <= KEPT
