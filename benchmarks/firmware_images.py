"""Firmware images made to order, valid to the last hash: a small program in a real layout."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

NUMBERS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}
LOADER_OFFSETS = {"esp32": 0x1000, "esp32s2": 0x1000}
SECTOR, TABLE = 0x1000, 0x8000
Row = tuple[str, int, int, int, int]  # name, type, subtype, offset, size
ONE_SLOT: tuple[Row, ...] = (
    ("nvs", 1, 2, 0x9000, 0x6000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("factory", 0, 0, 0x10000, 0x1F0000),
    ("vfs", 1, 0x81, 0x200000, 0x200000),
)
TWO_SLOTS: tuple[Row, ...] = (
    ("nvs", 1, 2, 0x9000, 0x4000),
    ("otadata", 1, 0, 0xD000, 0x2000),
    ("phy_init", 1, 1, 0xF000, 0x1000),
    ("ota_0", 0, 0x10, 0x10000, 0x180000),
    ("ota_1", 0, 0x11, 0x190000, 0x180000),
    ("vfs", 1, 0x81, 0x310000, 0xF0000),
)


def description(version: str = "v1.24.1", project: str = "micropython") -> bytes:
    """What an application says about itself, with the rest of its 256 bytes."""
    texts = (version.encode(), project.encode(), b"12:00:00", b"Nov 29 2026", b"v5.2.2")
    return (
        struct.pack("<4I32s32s16s16s32s", 0xABCD5432, 0, 0, 0, *texts)
        + hashlib.sha256(version.encode()).digest()
        + bytes(80)
    )


def program(
    chip: str = "esp32",
    segments: Sequence[bytes] = (bytes(400),),
    *,
    flash: int = 4 << 20,
    mode: int = 2,
    digest: bool = True,
) -> bytes:
    """A boot loader or an application made of ``segments``, with checksum and, if asked, its hash."""
    size = (flash >> 20).bit_length() - 1
    body = struct.pack("<4BI", 0xE9, len(segments), mode, size << 4, 0x40080000)
    body += struct.pack("<B3sHBHH4s?", 0xEE, bytes(3), NUMBERS[chip], 0, 0, 99, bytes(4), digest)
    checksum = 0xEF
    for index, segment in enumerate(segments):
        padded = segment + bytes(-len(segment) % 4)
        body += struct.pack("<II", 0x3F400020 + 0x100000 * index, len(padded)) + padded
        for byte in padded:
            checksum ^= byte
    body += bytes(15 - len(body) % 16) + bytes([checksum])
    return body + hashlib.sha256(body).digest() if digest else body


def application(chip: str = "esp32", version: str = "v1.24.1", size: int = 20_000) -> bytes:
    """An application that describes itself; its code is made of its version."""
    code = (hashlib.sha256(version.encode()).digest() * (size // 32 + 1))[:size]
    return program(chip, (description(version), code))


def table(rows: Sequence[Row] = ONE_SLOT, *, md5: bool = True) -> bytes:
    """A partition table of one sector."""
    entries = b"".join(
        struct.pack("<2sBBII16sI", b"\xaa\x50", kind, subtype, offset, size, name.encode(), 0)
        for name, kind, subtype, offset, size in rows
    )
    if md5:
        entries += b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    return entries.ljust(SECTOR, b"\xff")


@dataclass(frozen=True)
class Parts:
    """What a combined image is made of. ``extra`` are further contents by offset in flash."""

    chip: str = "esp32"
    rows: tuple[Row, ...] = ONE_SLOT
    version: str = "v1.24.1"
    flash: int = 4 << 20
    extra: tuple[tuple[int, bytes], ...] = ()

    @property
    def loader_offset(self) -> int:
        """Where the ROM looks for the boot loader."""
        return LOADER_OFFSETS.get(self.chip, 0)

    def flash_contents(self) -> bytes:
        """The image from flash offset 0 on."""
        apps = sorted(row for row in self.rows if row[1] == 0)
        pieces = [
            (self.loader_offset, program(self.chip, flash=self.flash)),
            (TABLE, table(self.rows)),
            (min(apps, key=lambda row: row[2])[3], application(self.chip, self.version)),
            *self.extra,
        ]
        contents = bytearray()
        for offset, data in sorted(pieces):
            contents = contents.ljust(offset, b"\xff")
            contents[offset : offset + len(data)] = data
        return bytes(contents)

    def release(self) -> bytes:
        """As MicroPython releases it: from the boot loader on."""
        return self.flash_contents()[self.loader_offset :]
