"""Which of its slots a board boots: the two records of the OTA data partition. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from camrig.firmware.partitions import SECTOR, Partition, first_app, ota_slots

_RECORD = struct.Struct("<I20xII")
_NEVER = 0xFFFFFFFF
_INVALID, _ABORTED = 3, 4  # states in which the boot loader passes a slot by


def chosen_app(partitions: Sequence[Partition], data: bytes) -> Partition | None:
    """The application that boots on a board whose OTA data partition holds ``data``, empty if it has none."""
    slots = ota_slots(partitions)
    records = (read_record(data[start : start + _RECORD.size]) for start in (0, SECTOR))
    numbers = [number for number, state in filter(None, records) if state not in (_INVALID, _ABORTED)]
    if slots and numbers:
        return slots[(max(numbers) - 1) % len(slots)]
    return first_app(partitions)


def read_record(record: bytes) -> tuple[int, int] | None:
    """The number of a record and the state of its slot; the higher of two numbers tells the slot. None if invalid."""
    if len(record) < _RECORD.size:
        return None
    number, state, crc = _RECORD.unpack(record)
    return (number, state) if number not in (0, _NEVER) and zlib.crc32(record[:4], _NEVER) == crc else None
