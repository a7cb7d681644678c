"""What misbehaving clients really put on the wire, and that none of them hangs on a server that does nothing."""

from __future__ import annotations

import threading

import pytest
from camrig.probe.misbehaving_clients import GET, SCENARIOS, closed_by_server, connected


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_client_gets_to_its_body_and_leaves(serving, name):
    seen = threading.Event()

    def answer(connection, data):
        seen.set()
        connection.sendall(b"HTTP/1.0 400 N/A\r\n\r\n")

    with SCENARIOS[name](serving(answer)):
        pass
    assert seen.wait(10)  # a head, or the end of the stream: the client is gone


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("idle pre-connect", b""),
        ("half-close in the head", GET),
        ("byte at a time", GET + b"\r\n"),
        ("bare line feeds", GET.replace(b"\r\n", b"\n") + b"\n"),
    ],
)
def test_what_is_sent(serving, name, sent):
    read, done = [], threading.Event()

    def answer(connection, data):
        read.append(data)
        done.set()

    with SCENARIOS[name](serving(answer)):
        pass
    assert done.wait(10)
    assert read == [sent]


def test_a_server_that_hangs_up_is_noticed_and_one_that_does_not_too(serving):
    leave = threading.Event()
    address = serving(lambda connection, data: leave.wait(10))
    with connected(address) as connection:
        connection.sendall(GET + b"\r\n")
        assert not closed_by_server(connection, 0.05)
        leave.set()
        assert closed_by_server(connection, 10)
