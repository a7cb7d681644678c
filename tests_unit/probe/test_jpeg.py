"""Whether a picture is whole is found by its segments alone."""

from __future__ import annotations

import pytest
from camrig.probe.jpeg import examine
from hypothesis import given
from hypothesis import strategies as st


def segment(marker, payload):
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def frame(width=160, height=120, marker=0xC0):
    return segment(marker, b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00")


SCAN_HEADER = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00")
APP0 = segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
# Coded data: any bytes, with a zero behind each 0xFF, and restarts.
scans = st.lists(
    st.binary(min_size=1, max_size=20).map(lambda data: data.replace(b"\xff", b"\xff\x00"))
    | st.integers(0xD0, 0xD7).map(lambda marker: bytes([0xFF, marker])),
    min_size=1,
    max_size=6,
).map(b"".join)
others = st.lists(
    st.builds(segment, st.sampled_from([0xE0, 0xE1, 0xFE, 0xDB, 0xC4, 0xDD]), st.binary(max_size=30)), max_size=4
).map(b"".join)


def picture(scan=b"\x12\x34\xff\x00\x56", before=APP0, marker=0xC0, size=(160, 120)):
    return b"\xff\xd8" + before + frame(*size, marker) + SCAN_HEADER + scan + b"\xff\xd9"


@given(before=others, scan=scans, marker=st.sampled_from([0xC0, 0xC1, 0xC2]), later_scans=st.lists(scans, max_size=2))
def test_whole_picture_has_no_fault(before, scan, marker, later_scans):
    data = picture(scan, before, marker)
    for later in later_scans:  # a progressive picture has several scans
        data = data[:-2] + SCAN_HEADER + later + b"\xff\xd9"
    jpeg = examine(data)
    assert (jpeg.fault, jpeg.size, jpeg.width, jpeg.height, jpeg.padding) == ("", len(data), 160, 120, 0)


@given(before=others, scan=scans, data=st.data())
def test_picture_that_is_cut_off_anywhere_has_a_fault(before, scan, data):
    whole = picture(scan, before)
    assert examine(whole[: data.draw(st.integers(0, len(whole) - 1))]).fault


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_examined(data, begins):
    jpeg = examine(b"\xff\xd8" + data if begins else data)
    assert jpeg.fault or jpeg.width


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "it is empty"),
        (b"<html>", "does not begin"),
        (picture()[:-2], "without its end marker"),
        (picture()[:-1], "without its end marker"),
        (picture()[:40], "without its end marker"),
        (picture() + b"\r\n--frame", "9 bytes follow"),
        (picture() + picture(), "bytes follow"),
        (picture()[:-2] + picture(), "another picture begins"),
        (b"\xff\xd8\xff\xd9", "ends without a picture"),
        (b"\xff\xd8" + SCAN_HEADER + b"x\xff\xd9", "before any frame header"),
        (picture(scan=b""), "is empty"),
        (picture(size=(0, 120)), "has no size"),
        (b"\xff\xd8\xff\xe0\x00\x01\xff\xd9", "has no length"),
        (b"\xff\xd8" + APP0 + b"garbage", "is not that of a marker"),
    ],
)
def test_fault_is_named(data, fault):
    assert fault in examine(data).fault


def test_padding_behind_the_end_is_counted():
    jpeg = examine(picture() + bytes(30))
    assert (jpeg.fault, jpeg.padding) == ("", 30)


def test_comments_do_not_make_a_new_picture():
    same = {examine(picture(before=segment(0xFE, b"%d" % n) + segment(0xE1, b"%d" % n))).digest for n in range(3)}
    assert len(same) == 1


@given(scans, scans)
def test_other_coded_data_makes_a_new_picture(first, second):
    assert (examine(picture(first)).digest == examine(picture(second)).digest) is (first == second)
