"""The camera's routes, requested by a page: each response has the headers that the page needs."""

from __future__ import annotations

import json

import pytest
from cors_expectation import NOTHING, PAGE, STRANGER, Cors, expect_all, expect_cors

pytestmark = pytest.mark.functional

EXPOSED = Cors(origin=PAGE, expose="X-Frame, Content-Length", vary="Origin")


@pytest.fixture(autouse=True)
def exposed_headers(policy):
    policy(expose_headers=["X-Frame", "Content-Length"])


def test_page_may_read_the_status(send):
    exchange = send()
    expect_cors(exchange, EXPOSED)
    assert exchange.response.header("Content-Type").startswith("application/json")
    assert {"uptime_s", "firmware", "heap", "rssi", "sensor"} <= set(json.loads(exchange.response.body))


def test_stranger_may_not_read_the_status(send):
    expect_cors(send(origin=STRANGER), NOTHING)


def test_response_without_an_origin_has_no_cors_header(send):
    expect_cors(send(origin=None), NOTHING)


def test_head_has_the_headers_of_get(send):
    exchange = send("HEAD")
    expect_all([(exchange, EXPOSED, 200), (send("HEAD", origin=STRANGER), NOTHING, 200)])
    assert exchange.response.body == b""


def test_capture_is_a_jpeg(send):
    exchange = send("GET", "/capture")
    expect_all([(exchange, EXPOSED, 200), (send("GET", "/capture", STRANGER), NOTHING, 200)])
    response = exchange.response
    assert response.header("Content-Type") == "image/jpeg"
    assert response.body.startswith(b"\xff\xd8")
    assert response.body.rstrip(b"\0").endswith(b"\xff\xd9")


def test_stream_sends_the_requested_pictures(send):
    exchange = send("GET", "/stream?frames=3&interval_ms=0")
    expect_all([(exchange, EXPOSED, 200), (send("GET", "/stream?frames=1", STRANGER), NOTHING, 200)])
    assert exchange.response.header("Content-Type").startswith("multipart/x-mixed-replace")
    assert exchange.response.body.count(b"\xff\xd8\xff") == 3


def test_server_answers_while_a_stream_is_open(http, send):
    with http.get("/stream?interval_ms=50", headers={"Origin": PAGE}, stream=True) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == PAGE
        assert next(stream.iter_content(64))
        rows = [(send(), EXPOSED, 200), (send(origin=STRANGER), NOTHING, 200)]
    expect_all([*rows, (send(), EXPOSED, 200)])


def test_unlisted_method_keeps_the_origin(policy, send):
    policy(allowed_methods=["POST"])
    expect_cors(send(), Cors(origin=PAGE, vary="Origin"))
