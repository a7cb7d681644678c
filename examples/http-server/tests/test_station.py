import socket
from contextlib import ExitStack

import pytest

PANEL = "https://panel.example"
REQUEST = f"GET /readings HTTP/1.1\r\nHost: station\r\nOrigin: {PANEL}\r\n\r\n".encode()


def listen(address):
    """A connection that asked for the readings, and what the station answered until the first of them."""
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(REQUEST)
    answer = b""
    while b"data: " not in answer and (received := connection.recv(1024)):
        answer += received
    return connection, answer


@pytest.fixture
def listeners(dut):
    with ExitStack() as stack:
        opened = [listen(dut.address) for _ in range(6)]
        for connection, _ in opened:
            stack.enter_context(connection)
        yield opened


def test_six_listeners_leave_a_place_to_the_panel(listeners, http, preflight, measure):
    assert all(answer.startswith(b"HTTP/1.0 200") for _, answer in listeners)
    answers = [preflight(PANEL, "PUT", path="/settings") for _ in range(10)]
    assert {answer.header("Access-Control-Allow-Origin") for answer in answers} == {PANEL}
    measure("station.preflight", [answer.phases.total for answer in answers], unit="ms")
    assert http.put("/settings", json={"interval_ms": 100}).json()["listeners"] == 6


def test_a_listener_too_many_gets_an_answer_that_the_panel_can_read(listeners, dut):
    connection, answer = listen(dut.address)
    connection.close()
    assert answer.startswith(b"HTTP/1.0 503")
    assert f"\r\nAccess-Control-Allow-Origin: {PANEL}\r\n".encode() in answer
    assert b"\r\nRetry-After: " in answer
