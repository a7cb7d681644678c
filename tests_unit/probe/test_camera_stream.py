"""A viewer measures the pictures of a stream, and ends in time whatever the server does."""

from __future__ import annotations

import time

import pytest
from camrig.probe.camera_stream import MAX_BYTES, watch
from camrig.probe.response_parser import MAX_BODY, LostExchangeError

from tests_unit.probe.test_jpeg import picture

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
CLOSE = b"\r\n--frame--\r\n"


def part(body):
    return b"\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def pictures(count):
    return [picture(scan=b"%d" % number) for number in range(count)]


def sender(*pieces, seconds=0.002):
    """A server that sends the pieces one by one, and closes the connection."""

    def answer(connection, request):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(seconds)

    return answer


def test_viewer_leaves_after_as_many_pictures_as_it_needs(serving):
    requests = []

    def endless(connection, request):
        requests.append(request)
        connection.sendall(HEAD)
        number = 0
        while True:  # until the viewer is gone
            number += 1
            connection.sendall(part(picture(scan=b"%d" % number)))
            time.sleep(0.002)

    address = serving(endless)
    viewing = watch(address, 5, 20, headers=[("Origin", "https://panel.example")])
    assert 5 <= len(viewing.pictures) < 500
    assert [view.jpeg.fault for view in viewing.pictures[:5]] == [""] * 5
    assert len({view.jpeg.digest for view in viewing.pictures[:5]}) == 5
    assert (viewing.head.status, viewing.refusal, viewing.ended) == (200, "", False)
    assert viewing.first_picture > 0
    assert min(viewing.gaps) >= 0
    assert sum(viewing.gaps) > 0
    assert requests[0].startswith(b"GET /stream?interval_ms=5 HTTP/1.1\r\n")
    assert b"Origin: https://panel.example\r\n" in requests[0]


@pytest.mark.parametrize("last", [CLOSE, b""], ids=["closed by its boundary", "connection closed"])
def test_stream_that_ends_by_itself_is_seen_to(serving, last):
    viewing = watch(serving(sender(HEAD, *map(part, pictures(3)), last)), 10, 20)
    assert viewing.ended
    assert len(viewing.pictures) == 3


def test_closed_stream_is_left_although_the_connection_stays_open(serving):
    def stays(connection, request):
        connection.sendall(HEAD + b"".join(map(part, pictures(2))) + CLOSE)
        connection.recv(1)

    assert watch(serving(stays), 10, 5).ended


def test_stream_in_chunks_is_read(serving):
    head = HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n").replace(b"1.0", b"1.1")
    body = b"".join(map(part, pictures(3))) + CLOSE
    chunks = [b"%x\r\n%s\r\n" % (len(body[at : at + 50]), body[at : at + 50]) for at in range(0, len(body), 50)]
    viewing = watch(serving(sender(head, *chunks, b"0\r\n\r\n", seconds=0)), 10, 20)
    assert [view.jpeg.fault for view in viewing.pictures] == [""] * 3


def test_cut_picture_is_a_picture_with_a_fault(serving):
    whole = picture()
    viewing = watch(serving(sender(HEAD, part(whole), part(whole[:-9]), part(whole), CLOSE)), 3, 20)
    assert [bool(view.jpeg.fault) for view in viewing.pictures] == [False, True, False]


@pytest.mark.parametrize(
    ("head", "refusal"),
    [
        (b"HTTP/1.0 404 Not Found\r\nContent-Type: text/html\r\n\r\n", "status 404"),
        (b"HTTP/1.0 503 Service Unavailable\r\n\r\n", "status 503"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", "Content-Type is 'text/html'"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "Content-Type is 'missing'"),
    ],
)
def test_what_is_not_a_stream_is_refused(serving, head, refusal):
    viewing = watch(serving(sender(head, b"<html>" * 100)), 5, 20)
    assert refusal in viewing.refusal
    assert viewing.pictures == ()


def test_slow_stream_is_left_in_time_with_what_it_gave(serving):
    def stalls(connection, request):
        for piece in (HEAD, *map(part, pictures(3))):
            connection.sendall(piece)
            time.sleep(0.02)
        connection.recv(1)

    viewing = watch(serving(stalls), 50, 0.5)
    assert len(viewing.pictures) == 3
    with pytest.raises(LostExchangeError, match=r"timed out .* with 3 pictures") as error:
        watch(serving(stalls), 50, 0.5, fewest=4)
    assert error.value.cause == "timeout"


def test_pictures_that_come_at_once_are_waited_out(serving):
    def at_once(connection, request):
        connection.sendall(HEAD + b"".join(map(part, pictures(3))))
        connection.recv(1)

    with pytest.raises(LostExchangeError, match=r"timed out .* with 3 pictures"):
        watch(serving(at_once), 3, 0.3)


@pytest.mark.parametrize(
    ("pieces", "message", "cause"),
    [
        ([], "without an answer", "reset"),
        ([HEAD[:30]], "cut off in its head", "reset"),
        ([HEAD, part(picture())[:-5]], "cut off after", "reset"),
        ([HEAD.replace(b"; boundary=frame", b"")], "names no usable boundary", "malformed"),
        ([HEAD, b"\r\n--frame\r\nContent-Length: 4\r\n\r\n" + picture() + CLOSE], "not the boundary", "malformed"),
    ],
)
def test_broken_stream_is_a_lost_exchange(serving, pieces, message, cause):
    with pytest.raises(LostExchangeError, match=message) as error:
        watch(serving(sender(*pieces)), 5, 20)
    assert error.value.cause == cause


def test_large_pictures_go_beyond_the_limit_of_one_response_and_no_further(serving):
    large = picture(scan=b"x" * (MAX_BODY - 1000))
    viewing = watch(serving(sender(HEAD, *[part(large)] * 8, seconds=0)), 1000, 60)
    assert MAX_BYTES < sum(view.jpeg.size for view in viewing.pictures) <= MAX_BYTES + 2 * MAX_BODY
    assert not viewing.ended
