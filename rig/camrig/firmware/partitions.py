"""The partition table: what lies where in a board's flash. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from camrig.errors import FirmwareError
from camrig.redaction import one_line, presentable

TABLE_OFFSET = 0x8000
TABLE_SIZE = 0xC00  # of the entries
SECTOR = 0x1000  # what flash erases at once; the table has one of its own
RECORDS = 2 * SECTOR  # of an OTA data partition: one record at the start of each
APP, DATA = 0, 1
FACTORY, OTA_0, OTA_15, TEST = 0x00, 0x10, 0x1F, 0x20
OTA_DATA, PHY, NVS, FAT, SPIFFS, LITTLEFS = 0x00, 0x01, 0x02, 0x81, 0x82, 0x83
_ENTRY = 32
_MAGIC, _MD5_MAGIC, _END = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14, b"\xff" * _ENTRY
_DATA_NAMES = {
    **{OTA_DATA: "ota", PHY: "phy", NVS: "nvs", 0x03: "coredump", 0x04: "nvs_keys", 0x05: "efuse", 0x06: "undefined"},
    **{0x80: "esphttpd", FAT: "fat", SPIFFS: "spiffs", LITTLEFS: "littlefs"},
}


@dataclass(frozen=True)
class Partition:
    """One entry of the table. ``type`` and ``subtype`` are numbers, as ``esp32.Partition.info()`` has them."""

    name: str
    type: int
    subtype: int
    offset: int
    size: int
    encrypted: bool = False

    @classmethod
    def of_info(cls, info: Sequence[Any]) -> Partition:
        """What ``esp32.Partition.info()`` returned on a board."""
        kind, subtype, offset, size, name, encrypted = info
        return cls(one_line(presentable(str(name))), int(kind), int(subtype), int(offset), int(size), bool(encrypted))

    @property
    def end(self) -> int:
        """The first offset behind it."""
        return self.offset + self.size

    @property
    def is_app(self) -> bool:
        """Whether it holds an application."""
        return self.type == APP

    @property
    def holds_files(self) -> bool:
        """Whether it holds a filesystem."""
        return self.type == DATA and self.subtype in (FAT, SPIFFS, LITTLEFS)

    @property
    def kind(self) -> str:
        """``app, factory`` or ``data, nvs``, with numbers where there is no name."""
        if self.type == APP:
            names = {FACTORY: "factory", TEST: "test"}
            slot = f"ota_{self.subtype - OTA_0}" if OTA_0 <= self.subtype <= OTA_15 else f"0x{self.subtype:02x}"
            return f"app, {names.get(self.subtype, slot)}"
        if self.type == DATA:
            return f"data, {_DATA_NAMES.get(self.subtype, f'0x{self.subtype:02x}')}"
        return f"0x{self.type:02x}, 0x{self.subtype:02x}"


def read_partitions(data: bytes, title: str = "the partition table") -> tuple[Partition, ...]:
    """The table at the start of ``data``, in its order, its MD5 checked if it has one.

    Raises FirmwareError, which calls it ``title``, if it is missing, damaged, or places partitions over each other.
    """
    partitions: list[Partition] = []
    for position in range(0, min(len(data), TABLE_SIZE) - _ENTRY + 1, _ENTRY):
        entry = data[position : position + _ENTRY]
        if entry == _END:
            break
        if entry.startswith(_MD5_MAGIC):
            if hashlib.md5(data[:position]).digest() != entry[16:]:
                raise _table_error(f"{title} is damaged: its MD5 is wrong")
            break
        if not entry.startswith(_MAGIC):
            raise _table_error(f"{title} is {'damaged' if partitions else 'missing'}")
        partitions.append(_partition(entry))
    if not partitions:
        raise _table_error(f"{title} is missing")
    _check_places(partitions, title)
    return tuple(partitions)


def _partition(entry: bytes) -> Partition:
    kind, subtype, offset, size, label, flags = struct.unpack("<2xBBII16sI", entry)
    name = label.partition(b"\0")[0].decode("ascii", "replace")
    name = "".join(character if character.isprintable() else "?" for character in name)
    return Partition(name, kind, subtype, offset, size, encrypted=bool(flags & 1))


def _check_places(partitions: list[Partition], title: str) -> None:
    for partition in partitions:
        if not partition.size or partition.offset % SECTOR or partition.offset < TABLE_OFFSET + SECTOR:
            raise _table_error(f"{title} places {partition.name} at 0x{partition.offset:x}, where it cannot be")
    for lower, upper in pairwise(sorted(partitions, key=lambda partition: partition.offset)):
        if lower.end > upper.offset:
            raise _table_error(f"in {title}, {lower.name} and {upper.name} overlap")


def _table_error(sentence: str) -> FirmwareError:
    return FirmwareError(sentence, hint="use the .bin of a release, or build the firmware again")


def ota_slots(partitions: Iterable[Partition]) -> tuple[Partition, ...]:
    """The partitions for applications that come over the air, in the order of their numbers."""
    slots = (partition for partition in partitions if partition.is_app and OTA_0 <= partition.subtype <= OTA_15)
    return tuple(sorted(slots, key=lambda slot: slot.subtype))


def ota_data(partitions: Iterable[Partition]) -> Partition | None:
    """The partition that says which of the slots boots."""
    return next((entry for entry in partitions if entry.type == DATA and entry.subtype == OTA_DATA), None)


def first_app(partitions: Iterable[Partition]) -> Partition | None:
    """The application that boots on a board where nothing chose another: factory, or else the first slot."""
    apps = [partition for partition in partitions if partition.is_app and partition.subtype <= OTA_15]
    return min(apps, key=lambda app: app.subtype, default=None)


def files_partition(partitions: Iterable[Partition], flash_bytes: int = 0) -> Partition | None:
    """The partition of the files. Where the table has none, MicroPython takes the end of the flash for them."""
    known = tuple(partitions)
    if filesystems := [partition for partition in known if partition.holds_files]:
        return min(filesystems, key=lambda partition: partition.name != "vfs")
    start = max((partition.end for partition in known), default=0)
    if not known or start >= flash_bytes:
        return None
    return Partition("vfs", DATA, FAT, start, flash_bytes - start)


def partitions_text(partitions: Iterable[Partition]) -> str:
    """The table as lines of text, one for each partition."""
    rows = [
        (
            entry.name,
            entry.kind,
            f"0x{entry.offset:06x}",
            size_text(entry.size),
            "encrypted" if entry.encrypted else "",
        )
        for entry in partitions
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def size_text(size: int) -> str:
    """``4 MB``, ``24 KB`` or ``100 B``; sizes in flash are binary."""
    for unit, scale in (("MB", 1 << 20), ("KB", 1 << 10)):
        if size >= scale:
            return f"{size / scale:.4g} {unit}"
    return f"{size} B"
