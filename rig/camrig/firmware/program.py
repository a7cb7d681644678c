"""One program in flash, boot loader or application: header, segments, checksum and hash. Pure.

The format is Espressif's: 8 bytes of header, 16 of extended header, segments that each begin with address and length,
a checksum in the last byte of a block of 16, and a SHA-256 of all of that if the header says so.
"""

from __future__ import annotations

import codecs
import hashlib
import struct
from dataclasses import dataclass

from camrig.errors import FirmwareError
from camrig.firmware.chips import Chip, chip_of

MAGIC = 0xE9
HEADER = 24
MAX_SEGMENTS = 16
LARGEST_FLASH = 7  # 128 MB: the header holds the exponent of the size in MB
DESCRIPTION = HEADER + 8  # where an application describes itself: at the start of its first segment
_DESCRIPTION_MAGIC = 0xABCD5432
_DESCRIPTION_SIZE = 144  # as far as it is read here
_MODES = {0: "qio", 1: "qout", 2: "dio", 3: "dout", 4: "fast_read", 5: "slow_read"}
TEXT = 512  # bytes by which a text is recognized
_KIND = {
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"PK\x03\x04": "a zip archive: unpack it first",
    b"\x7fELF": "an ELF file: flash the .bin that is made from it",
    b"UF2\n": "a UF2 file: flash the .bin of the same firmware",
    b":": "an Intel HEX file: flash the .bin of the same firmware",
    b"\xea": "firmware for an ESP8266",
}


@dataclass(frozen=True)
class AppDescription:
    """What an application says about itself; texts are as its builder wrote them."""

    version: str
    project: str
    date: str
    time: str
    idf: str


@dataclass(frozen=True)
class Program:
    """A program of ``length`` bytes, its hash included. ``sha256`` is that hash, empty if it has none."""

    chip: Chip
    flash_mode: str
    flash_size: int
    flash_freq: str
    length: int
    sha256: str
    description: AppDescription | None


def foreign_kind(data: bytes) -> str:
    """What a file is that is not firmware for an ESP32, with what to do about it; empty if that cannot be seen."""
    kind = next((kind for start, kind in _KIND.items() if data.startswith(start)), "")
    return kind or ("text: download it again" if _is_text(data[:TEXT]) else "")


def _is_text(data: bytes) -> bool:
    """Whether the bytes are UTF-8, which may end within a character, without control characters."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


def read_program(data: bytes, title: str) -> Program:
    """The program at the start of ``data``, which may be longer. Raises FirmwareError, which calls it ``title``."""
    if len(data) < HEADER:
        raise _cut_off(title)
    magic, segments, mode, size_and_frequency = data[:4]
    number = struct.unpack_from("<H", data, 12)[0]
    if magic != MAGIC:
        raise FirmwareError(
            f"{title} begins with byte 0x{magic:02x} instead of 0x{MAGIC:02x}",
            hint="it is encrypted, damaged, or at a wrong offset: use the plain .bin of a release",
        )
    chip = chip_of(number)
    in_range = 1 <= segments <= MAX_SEGMENTS and size_and_frequency >> 4 <= LARGEST_FLASH
    if not in_range or mode not in _MODES or chip is None:
        raise FirmwareError(
            f"{title} has a header that belongs to no ESP32 chip (chip number {number}, {segments} segments)",
            hint="it is encrypted, damaged, or for a chip that camrig does not know: use the plain .bin of a release",
        )
    length, digest = _measured(data, segments, title)
    return Program(
        chip=chip,
        flash_mode=_MODES[mode],
        flash_size=1 << 20 + (size_and_frequency >> 4),
        flash_freq=chip.frequencies.get(size_and_frequency & 0xF, "unknown"),
        length=length,
        sha256=digest,
        description=read_description(data),
    )


def _measured(data: bytes, segments: int, title: str) -> tuple[int, str]:
    """Length and hash of a program whose checksum and hash are right."""
    position, checksum = HEADER, 0xEF
    for _ in range(segments):
        if position + 8 > len(data):
            raise _cut_off(title)
        size = struct.unpack_from("<I", data, position + 4)[0]
        position += 8 + size
        if position > len(data):
            raise _cut_off(title)
        checksum ^= _xor(data[position - size : position])
    end = (position // 16 + 1) * 16
    if end > len(data):
        raise _cut_off(title)
    if data[end - 1] != checksum:
        raise FirmwareError(f"the checksum of {title} is wrong, so it is damaged", hint="download or build it again")
    if not data[HEADER - 1]:
        return end, ""
    if end + 32 > len(data):
        raise _cut_off(title)
    appended = data[end : end + 32]
    if hashlib.sha256(data[:end]).digest() != appended:
        raise FirmwareError(
            f"the SHA-256 at the end of {title} is wrong, so it is damaged", hint="download or build it again"
        )
    return end + 32, appended.hex()


def _xor(data: bytes) -> int:
    """All bytes of ``data`` combined by XOR: halved as one long number, which is quick."""
    number, size = int.from_bytes(data, "little"), 1 << max(0, len(data) - 1).bit_length()
    while size > 1:
        size //= 2
        number = (number >> 8 * size) ^ (number & (1 << 8 * size) - 1)
    return number


def read_description(data: bytes) -> AppDescription | None:
    """What the application at the start of ``data`` says about itself; None if it says nothing."""
    block = data[DESCRIPTION : DESCRIPTION + _DESCRIPTION_SIZE]
    if len(block) < _DESCRIPTION_SIZE or struct.unpack_from("<I", block)[0] != _DESCRIPTION_MAGIC:
        return None
    version, project, time, date, idf = struct.unpack_from("<32s32s16s16s32s", block, 16)
    return AppDescription(_text(version), _text(project), _text(date), _text(time), _text(idf))


def _text(field: bytes) -> str:
    text = field.partition(b"\0")[0].decode("ascii", "replace")
    return "".join(character if character.isprintable() else "?" for character in text)


def _cut_off(title: str) -> FirmwareError:
    return FirmwareError(f"{title} is cut off: the file ends too early", hint="download or build it again")
