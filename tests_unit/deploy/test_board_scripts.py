"""How bytes get to the board: literals that MicroPython reads back unchanged, pieces that fit line and heap."""

from __future__ import annotations

import ast
import random
import re
import zlib

import pytest
from camrig.board.session import Session
from camrig.deploy.board_scripts import (
    PIECE_MAX,
    PIECE_MIN,
    command,
    literal,
    piece_size,
    pieces,
    stream,
    window_bits,
)
from hypothesis import given
from hypothesis import strategies as st


@given(st.binary(max_size=300))
def test_a_literal_reads_back_unchanged(data):
    text = literal(data)
    assert not set(text) & {*range(6), 10, 13}  # no control key of the REPL
    ascii_only = re.sub(rb"[\x80-\xff]", lambda match: b"\\x%02x" % match[0][0], text)
    assert ast.literal_eval(ascii_only.decode("ascii")) == data


def test_micropython_reads_a_literal_back_unchanged(session: Session):
    data = (
        random.Random(7).randbytes(6000) + bytes(range(256)) + bytes(n for k in range(256) for n in (k, 48 + k % 10))
    )
    session.exec("import hashlib, binascii")
    output = session.exec(b"x = " + literal(data) + b"\nprint(len(x), binascii.crc32(x))")
    assert output.split() == [str(len(data)), str(zlib.crc32(data))]


@pytest.mark.parametrize("inflates", [True, False])
def test_a_command_reads_a_stream_with_and_without_inflating(session: Session, inflates):
    data = b"some text " * 700
    session.exec(command("def size(s):\n    return len(s.read())\n", inflates))
    assert session.exec(b"print(size(" + stream(data, inflates) + b"))").strip() == str(len(data))


@given(st.binary(max_size=5000), st.integers(1, 2000))
def test_pieces_join_to_the_whole(data, size):
    parts = list(pieces(data, size))
    assert b"".join(parts) == data
    assert all(len(piece) == size for piece in parts[:-1])


@given(st.integers(300, 4_000_000), st.integers(0, 1 << 23))
def test_a_piece_fits_the_line_and_the_heap(baud, heap):
    size = piece_size(baud, heap)
    assert PIECE_MIN <= size <= PIECE_MAX
    if size > PIECE_MIN:
        assert size / (baud / 10) < 1  # second on the wire
        # As text, as an object, and the window to inflate it.
        assert 2 * size + (1 << window_bits(size)) < heap / 2


@given(st.integers(1, PIECE_MAX))
def test_a_window_holds_its_piece_and_is_not_larger_than_needed(size):
    assert 1 << window_bits(size) >= min(size, 512)
    assert window_bits(size) == 9 or 1 << (window_bits(size) - 1) < size
