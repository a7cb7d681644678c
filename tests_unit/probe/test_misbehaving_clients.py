"""What misbehaving clients send, and that none of them hangs on a server that does nothing."""

from __future__ import annotations

import threading

import pytest
from camrig.probe.misbehaving_clients import GET, SCENARIOS, closed_by_server, open_connection


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_client_misbehaves_and_disconnects(serving, name):
    received = threading.Event()

    def answer(connection, data):
        received.set()
        connection.sendall(b"HTTP/1.0 400 N/A\r\n\r\n")

    with SCENARIOS[name](serving(answer)):
        pass
    assert received.wait(10)  # a head, or the end of the stream: the client is gone


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("idle pre-connect", b""),
        ("half-close in the request head", GET),
        ("byte at a time", GET + b"\r\n"),
        ("bare line feeds", GET.replace(b"\r\n", b"\n") + b"\n"),
    ],
)
def test_client_sends_these_bytes(serving, name, sent):
    requests, done = [], threading.Event()

    def answer(connection, data):
        requests.append(data)
        done.set()

    with SCENARIOS[name](serving(answer)):
        pass
    assert done.wait(10)
    assert requests == [sent]


def test_closed_by_server_tells_open_from_closed_connections(serving):
    close = threading.Event()
    address = serving(lambda connection, data: close.wait(10))
    with open_connection(address) as connection:
        connection.sendall(GET + b"\r\n")
        assert not closed_by_server(connection, 0.05)
        close.set()
        assert closed_by_server(connection, 10)
