"""An error can be read by the page that caused it: it has the same CORS headers as a success."""

from __future__ import annotations

import contextlib

import pytest
from camrig.probe.client import LostExchangeError, exchange


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("POST", "/api/status", 405), ("GET", "/stream?frames=none", 400)],
    ids=["not found", "method not allowed", "bad request"],
)
def test_page_may_read_errors(http, policy, page, method, path, status):
    policy()
    answer = http.request(method, path, headers={"Origin": page})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == page
    assert "Origin" in answer.headers["Vary"]


def test_page_may_read_the_refusal_of_a_large_body(http, policy, page):
    policy()
    answer = http.post("/api/status", headers={"Origin": page, "Content-Length": "10000000"})
    assert answer.status_code == 413
    assert answer.headers["Access-Control-Allow-Origin"] == page


def test_stranger_may_not_read_errors(http, policy, stranger):
    policy()
    answer = http.get("/nowhere", headers={"Origin": stranger})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]


def test_server_answers_after_an_unreadable_request(dut, http, policy, page):
    policy()
    with contextlib.suppress(LostExchangeError):  # a server may also close the connection
        assert exchange(*dut.address, b"NO SUCH REQUEST LINE\r\n\r\n").status == 400
    assert http.get("/api/status", headers={"Origin": page}).headers["Access-Control-Allow-Origin"] == page
