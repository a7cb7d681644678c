"""Which of its slots a board boots: the two records of the OTA data partition. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from camrig.firmware.partitions import SECTOR, Partition, first_app, ota_slots

_NEVER = 0xFFFFFFFF
_INVALID, _ABORTED = 3, 4  # states in which the boot loader passes a slot by


def chosen_app(partitions: Sequence[Partition], data: bytes) -> Partition | None:
    """The application that boots on a board whose OTA data partition holds ``data``, empty if it has none."""
    slots = ota_slots(partitions)
    numbers = [number for start in (0, SECTOR) if (number := _number(data[start : start + 32])) is not None]
    if slots and numbers:
        return slots[(max(numbers) - 1) % len(slots)]
    return first_app(partitions)


def _number(record: bytes) -> int | None:
    """The number of a valid record: the higher of two counts, and tells the slot."""
    if len(record) < 32:
        return None
    number, state, crc = struct.unpack("<I20xII", record)
    if number in (0, _NEVER) or state in (_INVALID, _ABORTED):
        return None
    return int(number) if zlib.crc32(record[:4], _NEVER) == crc else None
