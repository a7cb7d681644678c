"""The part of a virtual flash that holds firmware: partition table, OTA data and slots, and its boot loader's choice.

The layouts are those of MicroPython's builds for 4 MB. The boot loader is ESP-IDF's with rollback enabled: an image
that is started for the first time is on trial, and if the chip restarts before the image has been marked valid, the
one before it is started instead. The file is beside that of the filesystem, and mostly a hole: zeros are erased
flash.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.firmware.partitions import (
    APP,
    DATA,
    FACTORY,
    FAT,
    NVS,
    OTA_0,
    OTA_DATA,
    PHY,
    TABLE_OFFSET,
    TABLE_SIZE,
    Partition,
    ota_data,
)
from camrig.firmware.program import MAGIC
from camrig.virtual.app_image import STOCK_PROJECT, AppImage, build_app_image, verify_app_image
from camrig.virtual.config import BLOCK_SIZE

NEW, PENDING, VALID, INVALID, ABORTED = range(5)

# What esp_err_t says: a whole OSError on the board.
NOT_FOUND, INVALID_ARGUMENT, VALIDATE_FAILED, FAILED = 0x105, 0x102, 0x1503, 1

_ROW = struct.Struct("<HBBII16sI")
_PHY = Partition("phy_init", DATA, PHY, 0xF000, 0x1000)
_OTA_LAYOUT = (
    Partition("nvs", DATA, NVS, 0x9000, 0x4000),
    Partition("otadata", DATA, OTA_DATA, 0xD000, 0x2000),
    _PHY,
    Partition("ota_0", APP, OTA_0, 0x10000, 0x180000),
    Partition("ota_1", APP, OTA_0 + 1, 0x190000, 0x180000),
)
_FACTORY_LAYOUT = (
    Partition("nvs", DATA, NVS, 0x9000, 0x6000),
    _PHY,
    Partition("factory", APP, FACTORY, 0x10000, 0x1F0000),
)


def layout(ota: bool, blocks: int) -> tuple[Partition, ...]:
    """The partitions of a board with or without OTA slots, and a filesystem of that many blocks behind them."""
    rows = _OTA_LAYOUT if ota else _FACTORY_LAYOUT
    return (*rows, Partition("vfs", DATA, FAT, rows[-1].end, blocks * BLOCK_SIZE))


def _row(partition: Partition) -> bytes:
    name = partition.name.encode()
    return _ROW.pack(0x50AA, partition.type, partition.subtype, partition.offset, partition.size, name, 0)


_ENTRY = struct.Struct("<I20sII")
_ERASED = 0xFFFFFFFF


@dataclass(frozen=True)
class OtaEntry:
    """One of the two records of the OTA data: the slot is ``(sequence - 1) % 2``."""

    sequence: int
    state: int

    @property
    def slot(self) -> int:
        return (self.sequence - 1) % 2

    def packed(self) -> bytes:
        return _ENTRY.pack(self.sequence, b"\xff" * 20, self.state, _crc(self.sequence))


def _crc(sequence: int) -> int:
    return zlib.crc32(struct.pack("<I", sequence), _ERASED)


def unpack_entry(data: bytes) -> OtaEntry | None:
    """None if it is erased or damaged."""
    sequence, _, state, crc = _ENTRY.unpack(data[: _ENTRY.size])
    if sequence in (0, _ERASED) or crc != _crc(sequence):
        return None
    return OtaEntry(sequence, state)


class AppSlots:
    """The firmware in the file at ``path``, which is made if it is not there. ``ota``: with two slots."""

    def __init__(self, path: Path, ota: bool, blocks: int) -> None:
        self.path = path
        self.partitions = layout(ota, blocks)
        self.apps = [partition for partition in self.partitions if partition.is_app]
        self.running = 0  # the number of the slot that the boot loader has started
        self.image: AppImage | None = None  # what is in it
        data = ota_data(self.partitions)
        self._otadata = data.offset if data is not None else None
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._fd).st_size < self.apps[-1].end:
            os.truncate(self._fd, self.apps[-1].end)
        table = b"".join(map(_row, self.partitions))
        os.pwrite(self._fd, table.ljust(TABLE_SIZE, b"\xff"), TABLE_OFFSET)

    def close(self) -> None:
        os.close(self._fd)

    def boot(self) -> str:
        """Choose what starts, as the boot loader does; what it prints when it has to take another slot."""
        entries = self._entries()
        for number, entry in enumerate(entries):
            if entry is not None and entry.state == PENDING:
                entries[number] = self._write(number, OtaEntry(entry.sequence, ABORTED))
        active = self._active(entries)
        entry = entries[active] if active is not None else None
        if active is not None and entry is not None and entry.state == NEW:
            self._write(active, OtaEntry(entry.sequence, PENDING))
        chosen = entry.slot if entry is not None else 0
        self.running, self.image = chosen, self.image_in(chosen)
        if self.image is None and len(self.apps) > 1 and (fallback := self.image_in(1 - chosen)) is not None:
            self.running, self.image = 1 - chosen, fallback
            return f"E (76) boot: OTA app partition slot {chosen} is not bootable\r\n"
        return ""

    def stock(self, banner: str) -> None:
        """Put the interpreter's own image into the first slot of an empty flash. ``banner`` is the interpreter's."""
        if self.image is None and self.running == 0:
            words = banner.partition("; ")[0].split()
            version, date = (words[1], words[-1]) if len(words) == 4 else ("unknown", "2000-01-01")
            try:
                data = build_app_image(version[:31], date, project=STOCK_PROJECT)
            except (ValueError, IndexError):
                data = build_app_image(version[:31], project=STOCK_PROJECT)
            os.pwrite(self._fd, data, self.apps[0].offset)
            self.image = verify_app_image(data)

    def image_in(self, number: int) -> AppImage | None:
        app = self.apps[number]
        if os.pread(self._fd, 1, app.offset) != bytes((MAGIC,)):
            return None
        return verify_app_image(os.pread(self._fd, app.size, app.offset))

    def boot_slot(self) -> int:
        """The number of the slot that starts next: ``Partition(Partition.BOOT)``."""
        entries = self._entries()
        active = self._active(entries)
        entry = entries[active] if active is not None else None
        return entry.slot if entry is not None else 0

    def set_boot(self, number: int) -> int:
        """Make slot ``number`` the one that starts next; 0 or the error."""
        if not 0 <= number < len(self.apps):
            return INVALID_ARGUMENT
        if self.image_in(number) is None:
            return VALIDATE_FAILED
        if self._otadata is None:
            return 0 if self.apps[number].subtype == FACTORY else NOT_FOUND
        entries = self._entries()
        active = self._active(entries)
        last = entries[active] if active is not None else None
        sequence = number + 1
        while last is not None and sequence < last.sequence:  # to choose a slot twice overwrites both records
            sequence += len(self.apps)
        self._write(0 if active is None else 1 - active, OtaEntry(sequence, NEW))
        return 0

    def mark_valid(self) -> int:
        """End the trial of the running image; 0 or the error."""
        if self._otadata is None:
            return NOT_FOUND
        entries = self._entries()
        active = self._active(entries)
        entry = entries[active] if active is not None else None
        if active is None or entry is None:
            return FAILED
        if entry.state != VALID:
            self._write(active, OtaEntry(entry.sequence, VALID))
        return 0

    def answer(self, question: str) -> int:
        """What ``board_side/partition.py`` asks: a slot's number, or 0 or an error for what it demands."""
        word, _, number = question.partition(" ")
        if word == "boot":
            return self.boot_slot()
        return self.mark_valid() if word == "valid" else self.set_boot(int(number))

    @property
    def board_settings(self) -> dict[str, Any]:
        """What the board side has to know for its ``esp32.Partition`` and its version."""
        title = self.image.title if self.image is not None else ""
        return {"slots": str(self.path), "running": self.running, "firmware": title}

    @property
    def states(self) -> dict[str, int]:
        """The state of each slot that the OTA data names."""
        return {self.apps[entry.slot].name: entry.state for entry in self._entries() if entry is not None}

    def _entries(self) -> list[OtaEntry | None]:
        if self._otadata is None:
            return [None, None]
        places = (self._otadata, self._otadata + BLOCK_SIZE)
        return [unpack_entry(os.pread(self._fd, _ENTRY.size, place)) for place in places]

    def _write(self, number: int, entry: OtaEntry) -> OtaEntry:
        assert self._otadata is not None
        os.pwrite(self._fd, entry.packed(), self._otadata + number * BLOCK_SIZE)
        return entry

    @staticmethod
    def _active(entries: list[OtaEntry | None]) -> int | None:
        """The number of the record that counts: of those neither invalid nor aborted, the last."""
        good = [
            (entry.sequence, number)
            for number, entry in enumerate(entries)
            if entry is not None and entry.state not in (INVALID, ABORTED)
        ]
        return max(good, key=lambda record: record[0])[1] if good else None
