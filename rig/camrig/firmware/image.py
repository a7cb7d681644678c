"""A firmware file: which chip it is for, what is in it, and whether it is whole. Pure.

A *combined* image holds boot loader, partition table and application, and belongs at the boot loader's offset, or at
0 if it begins with padding. An *application* image is what goes into one slot of a board that has the rest already.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace

from camrig.errors import FirmwareError
from camrig.firmware.partitions import (
    SECTOR,
    TABLE_OFFSET,
    Partition,
    first_app,
    read_partitions,
    size_text,
)
from camrig.firmware.program import MAGIC, AppDescription, Program, foreign_kind, read_program

COMBINED, APPLICATION = "combined", "application"
MAX_SIZE = 128 << 20  # of the largest flash
_TABLE_MAGIC = b"\xaa\x50"


@dataclass(frozen=True)
class Image:
    """A checked image of ``size`` bytes. An application's ``offset`` is None: that depends on the board's partitions.

    ``application`` is what the application says about itself, ``app_sha256`` the hash at its end, ``app_size`` its
    length with that hash. ``sha256`` is that of the whole file. ``programs`` are first offset and end of boot loader
    and applications in the file. Sizes are bytes.
    """

    name: str
    kind: str
    chip: str
    application: AppDescription | None
    flash_mode: str
    flash_size: int
    flash_freq: str
    offset: int | None
    partitions: tuple[Partition, ...]
    sha256: str
    app_sha256: str
    app_size: int
    size: int
    programs: tuple[tuple[int, int], ...]
    data: bytes = field(repr=False)

    @property
    def title(self) -> str:
        """``micropython v1.24.1 (Nov 29 2024)``, with the name of the file if its application says nothing else."""
        about = self.application
        names = (about.project, about.version) if about is not None else ()
        date = f"({about.date})" if about is not None and about.date else ""
        return " ".join(filter(None, (" ".join(filter(None, names)) or self.name, date)))


def read_image(data: bytes, name: str) -> Image:
    """The image in a file ``name``. Raises FirmwareError, in one sentence, for anything that is not a whole one."""
    if not data:
        raise FirmwareError(f"{name} is empty", hint="download or build it again")
    if kind := foreign_kind(data):
        raise FirmwareError(f"{name} is not a firmware image but {kind}")
    if len(data) > MAX_SIZE:
        raise FirmwareError(f"{name} is larger than any flash ({size_text(len(data))})", hint="name another file")
    position = _loader_position(data)
    first = read_program(data[position:], name)
    if position == 0 and first.description is not None:
        return _image(data, name, APPLICATION, first, first, None, ())
    return _combined(data, name, position, first)


def _loader_position(data: bytes) -> int:
    """Where the first program begins in the file: behind padding, in whole sectors."""
    position = 0
    while data[position : position + SECTOR] == b"\xff" * SECTOR and position + SECTOR < len(data):
        position += SECTOR
    return position if data[position] == MAGIC else 0


def _combined(data: bytes, name: str, position: int, loader: Program) -> Image:
    offset = loader.chip.loader_offset - position
    if offset < 0 or (position and offset):
        raise FirmwareError(
            f"{name} has its boot loader at 0x{position:x}, and {loader.chip.name} needs it at"
            f" 0x{loader.chip.loader_offset:x}",
            hint="merge the image again with the offsets of this chip",
        )
    table = data[TABLE_OFFSET - offset :][:SECTOR]
    if not table.startswith(_TABLE_MAGIC) and offset and data[TABLE_OFFSET:].startswith(_TABLE_MAGIC):
        raise FirmwareError(
            f"{name} has its boot loader at 0x0, and {loader.chip.name} needs it at 0x{offset:x}",
            hint="merge the image again with the offsets of this chip",
        )
    if len(data) <= TABLE_OFFSET - offset:
        raise FirmwareError(
            f"{name} ends before the partition table: it is cut off, or only a boot loader",
            hint="use the .bin of a release, or an application image",
        )
    partitions = read_partitions(table, f"the partition table of {name}")
    for partition in partitions:
        if partition.end > loader.flash_size:
            raise FirmwareError(
                f"{name} places {partition.name} outside its flash of {size_text(loader.flash_size)}",
                hint="build the firmware again",
            )
    programs = _applications(data, name, offset, partitions, loader)
    boots = first_app(partitions)
    if boots is None or boots.offset not in programs:
        place = f" at 0x{boots.offset:x}" if boots is not None else ""
        raise FirmwareError(
            f"{name} has no application{place}", hint="it is cut off, or merged with a wrong offset: build it again"
        )
    image = _image(data, name, COMBINED, loader, programs[boots.offset], offset, partitions)
    spans = ((start - offset, start - offset + program.length) for start, program in programs.items())
    return replace(image, programs=((position, position + loader.length), *spans))


def _applications(
    data: bytes, name: str, offset: int, partitions: tuple[Partition, ...], loader: Program
) -> dict[int, Program]:
    """The applications in the file, by their offset in flash."""
    programs: dict[int, Program] = {}
    for partition in partitions:
        start = partition.offset - offset
        if not partition.is_app or not data[start : start + partition.size].strip(b"\xff"):
            continue
        program = read_program(data[start:], f"the application of {name}")
        if program.length > partition.size:
            raise FirmwareError(
                f"the application of {name} has {size_text(program.length)}, and its partition {partition.name}"
                f" {size_text(partition.size)}",
                hint="build it with a larger partition",
            )
        if program.chip != loader.chip:
            raise FirmwareError(
                f"{name} has a boot loader for {loader.chip.name} and an application for {program.chip.name}",
                hint="merge the image again from parts of one build",
            )
        programs[partition.offset] = program
    return programs


def _image(
    data: bytes,
    name: str,
    kind: str,
    header: Program,
    application: Program,
    offset: int | None,
    partitions: tuple[Partition, ...],
) -> Image:
    return Image(
        name=name,
        kind=kind,
        chip=header.chip.name,
        application=application.description,
        flash_mode=header.flash_mode,
        flash_size=header.flash_size,
        flash_freq=header.flash_freq,
        offset=offset,
        partitions=partitions,
        sha256=hashlib.sha256(data).hexdigest(),
        app_sha256=application.sha256,
        app_size=application.length,
        size=len(data),
        programs=((0, application.length),),
        data=data,
    )
