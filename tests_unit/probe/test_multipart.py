"""A camera's stream is parsed whatever the pieces in which it comes, and whatever a server does wrong."""

from __future__ import annotations

import pytest
from camrig.probe.multipart import MAX_HEAD, MAX_PART, MAX_PREAMBLE, MultipartParser, boundary_of
from camrig.probe.response_parser import LostExchangeError
from hypothesis import given
from hypothesis import strategies as st

LINE_ENDS = ("\r\n", "\n")
boundaries = st.text("frame-0123'()+_,./:=?", min_size=1, max_size=20).filter(lambda text: text.strip("-"))
pictures = st.lists(
    st.binary(max_size=60) | st.sampled_from([b"", b"\r\n", b"\n--", b"\xff\xd8\r\n\xff\xd9"]), max_size=5
)


def stream(bodies, boundary, *, has_length, line_end, closes=False):
    """What a server sends: each part with the boundary before it, and one more behind the last."""
    sent = b""
    for body in bodies:
        length = f"Content-Length: {len(body)}{line_end}" if has_length else ""
        sent += f"--{boundary}{line_end}Content-Type: image/jpeg{line_end}{length}{line_end}".encode()
        sent += body + line_end.encode()
    return sent + f"--{boundary}{'--' if closes else ''}{line_end}".encode()


def feed(data, boundary="frame", size=0):
    parser = MultipartParser(boundary)
    parts = []
    for begin in range(0, len(data), size or len(data) or 1):
        parts += parser.feed(data[begin : begin + size] if size else data)
    return parser, [part.body for part in parts]


@given(
    bodies=pictures,
    boundary=boundaries,
    line_end=st.sampled_from(LINE_ENDS),
    closes=st.booleans(),
    size=st.integers(1, 80),
)
def test_parts_with_a_length_are_whole_in_any_pieces(bodies, boundary, line_end, closes, size):
    # Whatever a picture holds, also its own boundary on a line of its own.
    bodies = [body + f"\r\n--{boundary}\r\n".encode() for body in bodies]
    data = stream(bodies, boundary, has_length=True, line_end=line_end, closes=closes)
    parser, parts = feed(data, boundary, size)
    assert parts == bodies
    assert parser.closed is closes
    assert parser.end() == []


@given(bodies=pictures, boundary=boundaries, line_end=st.sampled_from(LINE_ENDS), size=st.integers(1, 80))
def test_parts_without_a_length_end_at_the_next_boundary(bodies, boundary, line_end, size):
    bodies = [b"\xff\xd8" + body + b"\xff\xd9" for body in bodies]
    data = stream(bodies, boundary, has_length=False, line_end=line_end)
    if any(b"\n--" in body for body in bodies):
        bodies = [body for body in bodies if f"\n--{boundary}".encode() not in body]
        data = stream(bodies, boundary, has_length=False, line_end=line_end)
    assert feed(data, boundary, size)[1] == bodies


def test_part_with_a_length_is_whole_with_its_last_byte():
    parser = MultipartParser("frame")
    data = b"--frame\r\nContent-Length: 5\r\n\r\nhello"
    assert parser.feed(data[:-1]) == []
    assert [part.body for part in parser.feed(data[-1:])] == [b"hello"]


def test_last_part_without_a_length_ends_with_the_stream():
    parser, parts = feed(b"--frame\r\nContent-Type: image/jpeg\r\n\r\nhello")
    assert parts == []
    assert [part.body for part in parser.end()] == [b"hello"]


def test_longer_boundary_belongs_to_the_picture():
    body = b"ab\r\n--frames\r\ncd\r\n--framex--\r\nef"
    assert feed(stream([body], "frame", has_length=False, line_end="\r\n"))[1] == [body]


