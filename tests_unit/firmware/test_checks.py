"""Whether an image fits a board, what is written of it, and what the board loses."""

from __future__ import annotations

import pytest
from camrig.errors import FirmwareError
from camrig.firmware.checks import check_for, lost
from camrig.firmware.image import read_image
from camrig.firmware.partitions import SECTOR, read_partitions
from camrig.firmware.regions import regions
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.firmware_images import ONE_SLOT, TWO_SLOTS, Parts, application, description, program, table

PLAIN, OTA = read_partitions(table(ONE_SLOT)), read_partitions(table(TWO_SLOTS))
RELEASE = read_image(Parts().release(), "it.bin")
OTA_RELEASE = read_image(Parts(rows=TWO_SLOTS).release(), "ota.bin")
APP = read_image(application(), "app.bin")
MB = 1 << 20
ELSEWHERE = "the new partition table has it elsewhere or not at all"


def bare(rows):
    return tuple(row for row in rows if row[0] != "vfs")


@pytest.mark.parametrize("present", [None, (), PLAIN, OTA])
def test_a_release_fits_any_board_with_its_chip_and_flash(present):
    for chip in ("ESP32", "esp32"):
        check_for(RELEASE, chip, 4 * MB, present)
    check_for(RELEASE, "esp32", 16 * MB, present)


@pytest.mark.parametrize(
    ("image", "chip", "flash", "present", "words"),
    [
        (RELEASE, "ESP32-S3", 8 * MB, PLAIN, "it.bin is for esp32, and the board has an esp32s3"),
        (RELEASE, "esp32", 2 * MB, PLAIN, "it.bin needs a flash of 4 MB, and the board has 2 MB"),
        (APP, "esp32c3", 4 * MB, PLAIN, "app.bin is for esp32, and the board has an esp32c3"),
        (APP, "esp32", 1 * MB, PLAIN, "app.bin needs a flash of 2 MB, and the board has 1 MB"),
        (APP, "esp32", 4 * MB, None, "app.bin is an application alone"),
        (APP, "esp32", 4 * MB, (), "app.bin is an application alone"),
        (APP, "esp32", 4 * MB, PLAIN[:2], "app.bin is an application alone"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(image, chip, flash, present, words):
    with pytest.raises(FirmwareError, match=words):
        check_for(image, chip, flash, present)


def test_an_application_larger_than_its_slot_is_refused():
    small = tuple((*row[:4], 0x4000 if row[0] == "factory" else row[4]) for row in ONE_SLOT)
    with pytest.raises(FirmwareError, match=r"app.bin has 19.86 KB, and the partition factory of the board 16 KB"):
        check_for(APP, "esp32", 4 * MB, read_partitions(table(small)))


def test_a_release_is_written_without_its_padding():
    written = regions(RELEASE, None)
    assert [(region.offset, len(region.data)) for region in written] == [
        (0x1000, 0x1000),
        (0x8000, 0x1000),
        (0x10000, 0x5000),
    ]
    assert regions(read_image(Parts().flash_contents(), "merged.bin"), None) == written


def test_what_chooses_a_slot_is_erased_with_the_first_slot_written():
    for written in (regions(OTA_RELEASE, None), regions(APP, OTA)):
        choice = next(region for region in written if region.offset == 0xD000)
        assert (choice.data, choice.changes) == (b"\xff" * 0x2000, True)
        assert any(region.offset == 0x10000 for region in written)
    assert not any(region.changes for region in regions(APP, PLAIN))


@pytest.mark.parametrize("size", [16, SECTOR, 0x100000])
def test_what_chooses_a_slot_is_whole_sectors_and_two_at_most(size):
    """A table is not obeyed in the size of its records: it may name gigabytes, or less than a sector."""
    moved = tuple((*row[:3], 0x310000, size) if row[0] == "otadata" else row for row in bare(TWO_SLOTS))
    (region,) = [piece for piece in regions(APP, read_partitions(table(moved))) if piece.changes]
    assert region.offset == 0x310000
    assert len(region.data) == (SECTOR if size <= SECTOR else 2 * SECTOR)


def test_padding_within_a_program_is_written():
    data = Parts().release()
    holes = b"\xff" * (4 * SECTOR)
    image = read_image(data[:0xF000] + program("esp32", (description(), holes + b"end")), "holes.bin")
    assert [(region.offset, len(region.data)) for region in regions(image, None)][-1] == (0x10000, 0x5000)


def test_all_of_a_filesystem_in_an_image_is_written():
    files = b"a" * SECTOR + b"\xff" * SECTOR + b"b" * 10
    image = read_image(Parts(extra=((0x200000, files),)).release(), "it.bin")
    assert [(region.offset, len(region.data)) for region in regions(image, None)][-1] == (0x200000, 3 * SECTOR)
    assert lost(image, PLAIN) == ("the files (vfs), 2 MB at 0x200000: the image writes over it",)


@given(st.lists(st.tuples(st.integers(0x11, 0x48), st.binary(min_size=1, max_size=9000)), max_size=3))
def test_every_byte_of_an_image_that_is_not_padding_is_written_once(extra):
    contents = [(SECTOR * sector, data) for sector, data in extra if sector > 0x20]
    image = read_image(Parts(flash=16 * MB, extra=tuple(contents)).release(), "it.bin")
    written = regions(image, None)
    flash = bytearray(b"\xff" * (0x1000 + image.size + SECTOR))
    end = 0
    for region in written:
        assert region.offset >= end
        assert region.offset % SECTOR == len(region.data) % SECTOR == 0
        end = region.end
        flash[region.offset : end] = region.data
    assert bytes(flash[0x1000 : 0x1000 + image.size]) == image.data


@pytest.mark.parametrize(
    ("image", "present", "expected"),
    [
        (RELEASE, PLAIN, ()),
        (RELEASE, (), ()),
        (OTA_RELEASE, OTA, ()),
        (APP, PLAIN, ()),
        (APP, OTA, ()),
        (RELEASE, None, ("all files and settings, if it has any: its partition table cannot be read",)),
        (
            OTA_RELEASE,
            PLAIN,
            (
                "NVS with Wi-Fi settings (nvs), 24 KB at 0x9000: the image writes over it",
                f"the files (vfs), 2 MB at 0x200000: {ELSEWHERE}",
            ),
        ),
    ],
)  # fmt: skip
def test_what_a_board_loses(image, present, expected):
    assert lost(image, present) == expected


def test_a_partition_of_another_kind_counts_too():
    present = (*PLAIN[:3], read_partitions(table((("photos", 0x40, 0, 0x200000, 0x100000),)))[0])
    assert lost(RELEASE, present) == (f"the partition photos, 1 MB at 0x200000: {ELSEWHERE}",)


def test_files_without_a_partition_are_kept_by_the_same_layout_alone():
    without = read_partitions(table(bare(ONE_SLOT)))
    image = read_image(Parts(rows=bare(ONE_SLOT)).release(), "it.bin")
    assert lost(image, without, 4 * MB) == ()
    assert lost(RELEASE, without, 4 * MB) == ()  # the same place, now with an entry of its own
    (loss,) = lost(OTA_RELEASE, without[1:], 4 * MB)
    assert loss.startswith("the files (vfs), 2 MB at 0x200000")
    assert lost(OTA_RELEASE, without[1:]) == ()  # the size of the flash is not known
