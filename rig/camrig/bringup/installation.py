"""New firmware on a reserved board: over the air where its partitions allow that, else through its boot loader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camrig.bringup.flashing import flash_firmware
from camrig.errors import SettingsError
from camrig.firmware.image import Image
from camrig.flash.boot_loader import Connect
from camrig.ota.trial import NoRollbackError

if TYPE_CHECKING:
    from camrig.bringup.board import Board


@dataclass(frozen=True)
class Installed:
    """What a board runs now. ``same`` is true if that was so before, ``slot`` is the partition it runs from."""

    same: bool
    slot: str
    over_the_air: bool


def install(board: Board, image: Image, connect: Connect | None = None, *, dry_run: bool = False) -> Installed:
    """Make ``board`` run ``image``, and prove that it does; a ``dry_run`` only checks. Leaves it in the raw REPL.

    Over the air it is on trial then: ``board.over_the_air.confirm`` keeps it, and the next reset rolls it back. A
    board that has not been identified, or with a ``connect``, is flashed through its boot loader. Raises
    FirmwareError for an image that does not fit, BlockedError if it could not be written, FirmwareBootError if it
    does not run; the previous firmware is there then.
    """
    if connect is None and board.mac and board.over_the_air.takes(image):
        try:
            update = board.over_the_air.install(image, dry_run=dry_run)
            return Installed(not update.is_new, update.slot, over_the_air=True)
        except NoRollbackError as error:
            board.steps.say(f"{error.what}: through the boot loader")
    if connect is None and board.settings.is_virtual(board.spec):
        raise SettingsError(
            "a virtual board has no boot loader, so it takes firmware only over the air",
            hint="name an application image: micropython.bin, or .app-bin",
        )
    result = flash_firmware(board, image, connect, dry_run=dry_run)
    return Installed(result.same, result.boots.name if result.boots is not None else "", over_the_air=False)
