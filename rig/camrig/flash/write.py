"""Flashing a board, step by step: nothing is erased before every check has passed, and no half-written board is good.

The order is fixed: the board is compared with the reserved one, the image with the board, the content of the flash
with the image. Then what is lost is reported, what is there is kept, the image is written and verified, and the
board reset.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from camrig.errors import BlockedError, FirmwareError, FlashError, FlashReadError, NotStartedError
from camrig.firmware.checks import check_for, lost
from camrig.firmware.image import Image
from camrig.firmware.ota_data import chosen_app
from camrig.firmware.partitions import (
    RECORDS,
    SECTOR,
    TABLE_OFFSET,
    Partition,
    first_app,
    ota_data,
    read_partitions,
)
from camrig.firmware.regions import Region, regions
from camrig.flash.boot_loader import BootLoader, Connect, Done
from camrig.flash.previous import Previous, cache_folder, keep, read_checked
from camrig.progress import BYTES
from camrig.steps import Steps

_ERASED = b"\xff" * SECTOR


@dataclass(frozen=True)
class Target:
    """The board that is to be flashed. Errors call it ``name``. ``mac`` is its own, empty if it is not known.

    ``connect`` opens its boot loader. ``claim`` is called with the MAC that was read there, and raises BlockedError
    if the board may not be used. ``folder`` is where previous images are kept.
    """

    name: str
    mac: str
    connect: Connect
    claim: Callable[[str], object] = lambda mac: None
    steps: Steps = field(default_factory=Steps)
    folder: Path | None = None


@dataclass(frozen=True)
class FlashResult:
    """What was done. ``same`` is true if the board had exactly this image already, and was only started.

    ``boots`` is the partition that the image boots from, ``lost`` what is overwritten, ``previous`` the old content.
    """

    same: bool
    mac: str
    boots: Partition | None
    lost: tuple[str, ...] = ()
    previous: Previous | None = None


def flash_board(target: Target, image: Image, *, dry_run: bool = False) -> FlashResult:
    """Put ``image`` on the board, verify it by reading hashes back, and start it. A ``dry_run`` only looks.

    Raises FirmwareError for an image that does not fit the board, and FlashError or another BlockedError for
    everything that keeps it from being written. The board has its previous image then, unless the error says that it
    is half-written.
    """
    try:
        with target.steps("flash") as note:
            try:
                result = _flash(target, image, dry_run)
            except FlashReadError as error:  # nothing was erased
                target.steps.say(f"connecting again: {error.what}")
                result = _flash(target, image, dry_run)
            note(f"the board has {image.title} already" if result.same else image.title)
    except (BlockedError, FirmwareError) as error:
        raise error.on(target.name) from None
    return result


def put_back(target: Target, previous: Previous) -> None:
    """Write the image that a board had before, verify it, and start it. Raises FlashError."""
    with target.steps("put back") as note:
        problem = _put_back(target, previous)
        if problem is not None:
            raise FlashError(
                f"the previous firmware could not be put back ({problem.what})",
                board=target.name,
                hint=f"flash it by hand: it is kept in {previous.folder}",
            )
        note("the previous firmware")


def _flash(target: Target, image: Image, dry_run: bool) -> FlashResult:
    with _opened(target) as loader:
        present = present_partitions(loader)
        check_for(image, loader.chip, loader.flash_bytes, present)
        pieces = regions(image, present)
        table = image.partitions or present or ()
        result = FlashResult(_is_there(loader, pieces, table), loader.mac, first_app(table))
        if result.same:
            _start(loader)
            return result
        result = replace(result, lost=lost(image, present, loader.flash_bytes))
        for loss in result.lost:
            target.steps.say(f"{'would be lost' if dry_run else 'lost'}: {loss}")
        if dry_run:
            loader.reset()
            return result
        previous = keep(
            loader, pieces, target.folder or cache_folder(), _progress(target, "keeping what is there", pieces)
        )
        with _half_written_if_interrupted(target):
            failure = _attempt(target, loader, pieces)
    if failure is not None:
        with _half_written_if_interrupted(target):
            _write_again_or_put_back(target, pieces, previous, failure)
    return replace(result, previous=previous)


def present_partitions(loader: BootLoader) -> tuple[Partition, ...] | None:
    """The board's partition table; empty if its flash is, and None if it is damaged. Raises FlashReadError."""
    data = read_checked(loader, TABLE_OFFSET, SECTOR)
    if data == _ERASED:
        return ()
    try:
        return read_partitions(data)
    except FirmwareError:
        return None


