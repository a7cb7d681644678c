"""Reads the test picture that camrig's virtual camera and synthetic sensor show: its number and its clock. Pure.

The picture is a grey baseline JPEG in which every block of 8 x 8 pixels is one byte: the difference of its grey from
that of the block before. Blocks make digits of 3 x 5, the number of the picture, and a row of 15 bits below them, the
milliseconds of the board's clock when it was taken. A number is only where all digits are: no other picture has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

DIGITS, GLYPH = 5, 4  # of the number, and blocks from one digit to the next
NUMBERS = 10**DIGITS  # after which the number begins again
CLOCK_MS = 1 << 3 * DIGITS  # after which the clock begins again
DIGIT_ROWS, CLOCK_ROW = range(1, 6), 7  # rows of blocks
# Rows of three blocks as numbers, of the digits 0 to 9.
FONT = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71222", "75757", "75717")
# Huffman tables of two codes for differences (of 4 bits, none) and one for the rest of a block (nothing).
TABLES = (
    b"\xff\xc4\x00\x15\x00\x00\x00\x01\x00\x00\x00\x01" + bytes(9) + b"\x04\x00",
    b"\xff\xc4\x00\x14\x10\x01" + bytes(15) + b"\x00",
)
SCAN = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
_FRAME = b"\xff\xc0\x00\x0b\x08"
_STEPS = {0x0E: -8, 0x20: 0, 0x1E: 15, 0x00: -15}


class Shown(NamedTuple):
    """What a test picture shows."""

    number: int
    clock_ms: int


def read_number(jpeg: bytes) -> Shown | None:
    """The number and the clock that a picture shows; None if it is not the test picture."""
    if not all(table in jpeg[:1024] for table in TABLES):
        return None
    scan, frame = jpeg.find(SCAN), jpeg.find(_FRAME)
    if scan < 0 or frame < 0 or len(jpeg) < frame + 9:
        return None
    width = (int.from_bytes(jpeg[frame + 7 : frame + 9], "big") + 7) // 8
    blocks = jpeg[scan + len(SCAN) : scan + len(SCAN) + width * (CLOCK_ROW + 1)]
    cells = _cells(blocks, width)
    if cells is None:
        return None
    digits = [_digit(["".join(_octal(cells[row], place)) for row in DIGIT_ROWS]) for place in range(DIGITS)]
    if None in digits:
        return None
    clock = int("".join(_octal(cells[CLOCK_ROW], place) for place in range(DIGITS)), 8)
    return Shown(int("".join(map(str, digits))), clock)


def _cells(blocks: bytes, width: int) -> list[list[bool]] | None:
    """Rows of blocks, light or dark; None if they are not coded as those of the test picture are."""
    if width < DIGITS * GLYPH or len(blocks) < width * (CLOCK_ROW + 1):
        return None
    level, cells = 0, []
    for step in blocks:
        if step not in _STEPS:
            return None
        level += _STEPS[step]
        if level not in (-8, 7):
            return None
        cells.append(level > 0)
    return [cells[begin : begin + width] for begin in range(0, len(cells), width)]


def _octal(row: Sequence[bool], place: int) -> str:
    """The three blocks of one place in a row, as a digit from 0 to 7."""
    left, middle, right = row[place * GLYPH : place * GLYPH + 3]
    return str(4 * left + 2 * middle + right)


def _digit(rows: Sequence[str]) -> int | None:
    text = "".join(rows)
    return FONT.index(text) if text in FONT else None
