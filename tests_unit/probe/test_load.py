"""Many clients at once: each exchange is counted, as a latency or as an error by cause."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from camrig.probe.load import run_load

GOOD = b"HTTP/1.0 204 N/A\r\n\r\n"


def request(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\n\r\n" % number


def test_all_clients_are_connected_at_the_same_time(serving):
    together = threading.Barrier(4)

    def answer(connection, data):
        together.wait(10)
        connection.sendall(GOOD)

    result = run_load(serving(answer), [request(0)], 4, 3)
    assert (result.concurrency, len(result.latencies), result.errors, result.failed) == (4, 12, {}, 0)
    assert all(ms > 0 for ms in result.latencies)


def test_requests_are_taken_in_turn(serving):
    received = []

    def answer(connection, data):
        received.append(data)
        connection.sendall(GOOD)

    run_load(serving(answer), [request(0), request(1)], 2, 4)
    assert received.count(request(0)) == received.count(request(1)) == 4


def reset(connection, data):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (lambda connection, data: connection.sendall(b"HTTP/1.0 500 N/A\r\n\r\n"), "status"),
        (lambda connection, data: connection.sendall(b"noise"), "malformed"),
        (lambda connection, data: None, "reset"),
        (lambda connection, data: connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"), "reset"),
        (reset, "reset"),
    ],
    ids=["status 500", "not HTTP", "closed", "cut off", "reset"],
)
def test_errors_are_counted_by_cause(serving, answer, cause):
    result = run_load(serving(answer), [request(0)], 2, 2)
    assert result.errors == {cause: 4}
    assert result.latencies == ()


def test_answers_that_a_check_refuses_are_kept_and_are_not_errors(serving):
    answer = serving(lambda connection, data: connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n"))
    result = run_load(answer, [request(0)], 2, 2, check=lambda sent, response: f"{response.status} is wrong")
    assert result.wrong == ("200 is wrong",) * 4
    assert result.errors == {}
    assert len(result.latencies) == 4


def test_refused_connections_are_counted():
    assert run_load(("127.0.0.1", 9), [request(0)], 2, 2).errors == {"refused": 4}


def test_load_on_a_silent_server_ends_after_its_time(serving):
    result = run_load(
        serving(lambda connection, data: connection.recv(1)), [request(0)], 2, 50, seconds=1.2, timeout=0.4
    )
    assert set(result.errors) == {"timeout"}
    assert result.failed < 10
    assert result.failed + result.unsent == 100
