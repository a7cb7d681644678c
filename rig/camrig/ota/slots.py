"""The slots for firmware of a board, as it reports them, and whether an image fits the spare one."""

from __future__ import annotations

import binascii
from dataclasses import dataclass

from camrig.board.session import Session
from camrig.errors import FirmwareError
from camrig.firmware.chips import chip_name
from camrig.firmware.image import APPLICATION, Image
from camrig.firmware.ota_data import read_record
from camrig.firmware.partitions import Partition, size_text
from camrig.ota.board_scripts import SLOTS_SCRIPT
from camrig.redaction import one_line, presentable

NEW, PENDING, VALID = 0, 1, 2  # states of a slot in the OTA data, as far as they matter here


@dataclass(frozen=True)
class Slots:
    """The slot that ``running`` firmware is in, the ``spare`` one, and the name of the one that ``boots`` next.

    ``state`` is that of the one that boots next, None where nothing was ever written over the air.
    """

    running: Partition
    boots: str
    spare: Partition
    state: int | None

    @property
    def on_trial(self) -> bool:
        """Whether the running firmware is rolled back by the next reset, unless it is confirmed before."""
        return self.state == PENDING and self.boots == self.running.name


def read_slots(session: Session) -> Slots | None:
    """What the board, which must be in the raw REPL, says of its slots; None if it cannot write a spare one."""
    answer = session.ask(SLOTS_SCRIPT)
    if answer is None:
        return None
    running, boots, spare, records = answer
    slots = Slots(
        Partition.of_info(running),
        one_line(presentable(boots)),
        Partition.of_info(spare),
        _state(binascii.unhexlify(records)),
    )
    return slots if slots.spare.name != slots.running.name else None


def _state(records: bytes) -> int | None:
    """The state in the record that was written last."""
    written = [known for half in (records[:32], records[32:]) if (known := read_record(half)) is not None]
    return max(written)[1] if written else None


def fits_over_the_air(image: Image, slots: Slots | None) -> bool:
    """Whether an image of this kind can go into a slot of this board; whether it may, ``check_image`` says."""
    return slots is not None and image.kind == APPLICATION


def check_image(image: Image, slots: Slots, chip: str) -> None:
    """Raise FirmwareError if the image does not fit the spare slot of a board with this chip. Nothing is erased."""
    if image.kind != APPLICATION:
        raise FirmwareError(
            f"{image.name} is a {image.kind} image, and a slot takes an application alone",
            hint="use the application image of the same build: micropython.bin, or .app-bin",
        )
    if image.chip != chip_name(chip):
        raise FirmwareError(
            f"{image.name} is for {image.chip}, and the board has an {chip_name(chip)}",
            hint="download or build the firmware for this chip",
        )
    if image.size > slots.spare.size:
        raise FirmwareError(
            f"{image.name} has {size_text(image.size)}, and the slot {slots.spare.name} has"
            f" {size_text(slots.spare.size)}",
            hint="build it smaller, or flash a build with larger slots over the boot loader",
        )
