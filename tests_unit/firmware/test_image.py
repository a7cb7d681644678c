"""What a firmware file is, and the one sentence for each way in which it is not one."""

from __future__ import annotations

import gzip
import hashlib
import struct

import pytest
from camrig.errors import EXIT_USAGE, FirmwareError
from camrig.firmware.image import APPLICATION, COMBINED, read_image
from camrig.firmware.partitions import SECTOR
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.firmware_images import NUMBERS, ONE_SLOT, TWO_SLOTS, Parts, application, description, program, table

CHIPS = sorted(NUMBERS)


@pytest.mark.parametrize("chip", CHIPS)
@pytest.mark.parametrize("rows", [ONE_SLOT, TWO_SLOTS], ids=["one slot", "two slots"])
def test_a_release_is_read_with_all_that_is_known_of_it(chip, rows):
    data = Parts(chip, rows).release()
    image = read_image(data, "camera.bin")
    assert (image.kind, image.chip, image.flash_mode) == (COMBINED, chip, "dio")
    assert image.offset == Parts(chip).loader_offset
    assert (image.flash_size, image.flash_freq, image.size) == (
        4 << 20,
        "80m" if chip == "esp32c6" else "40m",
        len(data),
    )
    assert [partition.name for partition in image.partitions] == [row[0] for row in rows]
    about = image.application
    assert about is not None
    assert (about.project, about.version, about.date, about.idf) == (
        "micropython",
        "v1.24.1",
        "Nov 29 2026",
        "v5.2.2",
    )
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert image.app_sha256 == application(chip)[-32:].hex()
    assert image.app_size == len(application(chip))
    assert image.title == "micropython v1.24.1 (Nov 29 2026)"


@pytest.mark.parametrize("chip", CHIPS)
def test_a_merged_image_begins_with_padding(chip):
    merged = read_image(Parts(chip).flash_contents(), "merged.bin")
    assert (merged.kind, merged.chip, merged.offset) == (COMBINED, chip, 0)
    assert merged.app_sha256 == read_image(Parts(chip).release(), "release.bin").app_sha256


@pytest.mark.parametrize("chip", CHIPS)
def test_an_application_alone_has_no_place_of_its_own(chip):
    image = read_image(application(chip, "v9"), "app.bin")
    assert (image.kind, image.chip, image.offset, image.partitions) == (APPLICATION, chip, None, ())
    assert image.application is not None
    assert image.application.version == "v9"


def test_esptool_agrees_about_hash_and_checksum():
    bin_image = pytest.importorskip("esptool.bin_image")
    targets = pytest.importorskip("esptool.targets")
    for chip in CHIPS:
        theirs = bin_image.LoadFirmwareImage(chip, application(chip))
        assert theirs.checksum == theirs.calculate_checksum()
        assert theirs.stored_digest == theirs.calc_digest
        assert Parts(chip).loader_offset == targets.CHIP_DEFS[chip].BOOTLOADER_FLASH_OFFSET


def test_a_flash_larger_than_any_is_refused():
    data = bytearray(application())
    data[3] |= 0xF0
    with pytest.raises(FirmwareError, match="a header that belongs to no ESP32 chip"):
        read_image(bytes(data), "app.bin")


def without_digest() -> bytes:
    return program("esp32", (application()[32:288],), digest=False)


def test_an_application_without_a_hash_has_only_its_checksum():
    assert read_image(without_digest(), "app.bin").app_sha256 == ""


def changed(data: bytes, position: int, byte: int) -> bytes:
    return data[:position] + bytes([byte]) + data[position + 1 :]


def moved(rows, name, **fields):
    keys = ("name", "type", "subtype", "offset", "size")
    return tuple(
        tuple(fields.get(key, value) for key, value in zip(keys, row, strict=True)) if row[0] == name else row
        for row in rows
    )


RELEASE, APP = Parts().release(), application()
TABLE = 0x7000  # in a release for ESP32
NOISE = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(256)) * 8

