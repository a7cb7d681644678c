"""http_server reads blocks and sends heads whole, and answers every request as plain Microdot does."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from microdot import Microdot, Request

from tests_unit.device import in_memory
from tests_unit.device.conftest import INTERPRETER
from tests_unit.device.in_memory import LONGEST_LINE, exchange, of_length, streamed, with_line, with_routes

BLOCK, SEGMENT, LINES = 512, 1024, 64
MANY_IN_ONE = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def apps(device):
    """Plain Microdot and ours, with the same routes."""
    return SimpleNamespace(plain=with_routes(Microdot()), ours=with_routes(device("http_server").Server()))


def check_same(apps, *pieces):
    """Both answer with the same bytes; returns them."""
    expected, answer = (b"".join(exchange(app, pieces).sent) for app in (apps.plain, apps.ours))
    assert answer == expected
    return answer


@pytest.mark.parametrize("request_bytes", in_memory.ODD, ids=lambda request: repr(request[:40]))
def test_request_cut_at_any_byte_is_answered_the_same(apps, request_bytes):
    for cut in range(len(request_bytes) + 1) if len(request_bytes) < 300 else (0, 1, 100):
        check_same(apps, request_bytes[:cut], request_bytes[cut:])


@pytest.mark.parametrize("blocks", [1, 2])
def test_heads_that_end_near_a_block(apps, blocks):
    for length in range(blocks * BLOCK - 6, blocks * BLOCK + 7):
        assert check_same(apps, of_length(length)).startswith(b"HTTP/1.0 200")
        body = b"0123456789" * 60
        request = of_length(length, b"Content-Length: 600\r\n").replace(b"GET", b"POST", 1)
        for pieces in ([request + body], [request, body], [request + body[:1], body[1:599], body[599:]]):
            assert body.hex().encode() in check_same(apps, *pieces)


def test_line_as_long_as_allowed_and_longer(apps):
    for excess in (-1, 0, 1, 2, BLOCK - 1, BLOCK, BLOCK + 1, 60_000):
        for size in (LONGEST_LINE + excess, 300):
            request = with_line(LONGEST_LINE + excess)
            answer = check_same(apps, *[request[i : i + size] for i in range(0, len(request), size)])
            assert answer.startswith(b"HTTP/1.0 200" if excess <= 0 else b"HTTP/1.0 400")


def test_line_without_an_end_is_never_held_whole(apps, device):
    stream = in_memory.Stream([b"GET / HTTP/1.1\r\n", *[b"x" * 1024] * 1000])
    connection = in_memory.asyncio.run(read_lines(device("http_server").Connection, stream, 2))
    assert [len(line) for line in connection] == [16, LONGEST_LINE + BLOCK]
    assert stream.pieces == []


async def read_lines(connection_class, stream, count):
    connection = connection_class(stream, stream)
    return [await connection.readline() for _ in range(count)]


@pytest.mark.parametrize("lines", [LINES - 1, LINES, LINES + 1, 500])
def test_number_of_lines_is_limited(apps, capsys, lines):
    request = b"GET /echo HTTP/1.1\r\n" + b"X: y\r\n" * (lines - 2) + b"\r\n"  # the last line is the empty one
    answer = b"".join(exchange(apps.ours, [request]).sent)
    assert answer.startswith(b"HTTP/1.0 200" if lines <= LINES else b"HTTP/1.0 400")
    assert ("too many headers" in capsys.readouterr().out) == (lines > LINES)


@pytest.mark.parametrize("how", in_memory.READS)
def test_body_that_the_application_reads_itself_is_whole(apps, monkeypatch, how):
    monkeypatch.setattr(Request, "max_body_length", 100)
    request = streamed(how)
    for size in (1, 100, BLOCK - 1, BLOCK, BLOCK + 1, len(request)):
        answer = check_same(apps, *[request[i : i + size] for i in range(0, len(request), size)])
        assert answer.startswith(b"HTTP/1.0 200")


@st.composite
def pieces_of_requests(draw):
    """A request made of what requests are made of, in pieces."""
    token = st.text("abz09-_ :;\0\té", max_size=12)
    lines = [draw(st.sampled_from(["GET", "POST", "HEAD", "", "G T"])) + " /echo HTTP/1.1"]
    lines += [f"{name}:{value}" for name, value in draw(st.lists(st.tuples(token, token), max_size=50))]
    body = draw(st.binary(max_size=900))
    if draw(st.booleans()):
        lines.append(f"Content-Length: {draw(st.integers(len(body) - 2, len(body) + 2))}")
    end = draw(st.sampled_from(["\r\n", "\n"]))
    data = end.join([*lines, "", ""]).encode() + body
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(pieces=st.one_of(pieces_of_requests(), st.lists(st.binary(max_size=700), max_size=6)))
@example(pieces=[b"GET /echo HTTP/1.1\r\n\r", b"\n"])
@MANY_IN_ONE
def test_any_bytes_are_answered_the_same(apps, pieces):
    check_same(apps, *pieces)


def test_answers_are_the_same_on_micropython(built):
    done = subprocess.run(
        [INTERPRETER, "-X", "heapsize=2M", in_memory.__file__, str(built)],
        env={"MICROPYPATH": f"{built}/lib:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    reports = [json.loads(line) for line in done.stdout.splitlines() if line[:2] == '["' or line.isdigit()]
    assert reports, done.stdout + done.stderr
    assert reports[:-1] == []
    assert reports[-1] > 300


NOTHING = (b"GET /nothing HTTP/1.1\r\n\r\n", b"PUT /nothing HTTP/1.1\r\n\r\n")
SMALL = (b"GET /echo HTTP/1.1\r\n\r\n", b"HEAD /echo HTTP/1.1\r\n\r\n", in_memory.PREFLIGHT, in_memory.POST, *NOTHING)


@pytest.mark.parametrize("request_bytes", SMALL, ids=lambda request: repr(request[:40]))
def test_small_exchange_is_one_read_and_one_send(apps, request_bytes):
    stream = exchange(apps.ours, [request_bytes])
    assert (stream.reads, len(stream.sent)) == (1, 1)


def test_bodies_near_a_segment_are_sent_in_two_at_most(apps):
    @apps.ours.get("/bytes/<int:size>")
    async def body(request, size):
        return b"x" * size

    for size in (1, 900, *range(SEGMENT - 120, SEGMENT + 3), 100_000):
        sent = exchange(apps.ours, [b"GET /bytes/%d HTTP/1.1\r\n\r\n" % size]).sent
        assert b"".join(sent).endswith(b"\r\n\r\n" + b"x" * size)
        assert len(sent) == (1 if len(b"".join(sent)) <= SEGMENT else 2)


def test_long_heads_are_sent_in_segments(apps):
    sent = exchange(apps.ours, [b"GET /large HTTP/1.1\r\n\r\n"]).sent
    assert [len(piece) > SEGMENT for piece in sent] == [False, True, False, True]  # a long header, the body


def test_parts_of_a_stream_are_sent_as_they_come(apps):
    seen = []

    class Parts(in_memory.Chunks):
        async def __anext__(self):
            seen.append(len(stream.sent))
            return await super().__anext__()

    @apps.ours.get("/parts")
    async def parts(request):
        return Parts(b"a", b"\r\n", b"b" * 3000)

    stream = in_memory.Stream([b"GET /parts HTTP/1.1\r\n\r\n"])
    in_memory.asyncio.run(apps.ours.handle_request(stream, stream))
    assert stream.sent[0].endswith(b"\r\n\r\n")
    assert stream.sent[1:] == [b"a", b"\r\n", b"b" * 3000]
    assert seen == [1, 2, 3, 4]  # the head before the first part is made
