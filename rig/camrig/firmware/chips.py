"""What differs between the ESP32 chips in the layout of an image. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_COMMON = {0xF: "80m", 0x0: "40m", 0x1: "26m", 0x2: "20m"}
_C2 = {0xF: "60m", 0x0: "30m", 0x1: "20m", 0x2: "15m"}
_C6 = {0x0: "80m", 0x2: "20m"}
_C5 = {0xF: "80m", 0x0: "40m", 0x2: "20m"}
_H2 = {0xF: "48m", 0x0: "24m", 0x1: "16m", 0x2: "12m"}


@dataclass(frozen=True)
class Chip:
    """``number`` stands in the header of an image; the ROM loads the boot loader from ``loader_offset`` in flash."""

    name: str
    number: int
    loader_offset: int
    frequencies: dict[int, str]


CHIPS = (
    Chip("esp32", 0, 0x1000, _COMMON),
    Chip("esp32s2", 2, 0x1000, _COMMON),
    Chip("esp32c3", 5, 0x0, _COMMON),
    Chip("esp32s3", 9, 0x0, _COMMON),
    Chip("esp32c2", 12, 0x0, _C2),
    Chip("esp32c6", 13, 0x0, _C6),
    Chip("esp32h2", 16, 0x0, _H2),
    Chip("esp32p4", 18, 0x2000, _COMMON),
    Chip("esp32c61", 20, 0x0, _C5),
    Chip("esp32c5", 23, 0x2000, _C5),
)
_BY_NUMBER = {chip.number: chip for chip in CHIPS}


def chip_of(number: int) -> Chip | None:
    """The chip with the number that an image's header holds; None if no chip has it."""
    return _BY_NUMBER.get(number)


def chip_name(text: str) -> str:
    """``esp32s3`` for ``ESP32-S3``, ``ESP32S3`` and ``esp32s3``: one spelling for what tools and boards report."""
    return text.lower().replace("-", "").replace(" ", "")
