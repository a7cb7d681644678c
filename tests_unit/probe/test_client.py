"""The thin client: how it parses responses, and how it reports servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from camrig.probe.client import LostExchangeError, exchange, request_bytes
from camrig.probe.preflight import preflight_headers
from camrig.probe.response_parser import parse_response
from hypothesis import given
from hypothesis import strategies as st


@contextmanager
def server(answer: bytes | None) -> Iterator[tuple[str, int]]:
    """Answer one request with ``answer``; None: accept, and stay silent until the client disconnects."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(10)
            connection.recv(65536)
            if answer is None:
                connection.recv(1)
            else:
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        thread.join(10)
        listener.close()


def test_headers_keep_order_case_and_duplicates():
    with server(b"HTTP/1.0 204 N/A\r\nVary: A\r\nX-b:  two words \r\nvary: B\r\n\r\n") as (host, port):
        response = exchange(host, port, request_bytes("GET", "/", host, []))
    assert (response.status, response.reason) == (204, "N/A")
    assert response.headers == [("Vary", "A"), ("X-b", "two words"), ("vary", "B")]
    assert response.values("VARY") == ["A", "B"]
    assert response.header("Vary") == "A, B"
    assert response.header("none") is None
    assert 0 < response.phases.connect <= response.phases.first_byte <= response.phases.total


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "closed without an answer"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "not an HTTP response"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "cut off after 4 of 10"),
        (b"HTTP/1.0 200 OK\r\nContent-Le", "cut off in its head"),
        (b"HTTP/1.0 200 OK\r\nno colon here\r\n\r\n", "among the headers"),
    ],
)
def test_incomplete_response_is_a_lost_exchange(answer, message):
    with server(answer) as (host, port), pytest.raises(LostExchangeError, match=message):
        exchange(host, port, request_bytes("GET", "/", host, []))


def test_silent_server_ends_at_the_time_out():
    with server(None) as (host, port), pytest.raises(LostExchangeError, match="timed out"):
        exchange(host, port, request_bytes("GET", "/", host, []), seconds=0.2)


def test_refused_connection_is_a_lost_exchange():
    with pytest.raises(LostExchangeError, match="refused"):
        exchange("127.0.0.1", 9, b"GET / HTTP/1.0\r\n\r\n")


def test_a_bare_cr_at_the_beginning_of_a_value_is_kept():
    _, _, headers, _ = parse_response(b"HTTP/1.0 204 X\r\nA: \rB: 1 \r\r\n\r\n")
    assert headers == [("A", "\rB: 1")]


def test_response_to_head_needs_no_body():
    status, _, _, body = parse_response(b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n", to_head=True)
    assert (status, body) == (200, b"")


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_or_a_lost_exchange(data):
    with suppress(LostExchangeError):
        parse_response(data)


def test_preflight_headers_are_those_of_a_browser():
    headers = preflight_headers("https://panel.example", "PUT", ["X-Frame", "content-type", "x-frame"])
    assert headers == [
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-frame"),
        ("Origin", "https://panel.example"),
    ]
    assert preflight_headers(None, None) == [("Accept", "*/*")]
