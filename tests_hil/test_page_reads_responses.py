"""The camera's routes, requested by a page: each response has the headers that the page needs."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def exposed_headers(policy):
    policy(expose_headers=["X-Frame", "Content-Length"])


def test_page_may_read_the_status(http, page):
    answer = http.get("/api/status", headers={"Origin": page})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.headers["Access-Control-Expose-Headers"] == "X-Frame, Content-Length"
    assert "Access-Control-Allow-Methods" not in answer.headers
    assert {"uptime_s", "firmware", "heap", "rssi", "sensor"} <= set(answer.json())


def test_stranger_may_not_read_the_status(http, stranger):
    answer = http.get("/api/status", headers={"Origin": stranger})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_response_without_an_origin_has_no_cors_header(http):
    answer = http.get("/api/status")
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_head_has_the_headers_of_get(http, page):
    answer = http.head("/api/status", headers={"Origin": page})
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.content == b""


def test_capture_is_a_jpeg(http, page):
    answer = http.get("/capture", headers={"Origin": page})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.content.startswith(b"\xff\xd8")
    assert answer.content.rstrip(b"\0").endswith(b"\xff\xd9")


def test_stream_sends_the_requested_pictures(http, page):
    answer = http.get("/stream?frames=3&interval_ms=0", headers={"Origin": page})
    assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace")
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert answer.content.count(b"\xff\xd8\xff") == 3


def test_server_answers_while_a_stream_is_open(http, page):
    with http.get("/stream?interval_ms=50", headers={"Origin": page}, stream=True) as stream:
        assert next(stream.iter_content(64))
        assert http.get("/api/status", headers={"Origin": page}).status_code == 200
    assert http.get("/api/status", headers={"Origin": page}).status_code == 200


def test_unlisted_method_keeps_the_origin(http, policy, page):
    policy(allowed_methods=["POST"])
    answer = http.get("/api/status", headers={"Origin": page})
    assert answer.headers["Access-Control-Allow-Origin"] == page
