"""Whether an image fits a board, and what of the board's own data is lost when it is written. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from camrig.errors import FirmwareError
from camrig.firmware.chips import chip_name
from camrig.firmware.image import APPLICATION, Image
from camrig.firmware.partitions import (
    DATA,
    NVS,
    OTA_DATA,
    PHY,
    Partition,
    files_partition,
    size_text,
)
from camrig.firmware.regions import regions, slot_for

_OF_NO_VALUE = {OTA_DATA, PHY}  # data partitions that the firmware fills again by itself


def check_for(image: Image, chip: str, flash_bytes: int, present: Sequence[Partition] | None) -> None:
    """Raise FirmwareError if ``image`` does not fit a board with this chip, flash and partition table.

    ``present`` is None if the board has no readable table. Nothing has been erased when this is called.
    """
    if image.chip != chip_name(chip):
        raise FirmwareError(
            f"{image.name} is for {image.chip}, and the board has an {chip_name(chip)}",
            hint="download or build the firmware for this chip",
        )
    if image.kind == APPLICATION:
        end = slot_for(image, present).end
    else:
        end = max(image.flash_size, *(partition.end for partition in image.partitions))
    end = max(end, *(region.end for region in regions(image, present)))
    if end > flash_bytes:
        raise FirmwareError(
            f"{image.name} needs a flash of {size_text(end)}, and the board has {size_text(flash_bytes)}",
            hint="use the firmware for a board with less flash",
        )


def lost(image: Image, present: Sequence[Partition] | None, flash_bytes: int = 0) -> tuple[str, ...]:
    """What is lost when ``image`` is written, one phrase each; empty if files, NVS and all else of the user are kept.

    ``present`` is None if the board's table cannot be read, and empty if its flash is. With ``flash_bytes``, files
    count too that MicroPython keeps behind the last partition of a table without one for them.
    """
    if present is None:
        return ("all files and settings, if it has any: its partition table cannot be read",)
    layout = present if image.kind == APPLICATION else image.partitions
    after = _of_value(layout, flash_bytes)
    written = regions(image, present)
    losses = []
    for partition in _of_value(present, flash_bytes):
        title = f"{_title(partition)}, {size_text(partition.size)} at 0x{partition.offset:x}"
        if any(region.offset < partition.end and partition.offset < region.end for region in written):
            losses.append(f"{title}: the image writes over it")
        elif partition not in after:
            losses.append(f"{title}: the new partition table has it elsewhere or not at all")
    return tuple(losses)


def _of_value(partitions: Sequence[Partition], flash_bytes: int) -> list[Partition]:
    """The partitions with what users or their firmware put there, the place of the files among them."""
    valued = [
        partition
        for partition in partitions
        if not partition.is_app and not (partition.type == DATA and partition.subtype in _OF_NO_VALUE)
    ]
    files = files_partition(partitions, flash_bytes)
    return valued if files is None or files in valued else [*valued, files]


def _title(partition: Partition) -> str:
    if partition.holds_files:
        return f"the files ({partition.name})"
    if partition.type == DATA and partition.subtype == NVS:
        return f"NVS with Wi-Fi settings ({partition.name})"
    return f"the partition {partition.name}"
