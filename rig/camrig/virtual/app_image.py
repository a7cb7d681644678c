"""ESP32 application images: made for virtual firmware, and verified as the boot loader does. Pure.

An image is a header, segments, a checksum byte and usually a SHA-256; its first segment begins with the application
description. An image with faults is virtual firmware that misbehaves: the faults, in the words of ``faults.py``,
follow the description behind ``FAULTS_MARK``.
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from camrig.virtual.faults import parse

FAULTS_MARK = b"camrig-virtual-faults:"
STOCK_PROJECT = "camrig-virtual"  # of the interpreter's own image, whose version needs no override
CHIP_ESP32 = 0

_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_DESCRIPTION = struct.Struct("<II8s32s32s16s16s32s32s80s")
_MAGIC, _DESCRIPTION_MAGIC = 0xE9, 0xABCD5432
_CHECKSUM_SEED = 0xEF
_HASH_SIZE = 32
_DROM = 0x3F400020  # where the first segment is mapped
_VERSION = re.compile(r"v?[0-9]{1,5}(\.[0-9]{1,5}){0,2}(-[!-~]*)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True)
class AppImage:
    """A verified image: ``length`` bytes with everything that belongs to it. ``date`` is YYYY-MM-DD."""

    length: int
    project: str
    version: str
    date: str
    faults: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """``v1.26.0 on 2025-08-11``, as MicroPython calls its build.

        It is empty for the interpreter's own image, and for one whose version is not like MicroPython's.
        """
        own = self.project == STOCK_PROJECT or not _VERSION.fullmatch(self.version)
        return "" if own else f"{self.version} on {self.date}"


def build_app_image(
    version: str,
    date: str = "2026-01-01",
    *,
    project: str = "micropython",
    faults: Sequence[str] = (),
    filling: bytes = b"",
    chip: int = CHIP_ESP32,
) -> bytes:
    """A well-formed image of firmware ``version``. ``faults`` are what is wrong with it; ``filling`` makes it larger.

    Raises SettingsError for a fault that does not exist.
    """
    words = " ".join(str(parse(text)) for text in faults)
    year, month, day = date.split("-")
    built = f"{_MONTHS[int(month) - 1]} {int(day):2} {year}"
    description = _DESCRIPTION.pack(
        _DESCRIPTION_MAGIC, 0, b"", version.encode(), project.encode(), b"00:00:00", built.encode(), b"v5.2", b"", b""
    )
    segment = description + FAULTS_MARK + words.encode() + b"\0" + filling
    segment += bytes(-len(segment) % 4)
    header = _HEADER.pack(_MAGIC, 1, 2, 0x20, 0x40080000, 0xEE, b"", chip, 0, 0, 0xFFFF, b"", 1)
    data = header + _SEGMENT.pack(_DROM, len(segment)) + segment
    data += bytes(-(len(data) + 1) % 16) + bytes((_checksum(segment),))
    return data + hashlib.sha256(data).digest()


def verify_app_image(data: bytes) -> AppImage | None:
    """The image at the beginning of ``data``; None if a boot loader would refuse it."""
    try:
        return _verified(data)
    except (struct.error, UnicodeDecodeError, ValueError, IndexError):
        return None


def _verified(data: bytes) -> AppImage | None:
    magic, count, *_, chip, _, _, _, _, hashed = _HEADER.unpack_from(data)
    if magic != _MAGIC or chip != CHIP_ESP32 or not 1 <= count <= 16:
        return None
    at, checksum = _HEADER.size, 0
    first = at + _SEGMENT.size
    for _ in range(count):
        _, size = _SEGMENT.unpack_from(data, at)
        at += _SEGMENT.size
        segment = data[at : at + size]
        if len(segment) != size:
            return None
        checksum ^= _checksum(segment) ^ _CHECKSUM_SEED
        at += size
    at += -(at + 1) % 16 + 1
    if data[at - 1] != checksum ^ _CHECKSUM_SEED:
        return None
    if hashed and hashlib.sha256(data[:at]).digest() != data[at : at + _HASH_SIZE]:
        return None
    return _described(data, first, at + _HASH_SIZE * bool(hashed))


def _described(data: bytes, first: int, length: int) -> AppImage:
    magic, _, _, version, project, _, date, *_ = _DESCRIPTION.unpack_from(data, first)
    if magic != _DESCRIPTION_MAGIC:
        return AppImage(length, "", "", "")
    faults: tuple[str, ...] = ()
    mark = first + _DESCRIPTION.size
    if data[mark : mark + len(FAULTS_MARK)] == FAULTS_MARK:
        words = data[mark + len(FAULTS_MARK) : data.index(b"\0", mark)]
        faults = tuple(words.decode().split())
    return AppImage(length, _text(project), _text(version), _iso_date(_text(date)), faults)


def _iso_date(text: str) -> str:
    month, day, year = text.split()
    return f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}"


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode()


def _checksum(segment: bytes) -> int:
    """The XOR of all bytes and the seed: halves are folded onto each other, which is fast for megabytes."""
    value, size = int.from_bytes(segment, "little"), 1 << max(0, (len(segment) - 1).bit_length())
    while size > 1:
        size //= 2
        value = (value >> 8 * size) ^ (value & ((1 << 8 * size) - 1))
    return value ^ _CHECKSUM_SEED
