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
from functools import reduce
from operator import xor

from camrig.errors import FirmwareError
from camrig.firmware.program import DESCRIPTION, MAGIC, read_program
from camrig.virtual.faults import parse

FAULTS_MARK = b"camrig-virtual-faults:"
STOCK_PROJECT = "camrig-virtual"  # of the interpreter's own image, whose version needs no override
CHIP_ESP32 = 0

_HEADER = struct.Struct("<BBBBIB3sHBHH4sB")
_SEGMENT = struct.Struct("<II")
_DESCRIPTION = struct.Struct("<II8s32s32s16s16s32s32s80s")
_DESCRIPTION_MAGIC = 0xABCD5432
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
    header = _HEADER.pack(MAGIC, 1, 2, 0x20, 0x40080000, 0xEE, b"", chip, 0, 0, 0xFFFF, b"", 1)
    data = header + _SEGMENT.pack(_DROM, len(segment)) + segment
    data += bytes(-(len(data) + 1) % 16) + bytes((_checksum(segment),))
    return data + hashlib.sha256(data).digest()


def verify_app_image(data: bytes) -> AppImage | None:
    """The image at the beginning of ``data``; None if the boot loader of an ESP32 would refuse it."""
    try:
        program = read_program(data, "the image")
        if program.chip.number != CHIP_ESP32:
            return None
        about = program.description
        if about is None:
            return AppImage(program.length, "", "", "")
        return AppImage(program.length, about.project, about.version, _iso_date(about.date), _faults(data))
    except (FirmwareError, ValueError):
        return None


def _faults(data: bytes) -> tuple[str, ...]:
    place = DESCRIPTION + _DESCRIPTION.size
    if not data.startswith(FAULTS_MARK, place):
        return ()
    return tuple(data[place + len(FAULTS_MARK) : data.index(b"\0", place)].decode().split())


def _iso_date(text: str) -> str:
    month, day, year = text.split()
    return f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}"


def _checksum(segment: bytes) -> int:
    return reduce(xor, segment, 0xEF)
