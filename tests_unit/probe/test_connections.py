"""A request to a board that is known to be down ends at once."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests
from camrig.errors import BlockedError
from camrig.probe.client import LostExchangeError, exchange, request_bytes
from camrig.probe.connections import Connections
from camrig.probe.requests_session import HttpSession

LONG = 60.0  # seconds; a test that takes half as long fails


@pytest.fixture
def silent_server() -> Iterator[tuple[int, threading.Event]]:
    """A server that reads requests and never answers: its port, and an event set by each request."""
    received, held = threading.Event(), []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    held.append(connection)
                    connection.recv(1000)
                    received.set()

        thread = threading.Thread(target=serve)
        thread.start()
        yield server.getsockname()[1], received
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
        for connection in held:
            connection.close()


def exchange_once(port: int, connections: Connections) -> None:
    exchange("127.0.0.1", port, request_bytes("GET", "/", "board", []), LONG, connections)


def get_with_requests(port: int, connections: Connections) -> None:
    with HttpSession(f"http://127.0.0.1:{port}", connections=connections, seconds=LONG) as session:
        session.get("/")


@pytest.mark.parametrize("send", [exchange_once, get_with_requests], ids=["thin client", "requests"])
def test_cut_ends_the_current_exchange_and_the_next(silent_server, send: Callable[[int, Connections], None]):
    port, received = silent_server
    connections = Connections()
    cutter = threading.Thread(target=lambda: (received.wait(10), connections.cut()))
    cutter.start()
    start = time.monotonic()
    for _ in range(2):
        with pytest.raises((LostExchangeError, requests.ConnectionError)):
            send(port, connections)
    cutter.join(10)
    assert time.monotonic() - start < LONG / 2


def test_cut_ends_an_attempt_to_connect():
    connections = Connections()
    with socket.socket() as full, contextlib.ExitStack() as stack:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # with a full listen queue, connecting blocks
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        start = time.monotonic()
        cutter = threading.Timer(0.1, connections.cut)
        cutter.start()
        with pytest.raises(LostExchangeError):
            exchange_once(full.getsockname()[1], connections)
        cutter.join(10)
        assert time.monotonic() - start < LONG / 2


def test_connections_work_again_after_restore():
    connections = Connections()
    connections.cut()
    assert connections.down
    connections.restore()
    near, far = socket.socketpair()
    with near, far:
        connections.add(near)
        far.sendall(b"alive")
        assert near.recv(10) == b"alive"


def test_closed_connections_are_forgotten():
    connections = Connections()
    near, far = socket.socketpair()
    connections.add(near)
    near.close()
    far.close()
    del near
    gc.collect()
    connections.cut()
    assert not connections._sockets


@pytest.mark.parametrize("seconds", [LONG, 0.05], ids=["connection cut", "time-out"])
def test_request_without_a_response_blocks_the_rig(silent_server, seconds):
    """Lost or too slow: not a failure of the library, and still an exception of requests."""
    port, received = silent_server
    connections = Connections()
    cutter = threading.Thread(target=lambda: (received.wait(10), connections.cut() if seconds == LONG else None))
    cutter.start()
    with (
        HttpSession(f"http://127.0.0.1:{port}", connections=connections, seconds=seconds) as session,
        pytest.raises(BlockedError, match="GET /api/status got no answer") as raised,
    ):
        session.get("/api/status")
    cutter.join(10)
    assert isinstance(raised.value, requests.RequestException)
