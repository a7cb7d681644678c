"""Batches: each kind once a round, in an order that depends on the seed alone."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from camrig.errors import BlockedError
from camrig.probe.agent import Radio
from camrig.probe.client import TIMING_HEADER, LostExchangeError, Phases, Response, exchange, request_bytes
from camrig.probe.sampling import (
    ACTUAL,
    ECHO_WORD,
    KINDS,
    PREFLIGHT,
    SHORT_PREFLIGHT,
    SHORT_ROUNDS,
    TCP_ECHO,
    WITHOUT_CORS,
    RequestUnderTest,
    Sampler,
    order,
    reachable_echo,
    tcp_echo,
)

PAGE = "https://panel.example"
SHORT = ("Accept", "Access-Control-Request-Method", "Access-Control-Request-Headers", "Origin")


class Wire:
    """Records each request and answers it with fixed times."""

    def __init__(self):
        self.sent = []

    def send(self, method, target, headers, body):
        self.sent.append((method, target, dict(headers), body))
        return Response(204, "", [], b"", Phases(1, 2, 3, 0.5))

    def echo(self):
        self.sent.append(("TCP", "", {}, b""))
        return Phases(1, 2, 3)


def sampler(wire, seed=7, **options):
    return Sampler(wire.send, RequestUnderTest(PAGE, "/x", "PUT", ("x-frame",), b"body"), seed=seed, **options)


def test_each_kind_sends_its_request():
    wire = Wire()
    batch = sampler(wire, echo=wire.echo, radio=lambda: Radio(-50, 6, 0)).batch(1)
    sent = dict(zip([sample.kind for sample in batch.samples], wire.sent, strict=True))
    method, target, headers, body = sent[PREFLIGHT]
    assert (method, target, body) == ("OPTIONS", "/x", b"")
    assert headers["Origin"] == PAGE
    assert headers["Access-Control-Request-Method"] == "PUT"
    assert headers["Access-Control-Request-Headers"] == "x-frame"
    assert headers["Sec-Fetch-Mode"] == "cors"
    assert sent[WITHOUT_CORS] == ("OPTIONS", "/rig/echo", headers, b"")
    method, target, short, body = sent[SHORT_PREFLIGHT]
    assert (method, target, body) == ("OPTIONS", "/x", b"")
    assert short == {name: headers[name] for name in (*SHORT, TIMING_HEADER[0])}
    assert sent[ACTUAL] == ("PUT", "/x", {"Origin": PAGE, "x-frame": "1", TIMING_HEADER[0]: "1"}, b"body")
    assert sent[TCP_ECHO][0] == "TCP"
    assert batch.radio == Radio(-50, 6, 0)
    assert batch.phases(PREFLIGHT) == [Phases(1, 2, 3, 0.5)]


def test_rounds_are_shuffled_numbered_and_repeatable():
    first = list(sampler(Wire(), echo=Wire().echo).batches(3, 5))
    repeated = list(sampler(Wire(), echo=Wire().echo).batches(3, 5))
    reseeded = list(sampler(Wire(), seed=8, echo=Wire().echo).batches(3, 5))
    assert order(first) == order(repeated) != order(reseeded)
    assert [batch.number for batch in first] == [0, 1, 2]
    assert [sample.number for batch in first for sample in batch.samples] == list(range(3 * (5 * 4 + SHORT_ROUNDS)))
    for batch in first:
        kinds = iter(order([batch]))
        rounds = [tuple(islice(kinds, 5 if number < SHORT_ROUNDS else 4)) for number in range(5)]
        assert all(set(KINDS) - set(taken) <= {SHORT_PREFLIGHT} for taken in rounds)
        assert len(set(rounds)) > 3
    assert first[0].radio is None


def test_warm_up_records_no_sample():
    wire = Wire()
    warm = sampler(wire)
    warm.warm_up(2)
    assert len(wire.sent) == 8
    every = dict.fromkeys([PREFLIGHT, ACTUAL, WITHOUT_CORS], 4)  # no echo, so none sampled
    assert Counter(order([warm.batch(4)])) == {**every, SHORT_PREFLIGHT: SHORT_ROUNDS}


def test_tcp_echo_is_timed(serving):
    host, port = serving(lambda connection, data: connection.sendall(data))
    phases = tcp_echo(host, port)
    assert 0 < phases.connect <= phases.first_byte <= phases.total
    assert phases.on_board is None


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.0 400 N/A\r\n\r\n", ECHO_WORD * 2], ids=["nothing", "an HTTP response", "the word twice"]
)
def test_port_that_does_not_echo_is_not_a_control(serving, answer):
    host, port = serving(lambda connection, data: connection.sendall(answer))
    with pytest.raises(LostExchangeError) as raised:
        tcp_echo(host, port)
    assert raised.value.cause == "malformed"
    assert reachable_echo(host, port) is None


def test_no_port_or_a_closed_port_is_not_a_control():
    assert reachable_echo("127.0.0.1", None) is None
    assert reachable_echo("127.0.0.1", 9) is None


def test_echo_that_stops_answering_blocks_the_rig(serving):
    answers = [ECHO_WORD]
    echo = reachable_echo(*serving(lambda connection, data: connection.sendall(answers.pop() if answers else b"")))
    assert echo is not None
    with pytest.raises(BlockedError, match="stopped answering"):
        echo()


def test_response_carries_the_time_on_the_board(serving):
    host, port = serving(
        lambda connection, data: connection.sendall(b"HTTP/1.0 204 N/A\r\nserver-timing: app;dur=1.250\r\n\r\n")
    )
    assert exchange(host, port, request_bytes("GET", "/", host, [TIMING_HEADER])).phases.on_board == 1.25
