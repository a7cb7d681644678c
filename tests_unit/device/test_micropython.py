"""device/ as it is deployed, in the real interpreter with a board's heap: .mpy, boot.py, main.py, HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

ORIGIN = "https://app.example"
PREFLIGHT = [["Host", "board"], ["Origin", ORIGIN], ["Access-Control-Request-Method", "GET"]]
TOKEN = {"X-Rig-Token": "sesame"}
SETTINGS = {"wifi": {"ssid": "loopback", "password": "s3cret-word"}, "cors": {"allowed_origins": [ORIGIN]}}


@pytest.fixture(scope="module")
def board(power_on: Callable[..., Any]) -> Any:
    """One serving board for all tests that only ask."""
    board = power_on(SETTINGS)
    board.line("camrig: serving")
    return board


def test_says_it_serves_once_it_listens_and_stops_cleanly(power_on):
    board = power_on(SETTINGS)
    assert board.line("camrig: serving") == f"camrig: serving http://127.0.0.1:{board.port}"
    assert board.ask("GET", "/rig/echo").content == b"ok"  # no second try: it listens already
    assert board.console[:4] == [
        "camrig: reset cause hard",
        "camrig: wifi joining loopback",
        "camrig: wifi connected 127.0.0.1 rssi -50 channel 6 pm 0",
        "camrig: rig agent on",
    ]
    board.interrupt()
    assert board.line("camrig: stopped")
    assert board.line("Ctrl-C")
    assert board.line("camrig: serving")  # a person ran main.py again: the port was free
    assert board.ask("GET", "/api/status").status == 200
    board.interrupt()
    assert "s3cret" not in "\n".join(board.end())


def test_production_has_no_agent(power_on):
    board = power_on(SETTINGS, agent=False)
    board.line("camrig: serving")
    assert board.ask("GET", "/rig/echo").status == 404
    assert board.ask("GET", "/capture").status == 200
    assert not [line for line in board.console if "agent" in line]


@pytest.mark.parametrize(
    ("settings", "last"),
    [
        (None, "camrig: wifi not configured"),
        ({"wifi": {"ssid": "nowhere", "password": "s3cret-word"}}, "camrig: wifi failed no-such-network"),
        ({"port": 0}, "camrig: bad settings: /camrig.json: 'port' must be a number from 1 to 65535"),
    ],
)
def test_a_board_that_cannot_serve_says_why(power_on, settings, last):
    console = power_on(settings).end()
    assert console[-1] == last, console


def test_a_port_in_use_is_a_traceback_and_no_ready_line(power_on):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        console = power_on({**SETTINGS, "port": taken.getsockname()[1]}).end()
    assert "Traceback (most recent call last):" in console
    assert console[-1].startswith("OSError")
    assert not [line for line in console if "serving" in line]


def test_every_route(board):
    status = json.loads(board.ask("GET", "/api/status").content)
    assert status["reset_cause"] == "hard"
    assert (status["rssi"], status["channel"], status["pm"]) == (-50, 6, 0)
    assert status["heap"]["free"] > 10_000
    assert status["firmware"]["name"] == "micropython"
    picture = board.ask("GET", "/capture")
    assert picture.getheader("Content-Type") == "image/jpeg"
    assert picture.content[:2] + picture.content[-2:] == b"\xff\xd8\xff\xd9"
    assert board.ask("GET", "/stream?frames=2&interval_ms=0").content.count(b"image/jpeg") == 2
    for path in ("/api/status", "/capture", "/stream"):
        preflight = board.ask("OPTIONS", path, PREFLIGHT)
        assert preflight.getheader("Access-Control-Allow-Origin") == ORIGIN
    about = board.json("GET", "/rig/about")
    assert about["cors_file"].startswith("/lib/microdot/cors.")
    assert about["reset_cause"] == "hard"
    heap = board.json("GET", "/rig/heap")
    assert heap["gc"]["free"] > 10_000
    assert board.ask("GET", "/rig/heap").status == 403
    echoed = board.ask("POST", "/rig/echo", {"Content-Type": "text/x-thing"}, "body")
    assert (echoed.content, echoed.getheader("Content-Type")) == (b"body", "text/x-thing")
    assert board.ask("OPTIONS", "/rig/echo", PREFLIGHT).getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "garbage",
    [b"garbage\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"\xff\xfe / HTTP/1.1\r\n\r\n"],
)
def test_garbage_and_idle_clients_do_not_keep_others_waiting(board, garbage):
    address = ("127.0.0.1", board.port)
    with socket.create_connection(address, timeout=10) as idle, socket.create_connection(address, timeout=10) as bad:
        bad.sendall(garbage)
        assert bad.recv(100).startswith(b"HTTP/1.0 400")
        assert board.ask("GET", "/rig/echo").status == 200
        idle.close()
    assert board.ask("GET", "/rig/echo").status == 200


def test_counts_what_cors_allocates(board):
    order = {"method": "OPTIONS", "path": "/api/status", "headers": PREFLIGHT, "n": 12}
    with_cors = board.json("POST", "/rig/alloc", order)
    without = board.json("POST", "/rig/alloc", {**order, "bare": True})
    assert with_cors["n"] == without["n"] == len(with_cors["bytes"]) == 12
    assert 0 < min(without["bytes"]) < min(with_cors["bytes"])
    assert len(set(with_cors["bytes"])) == 1  # exact and repeatable
    assert without["status"] == 200


def test_counts_other_requests_too(board):
    for order in (
        {"path": "/capture", "n": 3},
        {"path": "/none", "n": 3},
        {"path": "/rig/policy"},
        {"method": "POST", "path": "/capture", "body": "{}"},
    ):
        answer = board.json("POST", "/rig/alloc", order)
        assert min(answer["bytes"]) > 0
    assert board.json("POST", "/rig/alloc", {"path": "/capture", "n": 5000})["n"] == 100
    refused = board.ask("POST", "/rig/alloc", TOKEN, '{"path": "/stream"}')
    assert refused.status == 400
    assert b"may never end" in refused.content


def test_bad_json_is_a_400(board):
    for method, path in (("PUT", "/rig/policy"), ("POST", "/rig/alloc")):
        response = board.ask(method, path, TOKEN, "{")
        assert response.status == 400
        assert json.loads(response.content) == {"error": "the body is not valid JSON"}


def test_policy_changes_at_run_time(board):
    assert board.json("PUT", "/rig/policy", {"max_age": 7})["max_age"] == 7
    assert board.ask("OPTIONS", "/capture", PREFLIGHT).getheader("Access-Control-Max-Age") == "7"
    assert board.json("PUT", "/rig/policy", {"max_age": None})["max_age"] is None
    assert board.ask("OPTIONS", "/capture", PREFLIGHT).getheader("Access-Control-Max-Age") is None


def test_the_heap_is_where_it_was_after_many_requests_and_lost_clients(board):
    def retained() -> int:
        return int(board.json("GET", "/rig/heap")["gc"]["alloc"])

    def work() -> None:
        for _ in range(20):
            board.ask("OPTIONS", "/capture", PREFLIGHT)
            board.ask("GET", "/stream?frames=2&interval_ms=0")
            with socket.create_connection(("127.0.0.1", board.port), timeout=10) as leaver:
                leaver.sendall(b"GET /stream?interval_ms=0 HTTP/1.1\r\n\r\n")
                leaver.recv(10)

    work()
    before = retained()
    work()
    assert retained() - before < 2048


def test_reset_answers_first(board):
    assert board.ask("POST", "/rig/reset", TOKEN).status == 202
    assert board.line("RESET")
