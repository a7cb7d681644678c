"""The page's server answers this computer's browser alone, and asks a board of any kind."""

from __future__ import annotations

import json
import socket
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPResponse
from typing import Any

import pytest
from camrig.view.features import OWN_HEADER
from camrig.view.reading import read, status_of
from camrig.view.server import MAX_BODY, PageServer

from tests_unit.view.cameras import ALLOWED, GRANTED, HOSTILE

OWN = {OWN_HEADER: "1"}
SEEN = {"secure": True, "protocol": "http:", "reached": {"ok": True}, "permissions": {}, "outcomes": {}}


def ask(
    server: PageServer, path: str, headers: dict[str, str] | None = None, body: str | None = None, host: str = ""
) -> tuple[HTTPResponse, Any]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    host = host or f"localhost:{server.server_port}"
    connection.request("GET" if body is None else "POST", path, body, {"Host": host, **(headers or {})})
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response, json.loads(text) if "json" in response.headers["Content-Type"] else text


def test_the_page_names_its_board_and_lets_nothing_else_in(server):
    server.url = "http://127.0.0.1:9"
    response, text = ask(server, "/")
    assert 'data-board="http://127.0.0.1:9"' in text
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"connect-src 'self' http://127.0.0.1:9 {server.control};" in policy
    assert "frame-ancestors 'none'" in policy
    for path in ("/view.css", "/view.js"):
        assert ask(server, path)[0].status == 200


def test_a_client_that_sends_nothing_keeps_nobody_waiting(server, camera):
    server.url = camera().url
    with ExitStack() as stack:
        for _ in range(20):
            silent = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port), 20))
            silent.sendall(b"POST /lines HTTP/1.1\r\nContent-Length: 60000\r\n")
        assert ask(server, "/state", OWN)[1]["reached"]


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/view.js/..", "/pages/view.js", "/\\x"])
def test_no_other_file_is_served(server, path):
    assert ask(server, path)[0].status == 404


def test_names_in_the_page_are_escaped(server):
    server.name, server.url = HOSTILE, "http://127.0.0.1:9"
    assert HOSTILE not in ask(server, "/")[1]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost:1", "localhost", "127.0.0.1.evil:{port}"]
)
def test_a_name_of_another_site_is_refused(server, camera, host):
    server.url = (board := camera()).url
    for path in ("/", "/state", "/lines"):
        assert ask(server, path, OWN, host=host.format(port=server.server_port))[0].status == 421
    assert board.methods == []


@pytest.mark.parametrize("headers", [{}, {**OWN, "Origin": "http://evil.example"}, {**OWN, "Origin": "null"}])
def test_a_page_of_another_site_makes_it_ask_nothing(server, camera, headers):
    server.url = (board := camera()).url
    assert ask(server, "/state", headers)[0].status == 403
    assert ask(server, "/before", headers)[0].status == 403
    assert ask(server, "/lines", headers, json.dumps(SEEN))[0].status == 403
    assert board.methods == []


@pytest.mark.parametrize(
    ("body", "status"),
    [("{", 400), ("[]", 400), ("{}", 400), ("[" * 50_000, 400), ("\x00", 400), ("x" * (MAX_BODY + 1), 413)],
)
def test_a_report_that_no_page_sends_is_refused(server, camera, body, status):
    server.url = (board := camera()).url
    assert ask(server, "/lines", OWN, body)[0].status == status
    assert board.methods == []


def test_the_state_is_that_of_the_board(server, camera):
    server.url = (board := camera()).url
    account = ask(server, "/state", OWN)[1]
    assert (account["reached"], account["uptime"]) == (True, 100.0)
    assert ["name", HOSTILE] in account["rows"]
    board.off()
    account = ask(server, "/state", OWN)[1]
    assert not account["reached"]
    assert "refused" in account["error"]


def test_lines_name_the_origin_by_which_the_page_was_opened(server, camera):
    server.url = camera().url
    host = f"127.0.0.1:{server.server_port}"
    answer = ask(server, "/lines", OWN, json.dumps(SEEN), host)[1]
    codes = [line["code"] for line in answer["lines"] if line["code"]]
    assert codes == [f'allowed_origins=["http://{host}"]']


def test_a_put_is_tried_only_where_it_changes_nothing(server, camera):
    server.url = camera().url
    assert ask(server, "/before", OWN)[1] == {"putIsSafe": True}
    server.url = camera(preflight={"Allow": "GET, PUT"}).url
    assert ask(server, "/before", OWN)[1] == {"putIsSafe": False}
    server.url = "http://127.0.0.1:9"
    assert ask(server, "/before", OWN)[1] == {"putIsSafe": False}


def test_a_board_that_keeps_connections_and_streams_for_ever_is_read(camera):
    board = camera(headers=ALLOWED, preflight=GRANTED)
    reading = read(board.url, "http://localhost:8090")
    assert {key: judgement.why for key, judgement in reading.judgements.items()} == {
        **dict.fromkeys(("status", "picture", "stream", "header", "put"), ""),
        "credentials": "origins",
    }
    assert board.methods.count("PUT") == 0
    assert reading.space == "loopback"


@pytest.mark.parametrize(
    ("behaviour", "key", "why"),
    [
        ({}, "status", "origins"),
        ({"headers": {"Access-Control-Allow-Origin": "http://localhost:1"}}, "picture", "origins"),
        ({"headers": ALLOWED, "preflight": GRANTED, "preflight_status": 404}, "header", "status"),
        ({"headers": ALLOWED, "preflight": {**GRANTED, "Access-Control-Allow-Methods": "GET"}}, "put", "methods"),
        ({"headers": ALLOWED, "preflight": {**GRANTED, "Access-Control-Allow-Headers": "X"}}, "header", "headers"),
        ({"headers": ALLOWED, "preflight": ALLOWED}, "header", "methods or headers"),
        ({"headers": ALLOWED, "preflight": {**GRANTED, "Access-Control-Allow-Methods": "P UT"}}, "put", "malformed"),
        ({"headers": {"Access-Control-Allow-Origin": "http://localhost:8090"}}, "credentials", "credentials"),
    ],
)
def test_the_part_of_a_policy_that_refuses_is_named(camera, behaviour, key, why):
    judgement = read(camera(**behaviour).url, "http://localhost:8090").judgements[key]
    assert (judgement.allowed, judgement.why) == (False, why)
    assert judgement.reason


def test_a_board_that_is_not_there_is_an_error_and_no_status():
    reading = status_of("http://127.0.0.1:9")
    assert reading.error
    assert reading.status is None


@pytest.mark.parametrize("status", [[1], "text", None, 7, float("nan")])
def test_a_status_of_another_form_has_no_rows(server, camera, status):
    server.url = camera(status=status).url
    assert ask(server, "/state", OWN)[1]["rows"] == []
