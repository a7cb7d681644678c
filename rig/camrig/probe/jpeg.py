"""Whether a picture is a whole JPEG, and its size. Pure, and bounded by the length of the data."""

from __future__ import annotations

_START, _SCAN, _END = 0xD8, 0xDA, 0xD9
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # those that carry the size


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height of a whole JPEG. Raises ValueError, whose text says what is wrong with it.

    Bytes behind its end do not matter, as in a browser.
    """
    if not data:
        raise ValueError("it is empty")
    if data[:2] != bytes((0xFF, _START)):
        raise ValueError("it does not begin as a JPEG does")
    size, scanned, at = (0, 0), False, 2
    while True:
        at = _next_marker(data, at)
        marker = data[at]
        at += 1
        if marker == _END:
            break
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if length < 2:
            raise ValueError(f"its marker {marker:02X} has no length" if at + 2 <= len(data) else _cut(data))
        if marker in _FRAMES and length >= 7:
            height, width = (int.from_bytes(data[at + place : at + place + 2], "big") for place in (3, 5))
            size = width, height
        scanned = scanned or marker == _SCAN
        at += length
    if not all(size) or not scanned:
        raise ValueError("it has no picture in it")
    return size


def _next_marker(data: bytes, at: int) -> int:
    """The place of the next marker's second byte: what a scan holds, and zeros stuffed into it, are passed over."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError(_cut(data))
        at += 1
        if data[at] not in (0x00, 0xFF):
            return at


def _cut(data: bytes) -> str:
    return f"it breaks off after {len(data):,} bytes"
