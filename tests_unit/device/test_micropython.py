"""device/ as deployed, in the real interpreter with a board's heap: .mpy, boot.py, main.py, HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

ORIGIN = "https://app.example"
PREFLIGHT = {"Host": "board", "Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
TOKEN = {"X-Rig-Token": "sesame"}
PREFLIGHT_LINES = "".join(f"{name}: {value}\r\n" for name, value in PREFLIGHT.items())
SETTINGS = {"wifi": {"ssid": "loopback", "password": "s3cret-word"}, "cors": {"allowed_origins": [ORIGIN]}}


@pytest.fixture(scope="module")
def board(power_on: Callable[..., Any]) -> Any:
    """A serving board that the tests share."""
    board = power_on(SETTINGS)
    board.line("camrig: serving")
    return board


def test_prints_the_url_once_it_listens_and_stops_cleanly(power_on):
    board = power_on(SETTINGS)
    assert board.line("camrig: serving") == f"camrig: serving http://127.0.0.1:{board.port}"
    assert board.send("GET", "/rig/echo").content == b"ok"  # at the first attempt: it listens already
    assert board.console[:4] == [
        "camrig: reset cause hard",
        "camrig: wifi joining loopback",
        "camrig: wifi connected 127.0.0.1 rssi -50 channel 6 pm 0",
        "camrig: rig agent on",
    ]
    board.interrupt()
    assert board.line("camrig: stopped")
    assert board.line("Ctrl-C")
    assert board.line("camrig: serving")  # main.py ran again: the port was free
    assert board.send("GET", "/api/status").status == 200
    board.interrupt()
    assert "s3cret" not in "\n".join(board.end())


def test_board_without_the_agent_serves_the_application(power_on):
    board = power_on(SETTINGS, agent=False)
    board.line("camrig: serving")
    assert board.send("GET", "/rig/echo").status == 404
    assert board.send("GET", "/capture").status == 200
    assert not [line for line in board.console if "agent" in line]


@pytest.mark.parametrize(
    ("settings", "last"),
    [
        (None, "camrig: wifi not configured"),
        ({"wifi": {"ssid": "nowhere", "password": "s3cret-word"}}, "camrig: wifi failed no-such-network"),
        ({"port": 0}, "camrig: bad settings: /camrig.json: 'port' must be a number from 1 to 65535"),
    ],
)
def test_board_that_cannot_serve_prints_the_reason(power_on, settings, last):
    console = power_on(settings).end()
    assert console[-1] == last, console


def test_port_in_use_is_a_traceback_without_a_ready_line(power_on):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        console = power_on({**SETTINGS, "port": taken.getsockname()[1]}).end()
    assert "Traceback (most recent call last):" in console
    assert console[-1].startswith("OSError")
    assert not [line for line in console if "serving" in line]


def test_every_route_answers(board):
    status = json.loads(board.send("GET", "/api/status").content)
    assert status["reset_cause"] == "hard"
    assert (status["rssi"], status["channel"], status["pm"]) == (-50, 6, 0)
    assert status["heap"]["free"] > 10_000
    assert status["firmware"]["name"] == "micropython"
    picture = board.send("GET", "/capture")
    assert picture.getheader("Content-Type") == "image/jpeg"
    assert picture.content[:2] + picture.content[-2:] == b"\xff\xd8\xff\xd9"
    assert board.send("GET", "/stream?frames=2&interval_ms=0").content.count(b"image/jpeg") == 2
    for path in ("/api/status", "/capture", "/stream"):
        preflight = board.send("OPTIONS", path, PREFLIGHT)
        assert preflight.getheader("Access-Control-Allow-Origin") == ORIGIN
    about = board.json("GET", "/rig/about")
    assert about["cors_file"].startswith("/lib/microdot/cors.")
    assert about["cors_used"] is True
    heap = board.json("GET", "/rig/heap")
    assert heap["free"] > 10_000
    assert board.send("GET", "/rig/heap").status == 403
    echoed = board.send("POST", "/rig/echo", {"Content-Type": "text/x-thing"}, "body")
    assert (echoed.content, echoed.getheader("Content-Type")) == (b"body", "text/x-thing")
    assert board.send("OPTIONS", "/rig/echo", PREFLIGHT).getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "garbage",
    [b"garbage\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"\xff\xfe / HTTP/1.1\r\n\r\n"],
)
def test_garbage_and_idle_clients_do_not_delay_others(board, garbage):
    address = ("127.0.0.1", board.port)
    with socket.create_connection(address, timeout=10) as idle, socket.create_connection(address, timeout=10) as bad:
        bad.sendall(garbage)
        assert bad.recv(100).startswith(b"HTTP/1.0 400")
        assert board.send("GET", "/rig/echo").status == 200
        idle.close()
    assert board.send("GET", "/rig/echo").status == 200


def viewer(board):
    """A client of the endless stream, whose first picture has begun."""
    client = socket.create_connection(("127.0.0.1", board.port), timeout=10)
    client.sendall(b"GET /stream HTTP/1.1\r\n\r\n")
    head = client.recv(4096)
    assert head.startswith(b"HTTP/1.0 200"), head
    return client


def figure(board, expression):
    return board.json("POST", "/rig/run", f"figures['it'] = {expression}")["it"]


def test_viewers_and_silent_clients_leave_a_place(board):
    room = min(6, figure(board, "app.max_connections") - 2)
    assert room > 1
    with ExitStack() as stack:
        for _ in range(room):
            stack.enter_context(viewer(board))
        for sent in (b"", b"", b"GET / HTTP/1.1\r\n", b"", b"GET /", b""):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", board.port), timeout=10))
            client.sendall(sent)
            for _ in range(3):
                assert board.send("OPTIONS", "/capture", PREFLIGHT).getheader("Access-Control-Allow-Origin") == ORIGIN
        assert board.send("GET", "/stream").status == 503
    while figure(board, "app.streams"):
        pass  # each ends with its client


def test_client_without_a_place_is_refused_with_a_503(board):
    usual = figure(board, "app.max_connections")
    with viewer(board):
        board.json("POST", "/rig/run", "app.max_connections = 1\napp.max_waiting = 0")
        refused = board.send("GET", "/api/status")
        assert (refused.status, refused.getheader("Retry-After")) == (503, "1")
    while (answer := board.send("POST", "/rig/run", TOKEN, f"app.max_connections = {usual}")).status == 503:
        pass
    assert answer.status == 200
    board.json("POST", "/rig/run", "app.max_waiting = 8")


def test_allocations_of_cors_are_counted(board):
    request = f"OPTIONS /api/status HTTP/1.1\r\n{PREFLIGHT_LINES}\r\n"
    with_cors = board.json("POST", "/rig/alloc?n=12", request)
    without = board.json("POST", "/rig/alloc?n=12&bare=1", request)
    assert len(without["bytes"]) == len(with_cors["bytes"]) == 12
    assert 0 < min(without["bytes"]) < min(with_cors["bytes"])
    assert len(set(with_cors["bytes"])) == 1  # exact and repeatable
    assert without["heads"][0].startswith("HTTP/1.0 200 ")
    assert with_cors["heads"][0].startswith("HTTP/1.0 204 ")
    assert "Access-Control-Allow-Origin: " in with_cors["heads"][0]


def test_allocations_of_other_requests_are_counted(board):
    for request, n in (
        ("GET /capture HTTP/1.1\r\n\r\n", 3),
        ("GET /none HTTP/1.1\r\n\r\n", 3),
        ("GET /rig/policy HTTP/1.1\r\n\r\n", 1),
        ("POST /capture HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 1),
    ):
        counts = board.json("POST", f"/rig/alloc?n={n}", request)
        assert len(counts["bytes"]) == n
        assert min(counts["bytes"]) > 0
    assert len(board.json("POST", "/rig/alloc?n=5000", "GET /capture HTTP/1.1\r\n\r\n")["bytes"]) == 100
    refused = board.send("POST", "/rig/alloc?n=1", TOKEN, "GET /stream?interval_ms=0 HTTP/1.1\r\n\r\n")
    assert refused.status == 400
    assert b"does not end" in refused.content


@pytest.mark.parametrize("path", ["/rig/policy", "/rig/sides"])
def test_invalid_json_is_a_400_with_the_reason(board, path):
    response = board.send("PUT", path, {**TOKEN, "Content-Type": "application/json"}, "{")
    assert response.status == 400
    assert json.loads(response.content) == {"error": "ValueError: syntax error in JSON"}


def test_library_that_cannot_be_imported_is_a_400_with_the_reason(board):
    headers = {**TOKEN, "Content-Type": "application/json"}
    response = board.send("PUT", "/rig/sides", headers, '[["a", "no_such_module"]]')
    assert response.status == 400
    assert json.loads(response.content) == {"error": "ImportError: no module named 'no_such_module'"}


def test_policy_changes_at_run_time(board):
    assert board.json("PUT", "/rig/policy?names=max_age", {"max_age": 7})["max_age"] == 7
    assert board.send("OPTIONS", "/capture", PREFLIGHT).getheader("Access-Control-Max-Age") == "7"
    assert board.json("PUT", "/rig/policy?names=max_age", {"max_age": None})["max_age"] is None
    assert board.send("OPTIONS", "/capture", PREFLIGHT).getheader("Access-Control-Max-Age") is None


def test_heap_returns_after_many_requests_and_lost_clients(board):
    def retained() -> int:
        return int(board.json("GET", "/rig/heap")["alloc"])

    def work() -> None:
        for _ in range(20):
            board.send("OPTIONS", "/capture", PREFLIGHT)
            board.send("GET", "/stream?frames=2&interval_ms=0")
            with socket.create_connection(("127.0.0.1", board.port), timeout=10) as client:
                client.sendall(b"GET /stream?interval_ms=0 HTTP/1.1\r\n\r\n")
                client.recv(10)

    work()
    before = retained()
    work()
    assert retained() - before < 2048