BAD = {
    "empty": (b"", "is empty"),
    "a few bytes": (RELEASE[:10], "is cut off"),
    "cut off in the boot loader": (RELEASE[:200], "is cut off"),
    "cut off before the table": (RELEASE[:0x6000], "ends before the partition table"),
    "cut off in the application": (RELEASE[:-100], "the application of it.bin is cut off"),
    "cut off before the application": (RELEASE[:0xE000], "has no application at 0x10000"),
    "an application cut off": (APP[:-1], "is cut off"),
    "gzip": (gzip.compress(RELEASE), "a gzip archive: unpack it"),
    "zip": (b"PK\x03\x04" + RELEASE, "a zip archive: unpack it"),
    "ELF": (b"\x7fELF" + RELEASE, "an ELF file"),
    "UF2": (b"UF2\n" + RELEASE, "a UF2 file"),
    "hex": (b":020000040800F2\r\n", "an Intel HEX file"),
    "a web page": (b"<!DOCTYPE html>" * 99, "not a firmware image but text"),
    "one line": (b"not found\n", "not a firmware image but text"),
    "UTF-8, cut within a character": (b"1" + "ü".encode() * 999, "not a firmware image but text"),
    "Latin-1, by its bytes": ("über".encode("latin-1") * 99, "begins with byte 0xfc"),
    "ESP8266": (b"\xea" + RELEASE[1:], "firmware for an ESP8266"),
    "encrypted": (NOISE, r"begins with byte 0x6e instead of 0xe9. It is encrypted"),
    "encrypted, with the magic by chance": (b"\xe9" + NOISE[1:], "belongs to no ESP32 chip.*encrypted"),
    "nothing but padding": (b"\xff" * 0x20000, "begins with byte 0xff"),
    "unknown chip": (changed(RELEASE, 12, 99), r"no ESP32 chip \(chip number 99"),
    "unknown flash mode": (changed(RELEASE, 2, 77), "no ESP32 chip"),
    "checksum": (changed(without_digest(), -1 % len(without_digest()), 0x55), "checksum"),
    "hash": (changed(APP, len(APP) - 1, APP[-1] ^ 1), "SHA-256"),
    "a flipped bit in the boot loader": (changed(RELEASE, 100, 1), "checksum"),
    "a flipped bit in the application": (
        changed(RELEASE, 0xF200, RELEASE[0xF200] ^ 4),
        "application of it.bin is wrong, so it is damaged",
    ),
    "no table": (
        RELEASE[:TABLE] + b"\xff" * SECTOR + RELEASE[TABLE + SECTOR :],
        "partition table of it.bin is missing",
    ),
    "a damaged table": (changed(RELEASE, TABLE + 14, 7), "partition table of it.bin is damaged: its MD5"),
    "a garbled table": (changed(RELEASE, TABLE + 32, 7), "partition table of it.bin is damaged"),
    "outside the flash": (Parts(flash=2 << 20).release(), "places vfs outside its flash of 2 MB"),
    "overlap": (
        Parts(rows=moved(ONE_SLOT, "factory", size=0x200000)).release(),
        "factory and vfs overlap",
    ),
    "over the table": (Parts(rows=moved(ONE_SLOT, "nvs", offset=0x8000)).release(), "places nvs at 0x8000"),
    "no size": (Parts(rows=moved(ONE_SLOT, "nvs", size=0)).release(), "places nvs at 0x9000"),
    "too large": (
        Parts(rows=moved(ONE_SLOT, "factory", size=0x4000)).release(),
        "application of it.bin has 19.86 KB, and its partition factory 16 KB",
    ),
    "S3 layout for ESP32": (
        Parts().flash_contents()[0x1000:0x8000].ljust(0x8000, b"\xff") + table() + APP,
        "needs it at 0x1000",
    ),
    "boot loader too far behind": (b"\xff" * 0x2000 + RELEASE, "boot loader at 0x2000, and esp32 needs it at 0x1000"),
    "ESP32 layout for S3": (
        b"\xff" * 0x1000 + Parts("esp32s3").release(),
        "boot loader at 0x1000, and esp32s3 needs it at 0x0",
    ),
    "parts of two chips": (
        RELEASE[:0xF000] + application("esp32c3"),
        "boot loader for esp32 and an application for esp32c3",
    ),
    "application at a wrong place": (
        RELEASE[:0xF000] + b"\xff" * SECTOR + APP,
        "application of it.bin begins with byte 0xff",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_image_is_refused_in_one_sentence(case):
    data, words = BAD[case]
    with pytest.raises(FirmwareError, match=words) as caught:
        read_image(data, "it.bin")
    assert caught.value.exit_code == EXIT_USAGE
    assert "\n" not in str(caught.value)
    assert "it.bin" in str(caught.value)


@given(st.integers(0, len(RELEASE) - 1))
def test_no_part_of_a_release_is_taken_for_one(length):
    with pytest.raises(FirmwareError):
        read_image(RELEASE[:length], "it.bin")


@given(st.binary(max_size=300), st.sampled_from([RELEASE, APP]), st.data())
def test_garbage_is_refused_or_read_and_never_crashes(garbage, data, draw):
    position = draw.draw(st.integers(0, len(data)))
    try:
        image = read_image(data[:position] + garbage + data[position + len(garbage) :], "it.bin")
    except FirmwareError:
        return
    assert image.chip == "esp32"


@given(st.integers(0, len(APP) - 1), st.integers(1, 255))
def test_no_changed_byte_of_an_application_passes(position, change):
    assume((position, change) != (23, 1))  # says that it has no hash
    with pytest.raises(FirmwareError):
        read_image(changed(APP, position, APP[position] ^ change), "it.bin")


@pytest.mark.parametrize(
    ("version", "project", "title"),
    [("v1", "cam", "cam v1 (Nov 29 2026)"), ("v1", "", "v1 (Nov 29 2026)"), ("", "", "it.bin (Nov 29 2026)")],
)
def test_the_title_of_an_image(version, project, title):
    assert read_image(program("esp32", (description(version, project),)), "it.bin").title == title


def test_unprintable_texts_of_an_application_are_shown_as_marks():
    segment = struct.pack("<4I", 0xABCD5432, 0, 0, 0) + b"v1\x1b[2J".ljust(32, b"\0") + bytes(240)
    about = read_image(program("esp32", (segment,)), "it.bin").application
    assert about is not None
    assert about.version == "v1?[2J"
