"""The partition table, and which of its applications boots."""

from __future__ import annotations

import struct
import zlib

import pytest
from camrig.errors import FirmwareError
from camrig.firmware.ota_data import chosen_app
from camrig.firmware.partitions import (
    SECTOR,
    Partition,
    files_partition,
    first_app,
    ota_data,
    ota_slots,
    partitions_text,
    read_partitions,
    size_text,
)
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.firmware_images import ONE_SLOT, TWO_SLOTS, table

PLAIN, OTA = read_partitions(table(ONE_SLOT)), read_partitions(table(TWO_SLOTS))


@st.composite
def layouts(draw) -> tuple[tuple[str, int, int, int, int], ...]:
    """Partitions one behind the other, with gaps, in any order."""
    offset, rows = 0x9000, []
    for number in range(draw(st.integers(1, 12))):
        offset += SECTOR * draw(st.integers(0, 3))
        size = SECTOR * draw(st.integers(1, 300))
        rows.append((f"part{number}", draw(st.sampled_from([0, 1, 0x40])), draw(st.integers(0, 254)), offset, size))
        offset += size
    return tuple(draw(st.permutations(rows)))


@given(layouts(), st.booleans())
def test_a_table_comes_back_as_it_was_written(rows, md5):
    read = read_partitions(table(rows, md5=md5))
    assert tuple((entry.name, entry.type, entry.subtype, entry.offset, entry.size) for entry in read) == rows
    assert len(partitions_text(read).splitlines()) == len(rows)


@given(layouts(), st.data())
def test_any_changed_byte_of_the_entries_is_found(rows, draw):
    data = bytearray(table(rows))
    position = draw.draw(st.integers(0, 32 * len(rows) + 31))
    data[position] ^= draw.draw(st.integers(1, 255))
    with pytest.raises(FirmwareError):
        read_partitions(bytes(data))


@given(st.binary(max_size=200))
def test_garbage_is_not_taken_for_a_table(data):
    with pytest.raises(FirmwareError, match="the partition table"):
        read_partitions(data)


def test_slots_files_and_first_application_are_found():
    assert [slot.name for slot in ota_slots(reversed(OTA))] == ["ota_0", "ota_1"]
    assert ota_slots(PLAIN) == ()
    assert (first_app(OTA), first_app(PLAIN), first_app(())) == (OTA[3], PLAIN[2], None)
    assert (ota_data(OTA), ota_data(PLAIN)) == (OTA[1], None)
    assert files_partition(OTA) == OTA[5]


def test_files_are_behind_the_last_partition_without_one_of_their_own():
    bare = PLAIN[:3]
    assert files_partition(bare) is None
    place = files_partition(bare, 4 << 20)
    assert place is not None
    assert (place.offset, place.end, place.holds_files) == (0x200000, 4 << 20, True)
    assert files_partition((), 4 << 20) is None


def test_a_partition_called_vfs_holds_the_files_rather_than_another():
    storage = Partition("storage", 1, 0x82, 0x300000, 0x1000)
    assert files_partition((storage, *PLAIN)) == PLAIN[3]


def test_the_table_as_text():
    assert partitions_text(OTA).splitlines()[3] == "ota_0     app, ota_0  0x010000  1.5 MB"
    assert partitions_text((Partition("x", 0x40, 1, 0x9000, 100, encrypted=True),)) == (
        "x  0x40, 0x01  0x009000  100 B  encrypted"
    )


@pytest.mark.parametrize(("size", "text"), [(0, "0 B"), (0x6000, "24 KB"), (0x1F0000, "1.938 MB"), (4 << 20, "4 MB")])
def test_sizes_in_flash_are_binary(size, text):
    assert size_text(size) == text


def record(number: int, state: int = 0xFFFFFFFF, crc: int | None = None) -> bytes:
    start = struct.pack("<I", number)
    check = zlib.crc32(start, 0xFFFFFFFF) if crc is None else crc
    return (start + b"\xff" * 20 + struct.pack("<II", state, check)).ljust(SECTOR, b"\xff")


BLANK = b"\xff" * SECTOR


@pytest.mark.parametrize(
    ("data", "slot"),
    [
        (b"", "ota_0"),
        (BLANK * 2, "ota_0"),
        (record(1) + BLANK, "ota_0"),
        (record(1) + record(2), "ota_1"),
        (record(3) + record(2), "ota_0"),
        (record(1) + record(2, crc=0), "ota_0"),
        (record(1) + record(2, state=3), "ota_0"),
        (record(1) + record(2, state=4), "ota_0"),
        (record(1) + record(2, state=1), "ota_1"),
        (record(0) + BLANK, "ota_0"),
        (record(2)[:20], "ota_0"),
    ],
)
def test_the_highest_valid_record_chooses_the_slot(data, slot):
    chosen = chosen_app(OTA, data)
    assert chosen is not None
    assert chosen.name == slot


def test_factory_boots_where_nothing_was_chosen():
    with_factory = (*OTA, Partition("factory", 0, 0, 0x400000, 0x100000))
    for data, name in ((BLANK * 2, "factory"), (record(2) + BLANK, "ota_1")):
        chosen = chosen_app(with_factory, data)
        assert chosen is not None
        assert chosen.name == name
