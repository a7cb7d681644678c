"""The thin client: what it makes of bytes, and of servers that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from camrig.probe.client import LostExchangeError, exchange, parse_response, request_bytes
from camrig.probe.preflight import preflight_headers
from hypothesis import given
from hypothesis import strategies as st


@contextmanager
def server(answer: bytes | None) -> Iterator[tuple[str, int]]:
    """Answers one request with ``answer``; None: accepts and says nothing until the client leaves."""
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
    ("answer", "words"),
    [
        (b"", "closed unanswered"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "no HTTP response"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "cut off after 4 of 10"),
        (b"HTTP/1.0 200 OK\r\nContent-Le", "no HTTP response"),
        (b"HTTP/1.0 200 OK\r\nno colon here\r\n\r\n", "without a colon"),
    ],
)
def test_half_an_answer_is_none(answer, words):
    with server(answer) as (host, port), pytest.raises(LostExchangeError, match=words):
        exchange(host, port, request_bytes("GET", "/", host, []))


def test_silence_ends_at_the_deadline():
    with server(None) as (host, port), pytest.raises(LostExchangeError, match="timed out"):
        exchange(host, port, request_bytes("GET", "/", host, []), seconds=0.2)


def test_nobody_listens():
    with pytest.raises(LostExchangeError, match="refused"):
        exchange("127.0.0.1", 9, b"GET / HTTP/1.0\r\n\r\n")


def test_a_head_answer_has_no_body_to_miss():
    status, _, _, body = parse_response(b"HTTP/1.0 200 OK\r\nContent-Length: 10\r\n\r\n", head=True)
    assert (status, body) == (200, b"")


@given(st.binary(max_size=300))
def test_noise_is_refused_or_read_never_a_crash(data):
    with suppress(LostExchangeError):
        parse_response(data)


def test_a_preflight_is_what_a_browser_sends():
    found = preflight_headers("https://panel.example", "PUT", ["X-Frame", "content-type", "x-frame"])
    assert found == [
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-frame"),
        ("Origin", "https://panel.example"),
    ]
    assert preflight_headers(None, None) == [("Accept", "*/*")]