@pytest.mark.parametrize("dashes", ["--", "----"])
def test_dashes_in_the_name_of_a_boundary_may_be_those_of_its_line(dashes):
    data = stream([b"one", b"two"], f"{dashes}cam"[2:], has_length=True, line_end="\r\n")
    assert feed(data, "--cam")[1] == [b"one", b"two"]


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n--frame\r\n\r\npicture\r\n--frame\r\n",
        b"hello, a preamble\r\n--frame  \r\n\r\npicture\r\n--frame\r\n",
        b"--frame\n\npicture\n--frame\n",
        b"--frame\r\nContent-Length: 7\r\n\r\npicture--frame\r\n",
        b"--frame\r\nCONTENT-LENGTH:7\r\n\r\npicture\r\n\r\n--frame\r\n",
    ],
    ids=["line before", "preamble", "bare line feeds", "no line end before a boundary", "empty line more"],
)
def test_small_liberties_are_read_as_browsers_do(data):
    for size in (0, 1):
        assert feed(data, size=size)[1] == [b"picture"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"--frame\r\nContent-Length: 3\r\n\r\npicture\r\n--frame\r\n", "behind the 3 bytes"),
        (b"--frame\r\nContent-Length: 20\r\n\r\npicture\r\n--frame\r\n\r\npicture\r\n", "behind the 20 bytes"),
        (b"--frame\r\nContent-Length: many\r\n\r\n", "not one number of bytes"),
        (b"--frame\r\nContent-Length: -1\r\n\r\n", "not one number of bytes"),
        (b"--frame\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "not one number of bytes"),
        (b"--frame\r\nContent-Length: 999999999\r\n\r\n", "announces 999,999,999 bytes"),
        (b"--frame\r\nContent-Length: 9999999999\r\n\r\n", "not one number of bytes"),
        (b"--frame\r\n\xff\xd8\xff\xe0 no header\r\n\r\n", "is not a header"),
        (b"x" * (MAX_PREAMBLE + 1), "does not come"),
        (b"--frame\r\n" + b"X: y\r\n" * (MAX_HEAD // 6 + 1), "larger than"),
        (b"--frame\r\n" + b"X" * (MAX_HEAD + 1), "larger than"),
        (b"--frame\r\n\r\n" + bytes(MAX_PART + 1), "larger than 4 MiB"),
        (b"--frame\r\nContent-Length: 1\r\n\r\nx" + b"\r\n" * 100, "not the boundary"),
    ],
)
def test_what_is_not_a_stream_is_one_sentence(data, message):
    with pytest.raises(LostExchangeError, match=message) as error:
        feed(data)
    assert error.value.cause == "malformed"
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"--frame\r\nContent-Length: 9\r\n\r\npict", "4 of 9 bytes"),
        (b"--frame\r\nContent-Le", "cut off at"),
    ],
)
def test_stream_that_breaks_off_says_where(data, message):
    parser, _ = feed(data)
    with pytest.raises(LostExchangeError, match=message) as error:
        parser.end()
    assert error.value.cause == "reset"


@given(
    st.binary(max_size=400)
    | st.lists(
        st.sampled_from(
            [b"--frame", b"\r\n", b"\n", b"--", b"Content-Length: 4\r\n", b"\r\n\r\n", b"data", b":", b"\xff"]
        )
    ).map(b"".join),
    st.integers(1, 50),
)
def test_any_bytes_are_parts_or_an_error_in_any_pieces(data, size):
    def outcome(pieces):
        try:
            parser, parts = feed(data, size=pieces)
            return parts + [part.body for part in parser.end()], parser.closed
        except LostExchangeError:
            return "error"

    assert outcome(size) == outcome(0)


@given(data=st.binary(max_size=200), count=st.integers(1, 40))
def test_no_more_than_one_part_is_kept(data, count):
    parser = MultipartParser("frame")
    for _ in range(count):
        parser.feed(b"--frame\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data))
        assert len(parser._buffer) < 200


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace; boundary=frame", "frame"),
        ("Multipart/X-Mixed-Replace;boundary=--cam", "--cam"),
        ('multipart/x-mixed-replace; charset=utf-8; Boundary="a b;c"', "a b;c"),
        ("multipart/x-mixed-replace ; boundary = frame", "frame"),
    ],
)
def test_boundary_is_found(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/html",
        "image/jpeg; boundary=frame",
        "multipart/x-mixed-replace",
        "multipart/x-mixed-replace; boundary=",
        "multipart/x-mixed-replace; boundary=" + "x" * 300,
        "multipart/form-data; boundary=frame",
    ],
)
def test_content_type_without_a_usable_boundary_is_refused(content_type):
    with pytest.raises(LostExchangeError, match="Content-Type"):
        boundary_of(content_type)
