"""Whatever a server sends, an exchange ends with a whole response or one typed error, in time."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
import requests
from camrig.errors import AgentError, CamrigError
from camrig.probe.agent import Agent
from camrig.probe.client import exchange, request_bytes
from camrig.probe.requests_session import HttpSession, NoAnswerError, RedirectError
from camrig.probe.response_parser import MAX_BODY, LostExchangeError, ResponseParser, parse_response
from camrig.probe.sampling import tcp_echo
from camrig.redaction import register
from hypothesis import given
from hypothesis import strategies as st

from tests_unit.probe.hostile_answers import BODIES, HEADERS, STATUS_LINES, HostileAnswer, HostileServer, draw
from tests_unit.probe.hostile_clients import by_probe, by_session, by_stream

SECONDS = 0.3  # of an exchange with a server that never ends
PLENTY = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with HostileServer.start() as server:
        yield server


def check(server: HostileServer, answer: HostileAnswer, client) -> None:
    server.answer = answer
    seconds = PLENTY if answer.ending in ("close", "cut in the head", "cut in the body", "endless") else SECONDS
    result = client(server, seconds)
    if isinstance(result, Exception):
        assert client is by_probe or str(result).startswith("board 7: ")
        assert str(result).isprintable()
        assert not answer.must_succeed, result
        assert len(str(result)) < 400
    else:
        assert result in answer.acceptable(decoded=client is not by_probe)


CLIENTS = pytest.mark.parametrize("client", [by_probe, by_session, by_stream])


@CLIENTS
@pytest.mark.parametrize("body", BODIES)
def test_each_body(server, client, body):
    check(server, HostileAnswer("200", "plain", body, "close"), client)


@pytest.mark.parametrize("client", [by_probe, by_session])
def test_each_status_line_and_header(server, client):
    for status_line in STATUS_LINES:
        check(server, HostileAnswer(status_line, "plain", "its length", "close"), client)
    for headers in HEADERS:
        check(server, HostileAnswer("200", headers, "its length", "close"), client)


@CLIENTS
@pytest.mark.parametrize("seed", range(12))
def test_any_mixture(server, client, seed):
    check(server, draw(random.Random(seed)), client)


@CLIENTS
@pytest.mark.parametrize("ending", ["stall", "drip"])
def test_a_server_that_does_not_end_is_left_at_the_deadline(server, client, ending):
    server.answer = HostileAnswer("200", "plain", "until the end", ending)
    result = client(server, SECONDS)
    assert "timed out after 0.3 s, " in str(result)
    assert "bytes into the response" in str(result)


def test_a_whole_response_on_an_open_connection_is_named(server):
    server.answer = HostileAnswer("200", "plain", "its length", "stall")
    assert "which is complete: the server did not close the connection" in str(by_probe(server, SECONDS))
    assert by_session(server, PLENTY)[0] == 200


@pytest.mark.parametrize("seconds", [SECONDS, (0.1, 0.2)])
def test_a_time_out_of_the_callers_own_is_that_of_the_whole_exchange(server, seconds):
    server.answer = HostileAnswer("200", "plain", "its length", "drip")
    with (
        HttpSession("http://{}:{}".format(*server.address)) as session,
        pytest.raises(NoAnswerError, match=r"0\.3 s"),
    ):
        session.get("/", timeout=seconds)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (b"/", "GET / was redirected more than 10 times"),
        (b"http://[", "was redirected to 'http://['"),
        (b"ftp://127.0.0.1/", "was redirected to 'ftp://"),
        (b"http://127.0.0.1:" + b"9" * 5000, "was redirected to "),
        (b"\xff\xfe", "was redirected to "),
    ],
)
def test_redirects_that_lead_nowhere_are_the_applications(serving, location, words):
    answer = b"HTTP/1.0 302 Found\r\nLocation: " + location + b"\r\nContent-Length: 0\r\n\r\n"
    host, port = serving(lambda connection, data: connection.sendall(answer))
    with HttpSession(f"http://{host}:{port}", "board 7") as session:
        assert session.get("/", allow_redirects=False).status_code == 302
        with pytest.raises(RedirectError, match="board 7") as raised:
            session.get("/")
    assert words in str(raised.value)
    assert isinstance(raised.value, requests.TooManyRedirects)
    assert len(str(raised.value)) < 300


HOSTILE_JSON = (
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 5000,
    b"{}",
    b"null",
    b'{"free": "many", "alloc": {}, "bytes": 3, "kept": null, "heads": [1], "echo": 5, "wifi": "no", "peak": []}',
    b'{"free": 1e999, "alloc": 1, "bytes": [1], "kept": 0, "heads": [], "echo": {"port": "x"}, "wifi": [1]}',
    b'{"heads": ["nothing"], "bytes": [1], "kept": 0, "client_timeout_s": [], "echo": {"port": 1e999}, "x": 1}',
    b'{"free": "\xff"}',
    b"{\x1b[2J\x00" * 500_000,
)


@pytest.mark.parametrize("answer", HOSTILE_JSON, ids=lambda answer: str(answer[:20]))
def test_an_agent_that_answers_nonsense_is_an_error_of_the_agent(answer):
    response = parse_response(b"HTTP/1.0 200 OK\r\n\r\n" + answer)
    agent = Agent(lambda *message: _Answer(*response), "token")
    calls = [
        agent.heap,
        agent.radio,
        agent.echo_port,
        agent.client_timeout,
        agent.stop_peak,
        agent.policy,
        agent.about,
        lambda: agent.load_libraries([("a", "b")]),
        lambda: agent.allocations("GET", "/", [], 1),
    ]
    for call in calls:
        with suppress(AgentError):
            call()
    with pytest.raises(AgentError) as raised:
        agent.allocations("GET", "/", [], 1)
    assert len(str(raised.value)) < 300
    assert str(raised.value).isprintable()


class _Answer:
    def __init__(self, status, reason, headers, body):
        self.status, self.body = status, body


@pytest.mark.parametrize("answer", [b"camrig tcp echo\n" * 100_000, b"", b"\0"])
def test_an_echo_that_sends_something_else_is_lost(serving, answer):
    host, port = serving(lambda connection, data: connection.sendall(answer))
    with pytest.raises(LostExchangeError, match="does not send back"):
        tcp_echo(host, port)


def test_an_echo_that_drips_is_left_at_the_deadline(server):
    server.answer = HostileAnswer("none", "plain", "nothing", "drip")
    with pytest.raises(LostExchangeError):
        tcp_echo(*server.address, SECONDS)


def test_cookies_uploads_and_repeated_headers_work_as_in_requests(serving):
    received = []

    def answer(connection, data):
        while not data.endswith((b"echo\n", b"0\r\n\r\n")) and (part := connection.recv(65536)):
            data += part
        received.append(data)
        connection.sendall(b"HTTP/1.0 200 OK\r\nSet-Cookie: a=b\r\nVary: A\r\nVary: B\r\nContent-Length: 2\r\n\r\n{}")

    host, port = serving(answer)
    with HttpSession(f"http://{host}:{port}") as session:
        response = session.post("/form", data=iter([b"one ", b"end"]), auth=("user", "word"))
        assert response.json() == {}
        assert response.headers["Vary"] == "A, B"
        assert response.raw.headers.getlist("Vary") == ["A", "B"]
        session.put("/text", data="text to echo\n", cookies={"c": "d"})
    assert received[0].startswith(f"POST /form HTTP/1.1\r\nHost: {host}:{port}\r\n".encode())
    assert received[0].endswith(b"\r\n\r\n4\r\none \r\n3\r\nend\r\n0\r\n\r\n")
    assert b"Authorization: Basic " in received[0]
    assert b"Content-Length: 13\r\n" in received[1]
    assert b"Cookie: c=d; a=b\r\n" in received[1] or b"Cookie: a=b; c=d\r\n" in received[1]


@given(
    st.sampled_from(list(STATUS_LINES)),
    st.sampled_from(list(HEADERS)),
    st.sampled_from([name for name, body in BODIES.items() if len(body.sent) < 1000]),
    st.lists(st.integers(0, 8000), max_size=6),
)
def test_a_response_means_the_same_in_any_pieces(status_line, headers, body, cuts):
    answer = HostileAnswer(status_line, headers, body, "close")
    data = answer.start + BODIES[body].sent
    whole = _result(lambda: parse_response(data))

    def in_pieces():
        parser, received = ResponseParser(), b""
        places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
        for first, last in pairwise(places):
            received += parser.feed(data[first:last])
        return *parser.end(), received

    assert _result(in_pieces) == whole
    if whole is not None:
        assert (whole[0], whole[3]) in answer.acceptable(decoded=False)


def _result(parse):
    try:
        return parse()
    except LostExchangeError:
        return None


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"]),
)
def test_any_bytes_behind_a_right_start_are_a_response_or_lost(data, start):
    result = _result(lambda: parse_response(start + data))
    assert result is None or len(result[3]) <= MAX_BODY


def test_errors_of_this_room_say_what_to_do(server):
    server.answer = HostileAnswer("200", "plain", "a length too large", "close")
    error = by_session(server, PLENTY)
    assert isinstance(error, CamrigError)
    assert str(error) == (
        "board 7: GET / got no answer (the response was cut off after 42 of 99 bytes). "
        "Check the network, and see the console of the board."
    )


@pytest.mark.parametrize("place", range(40, 90, 7))
def test_a_secret_is_not_cut_in_a_message(place):
    register("p@ss word of the bench")
    with pytest.raises(LostExchangeError) as raised:
        parse_response(b"x" * place + b"p@ss word of the bench" + b"x" * 5000)
    assert "p@ss" not in str(raised.value)
    assert len(str(raised.value)) < 200


def test_a_server_that_reads_nothing_is_left_at_the_deadline():
    body = bytes(20 << 20)
    with socket.create_server(("127.0.0.1", 0)) as server, HttpSession("", seconds=SECONDS) as session:
        host, port = server.getsockname()
        with pytest.raises(LostExchangeError, match="timed out"):
            exchange(host, port, request_bytes("POST", "/", "board", [], body), SECONDS)
        for data in (body, iter([body[: 1 << 20]] * 20)):
            with pytest.raises(NoAnswerError, match="timed out"):
                session.post(f"http://{host}:{port}/", data=data)
