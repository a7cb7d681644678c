"""Errors, redirects, streams and ``HEAD`` have the same CORS headers as other responses, so a page can read them."""

from __future__ import annotations

import contextlib

import pytest
from camrig.probe.client import LostExchangeError, exchange
from cors_expectation import NOTHING, ORIGINS, PAGE, STRANGER, Cors, expect_all, expect_cors
from routes import extra_routes

pytestmark = pytest.mark.functional

EXPOSED = Cors(origin=PAGE, credentials="true", expose="X-Frame", vary="Origin")
SECOND = Cors(origin=ORIGINS[0], credentials="true", expose="X-Frame", vary="Origin")
# Every second response is requested by the other page.
OF_ORIGINS = (((PAGE, EXPOSED), (STRANGER, NOTHING)), ((ORIGINS[0], SECOND), (STRANGER, NOTHING)))
REPLIES = {
    "unavailable": ("later", 503, {}),
    "created": ({"id": 7}, 201, {}),
    "empty": ("", 204, {}),
    "failed": ("failed", 500, {}),
    "handled": ("", 402, {}),
    "moved": ("", 308, {"Location": "/api/status"}),
    "large": ("x" * 3000, 200, {"Content-Type": "text/plain"}),
}
TOO_LARGE = (("Content-Length", "10000000"),)
RESPONSES = {
    "not found": ("GET", "/nowhere", 404),
    "not found, POST": ("POST", "/nowhere", 404),
    "method not allowed": ("POST", "/api/status", 405),
    "PUT not allowed": ("PUT", "/api/status", 405),
    "bad request": ("GET", "/stream?frames=none", 400),
    "body too large": ("POST", "/api/status", 413),
    "raised exception": ("GET", "/suite/raise", 500),
    "exception with a handler": ("GET", "/suite/lens", 503),
    "abort": ("GET", "/suite/abort", 418),
    "status with a handler": ("GET", "/suite/handled", 402),
    "500 returned": ("GET", "/suite/failed", 500),
    "503 returned": ("GET", "/suite/unavailable", 503),
    "201 to a POST": ("POST", "/suite/created", 201),
    "204": ("GET", "/suite/empty", 204),
    "redirect": ("GET", "/suite/redirect", 302),
    "308": ("GET", "/suite/moved", 308),
    "stream": ("GET", "/suite/stream", 200),
    "large body": ("GET", "/suite/large", 200),
    "HEAD": ("HEAD", "/api/status", 200),
    "HEAD of what is not there": ("HEAD", "/nowhere", 404),
    "HEAD of an exception": ("HEAD", "/suite/raise", 500),
    "HEAD of a redirect": ("HEAD", "/suite/redirect", 302),
}


@pytest.fixture(scope="module", autouse=True)
def routes(dut):
    with extra_routes(dut, **REPLIES):
        yield


@pytest.mark.parametrize("name", RESPONSES)
def test_every_response_has_the_cors_headers_of_its_origin(policy, send, name):
    method, target, status = RESPONSES[name]
    headers = TOO_LARGE if status == 413 else ()
    policy(allow_credentials=True, expose_headers=["X-Frame"], allowed_methods=["DELETE"], max_age=600)
    expect_all(
        (send(method, target, origin, headers), cors, status)
        for origin, cors in OF_ORIGINS[list(RESPONSES).index(name) % 2]
    )


@pytest.mark.parametrize("name", ["not found", "method not allowed", "body too large", "raised exception", "abort"])
def test_errors_have_the_headers_of_any_origin(policy, send, name):
    method, target, status = RESPONSES[name]
    headers = TOO_LARGE if status == 413 else ()
    policy(allowed_origins="*")
    expect_all(
        [
            (send(method, target, STRANGER, headers), Cors(origin=STRANGER, vary="Origin"), status),
            (send(method, target, None, headers), Cors(origin="*"), status),
        ]
    )


def test_responses_keep_their_own_body_and_headers(policy, send):
    policy()
    created = send("POST", "/suite/created").response
    assert created.body == b'{"id": 7}'
    assert created.header("Content-Type").startswith("application/json")
    assert send("GET", "/suite/moved").response.header("Location") == "/api/status"
    assert send("GET", "/suite/stream").response.body == b"one two"
    assert send("GET", "/suite/large").response.body == b"x" * 3000
    assert b"no lens" in send("GET", "/suite/lens").response.body
    assert send("HEAD", "/suite/large").response.body == b""
    assert send("GET", "/suite/abort").response.body == b"Short and stout"


def test_server_answers_after_an_unreadable_request(dut, policy, send):
    policy()
    with contextlib.suppress(LostExchangeError):  # a server may also close the connection
        assert exchange(*dut.address, b"NO SUCH REQUEST LINE\r\n\r\n").status == 400
    expect_cors(send(), Cors(origin=PAGE, vary="Origin"))
