"""What of an image is written where: its contents in whole sectors, without the padding between them. Pure.

Padding is left out because it lies over what a board should keep: a release of MicroPython has nothing but padding
where the board has its NVS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from camrig.errors import FirmwareError
from camrig.firmware.image import APPLICATION, Image
from camrig.firmware.partitions import RECORDS, SECTOR, Partition, first_app, ota_data, size_text

_ERASED = b"\xff" * SECTOR


@dataclass(frozen=True)
class Region:
    """``data`` for flash from ``offset`` on; both in whole sectors. ``changes`` is true where a boot rewrites it."""

    offset: int
    data: bytes
    changes: bool = False

    @property
    def end(self) -> int:
        """The first offset behind it."""
        return self.offset + len(self.data)


def slot_for(image: Image, present: Sequence[Partition] | None) -> Partition:
    """Where an application image goes on a board with these partitions. Raises FirmwareError if it fits nowhere."""
    slot = first_app(present or ())
    if slot is None:
        raise FirmwareError(
            f"{image.name} is an application alone, and the board has no partition table to place it",
            hint="use a combined image, which has boot loader and partition table too",
        )
    if image.size > slot.size:
        raise FirmwareError(
            f"{image.name} has {size_text(image.size)}, and the partition {slot.name} of the board"
            f" {size_text(slot.size)}",
            hint="use a combined image with larger partitions, or a smaller build",
        )
    return slot


def regions(image: Image, present: Sequence[Partition] | None) -> tuple[Region, ...]:
    """The regions to write on a board with these partitions, by offset. Raises FirmwareError as ``slot_for``."""
    if image.kind == APPLICATION:
        offset = slot_for(image, present).offset
        pieces = [Region(offset, _in_sectors(image.data))]
        table: Sequence[Partition] = present or ()
    else:
        offset, table = image.offset or 0, image.partitions
        pieces = _contents(image, offset)
    # The table must choose the application that is written, not one that came over the air before.
    choice = ota_data(table)
    if choice is not None and not any(piece.offset <= choice.offset < piece.end for piece in pieces):
        records = min(choice.size, RECORDS)  # a table may give it any size
        pieces.append(Region(choice.offset, _in_sectors(b"\xff" * records), changes=True))
    return tuple(sorted(pieces, key=lambda piece: piece.offset))


def _contents(image: Image, offset: int) -> list[Region]:
    """Everything in a combined image but padding, a region for each run of sectors."""
    used = {sector for sector in range(0, image.size, SECTOR) if image.data[sector : sector + SECTOR].strip(b"\xff")}
    spans = [*image.programs, *_partly_used(image, offset, used)]
    for start, end in spans:
        used.update(range(start - start % SECTOR, end, SECTOR))
    pieces: list[Region] = []
    begin = -1
    for sector in sorted(used):
        if sector - SECTOR not in used:
            begin = sector
        if sector + SECTOR not in used:
            pieces.append(Region(offset + begin, _in_sectors(image.data[begin : sector + SECTOR])))
    return pieces


def _partly_used(image: Image, offset: int, used: set[int]) -> list[tuple[int, int]]:
    """The spans of data partitions that the image fills: all of one is written, or old content would remain in it."""
    spans = []
    for partition in image.partitions:
        start, end = partition.offset - offset, min(partition.end - offset, image.size)
        if not partition.is_app and any(sector in used for sector in range(start, end, SECTOR)):
            spans.append((start, end))
    return spans


def _in_sectors(data: bytes) -> bytes:
    return data + b"\xff" * (-len(data) % SECTOR)
