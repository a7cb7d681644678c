"""A whole JPEG has a size; any part of one, and anything else, has a reason."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import pytest
from camrig.probe.jpeg import picture_size
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.lists(st.binary(max_size=40), max_size=4)


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def jpeg(
    width: int, height: int, comments: Sequence[bytes] = (), scans: Sequence[bytes] = (b"\x12",), frame: int = 0xC0
) -> bytes:
    size = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    head = b"\xff\xd8" + b"".join(segment(0xFE, text) for text in comments) + segment(frame, size)
    coded = (segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + scan.replace(b"\xff", b"\xff\x00") for scan in scans)
    return head + b"".join(coded) + b"\xff\xd9"


SIZES = st.integers(1, 65535)
PICTURES = st.builds(
    jpeg,
    SIZES,
    SIZES,
    PIECES,
    st.lists(st.binary(max_size=60), min_size=1, max_size=3),
    st.sampled_from([0xC0, 0xC2]),
)


@given(SIZES, SIZES, PIECES, st.lists(st.binary(max_size=60), min_size=1, max_size=3), st.binary(max_size=20))
def test_any_picture_has_its_size_whatever_it_holds(width, height, comments, scans, behind):
    assert picture_size(jpeg(width, height, comments, scans) + behind) == (width, height)


@given(PICTURES, st.data())
def test_a_picture_that_is_cut_anywhere_is_not_whole(picture, data):
    cut = data.draw(st.integers(0, len(picture) - 1))
    with pytest.raises(ValueError, match=r"empty|begin|breaks off"):
        picture_size(picture[:cut])


@given(st.binary(max_size=200), st.booleans())
def test_other_bytes_are_refused_with_a_reason_or_are_a_picture(data, starts):
    with suppress(ValueError):
        assert all(picture_size(b"\xff\xd8" * starts + data))


def test_restarts_and_fillings_belong_to_a_scan():
    picture = jpeg(64, 48)
    assert picture_size(picture[:-2] + b"\xff\xd0\xff\xd7\xff\x00\xff\xff\xff\xd9") == (64, 48)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>", "begin"),
        (b"\xff\xd8\xff\xd9", "no picture in it"),
        (b"\xff\xd8\xff\xfe\x00\x01\xff\xd9", "FE has no length"),
        (jpeg(0, 48), "no picture in it"),
        (jpeg(64, 48, frame=0xC4), "no picture in it"),
        (jpeg(64, 48, scans=[]), "no picture in it"),
    ],
)
def test_what_is_wrong_is_named(data, reason):
    with pytest.raises(ValueError, match=reason):
        picture_size(data)
