"""Many clients at once: every exchange is counted, as a latency or as an error of its kind."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from camrig.probe.load import load

GOOD = b"HTTP/1.0 204 N/A\r\n\r\n"


def request(number: int) -> bytes:
    return b"GET /%d HTTP/1.1\r\n\r\n" % number


def test_all_clients_are_connected_at_once(serving):
    together = threading.Barrier(4)

    def answer(connection, data):
        together.wait(10)
        connection.sendall(GOOD)

    level = load(serving(answer), [request(0)], 4, 3)
    assert (level.concurrency, len(level.latencies), level.errors, level.failed) == (4, 12, {}, 0)
    assert all(ms > 0 for ms in level.latencies)


def test_requests_are_taken_in_turn(serving):
    seen = []

    def answer(connection, data):
        seen.append(data)
        connection.sendall(GOOD)

    load(serving(answer), [request(0), request(1)], 2, 4)
    assert seen.count(request(0)) == seen.count(request(1)) == 4


def reset(connection, data):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda connection, data: connection.sendall(b"HTTP/1.0 500 N/A\r\n\r\n"), "status"),
        (lambda connection, data: connection.sendall(b"noise"), "malformed"),
        (lambda connection, data: None, "reset"),
        (lambda connection, data: connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n"), "reset"),
        (reset, "reset"),
    ],
)
def test_errors_by_kind(serving, answer, kind):
    level = load(serving(answer), [request(0)], 2, 2)
    assert level.errors == {kind: 4}
    assert level.latencies == ()


def test_nobody_listens():
    assert load(("127.0.0.1", 9), [request(0)], 2, 2).errors == {"refused": 4}


def test_a_silent_server_ends_at_the_deadline(serving):
    level = load(serving(lambda connection, data: connection.recv(1)), [request(0)], 2, 50, seconds=0.3, patience=0.2)
    assert set(level.errors) == {"timeout"}
    assert level.failed < 10
    assert level.failed + level.unsent == 100