def _is_there(loader: BootLoader, pieces: Sequence[Region], table: Sequence[Partition]) -> bool:
    """Whether the flash has every byte of ``pieces``, and the board boots the application among them."""
    if not all(piece.changes or _matches(loader, piece) for piece in pieces):
        return False
    choice = ota_data(table)
    if choice is None:
        return True
    records = read_checked(loader, choice.offset, min(choice.size, RECORDS))
    return chosen_app(table, records) == first_app(table)


def _matches(loader: BootLoader, piece: Region) -> bool:
    return loader.digest(piece.offset, len(piece.data)) == hashlib.md5(piece.data).hexdigest()


@contextmanager
def _opened(target: Target) -> Iterator[BootLoader]:
    """The boot loader of the right board. It is closed at the end, and a board that was not written starts again."""
    loader = target.connect()
    try:
        _check_mac(target, loader)
        yield loader
    except BaseException:
        with suppress(BlockedError):
            loader.reset()
        raise
    finally:
        loader.close()


def _check_mac(target: Target, loader: BootLoader) -> None:
    """Raise FlashError unless this is the board that was reserved: names of ports and adapters prove nothing."""
    mac = loader.mac
    if target.mac and _plain(mac) != _plain(target.mac):
        raise FlashError(
            f"another board is on this port: its MAC is {mac}, and that of the reserved board is {target.mac}",
            hint="check which board is plugged in where; nothing was written to it",
        )
    target.claim(mac)


def _plain(mac: str) -> str:
    return mac.lower().replace(":", "").replace("-", "")


@contextmanager
def _half_written_if_interrupted(target: Target) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        target.steps.say(f"{target.name} is half-written: flash it again before it is used")
        raise


def _write_again_or_put_back(
    target: Target, pieces: Sequence[Region], previous: Previous, failure: BlockedError
) -> None:
    """Write a second time, and if that fails too, the previous image. Raises FlashError if that had to be done."""
    target.steps.say(f"writing again: {failure.what}")
    second = _reconnect_and_write(target, pieces)
    if second is None:
        return
    target.steps.say(f"putting the previous firmware back: {second.what}")
    last = _put_back(target, previous)
    if last is None:
        raise FlashError(
            f"the firmware could not be written ({second.what}), and the board has its previous one again",
            hint=second.hint,
        )
    raise FlashError(
        f"the board is half-written: neither the new firmware nor the previous one could be written ({last.what})",
        hint="check cable, power and the boot-loader line, and flash it again; the previous firmware is kept in"
        f" {previous.folder}",
    )


def _put_back(target: Target, previous: Previous) -> BlockedError | None:
    """Write the previous image, in two attempts, unless the board still has it. Returns what failed."""
    problem: BlockedError | None = None
    for _ in range(2):
        try:
            pieces = previous.regions()
            with _opened(target) as loader:
                if not all(_matches(loader, piece) for piece in pieces):
                    problem = _attempt(target, loader, pieces)
                else:
                    problem = None
                    _start(loader)
        except NotStartedError:
            return None  # it has the image
        except BlockedError as error:
            problem = error
        if problem is None:
            return None
    return problem


def _reconnect_and_write(target: Target, pieces: Sequence[Region]) -> BlockedError | None:
    """Write through a newly opened boot loader. Returns what failed."""
    try:
        with _opened(target) as loader:
            return _attempt(target, loader, pieces)
    except NotStartedError:
        raise
    except BlockedError as error:
        return error


def _attempt(target: Target, loader: BootLoader, pieces: Sequence[Region]) -> BlockedError | None:
    """Write and verify ``pieces``, and start the board. Returns what failed; raises NotStartedError."""
    try:
        _write(target, loader, pieces)
    except BlockedError as error:
        return error
    _start(loader)
    return None


def _write(target: Target, loader: BootLoader, pieces: Sequence[Region]) -> None:
    """Write ``pieces``, and compare the hash of each with what the flash has afterwards. Raises FlashError."""
    contents = [(piece.offset, piece.data) for piece in pieces]
    loader.write(contents, _progress(target, "writing", pieces))
    for piece in pieces:
        if not _matches(loader, piece):
            raise FlashError(
                f"the flash at 0x{piece.offset:x} has something else than was written",
                hint="check cable and power; if it happens again, the flash chip is worn or protected",
            )


def _progress(target: Target, activity: str, pieces: Sequence[Region]) -> Done:
    total = sum(len(piece.data) for piece in pieces)
    return lambda done: target.steps.progress(activity, done=done, total=total, unit=BYTES)


def _start(loader: BootLoader) -> None:
    try:
        loader.reset()
    except BlockedError as error:
        raise NotStartedError(
            f"the flash has what it should have, but the board could not be started ({error.what})",
            hint="press its reset button (EN or RST)",
        ) from None
