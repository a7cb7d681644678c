"""Flashing a reserved board, and proving by its own account that what was written is what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from camrig.board.recovery import SECONDS_TO_RETURN, RungUnavailableError
from camrig.bringup.running_firmware import RunningFirmware, difference, read_running
from camrig.deadline import Deadline
from camrig.errors import (
    BoardBusyError,
    BootLoaderError,
    CamrigError,
    FirmwareBootError,
    FirmwareError,
    NotStartedError,
    PortError,
)
from camrig.firmware.image import MAX_SIZE, Image, read_image
from camrig.flash.boot_loader import Connect
from camrig.flash.esptool_loader import connector, missing
from camrig.flash.write import FlashResult, Target, flash_board, put_back
from camrig.lab.device_spec import Device
from camrig.settings.resolve import Settings

if TYPE_CHECKING:
    from camrig.bringup.board import Board

SECONDS_TO_FORMAT = 30.0  # that a first boot takes longer when it makes a filesystem


def load_image(path: Path) -> Image:
    """The checked image in a file. Raises FirmwareError."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise FirmwareError(f"{path} cannot be read ({error.strerror})", hint="name a firmware image") from None
    return read_image(data, path.name)


def connect_to(device: Device, settings: Settings) -> Connect:
    """A function that opens the boot loader behind a device, whose port may be called otherwise by then."""
    return lambda: connector(_find_port(device), settings.lines)()


def _find_port(device: Device) -> str:
    return device.find() if device.find is not None else device.port


def flash_firmware(
    board: Board, image: Image, connect: Connect | None = None, *, dry_run: bool = False
) -> FlashResult:
    """Put ``image`` on the board that ``board`` has open, unless it is there, and prove that it runs.

    ``connect`` opens the boot loader; a rehearsal has another than that of the device. Leaves the board in the raw
    REPL, and after a ``dry_run`` as it was. Raises FirmwareError for an image that does not fit, BlockedError for a
    flash that failed, and FirmwareBootError for firmware that does not run, after the previous one was put back.
    """
    target = Target(
        name=board.spec,
        mac=board.mac,
        connect=connect or connect_to(board.device, board.settings),
        claim=board.reservation.claim,
        steps=board.steps,
    )
    with _port_closed(board):
        result = flash_board(target, image, dry_run=dry_run)
    if dry_run:
        return result
    try:
        with board.steps("verify") as note:
            running = _prove(board, image, result)
            place = f" in {running.partition.name}" if running.partition else ""
            proof = ", its hash read back" if running.app_sha256 else ""
            note(f"{running.build}{place}{proof}")
    except FirmwareBootError as error:
        raise _put_back(board, target, result, error) from None
    return result


@contextmanager
def _port_closed(board: Board) -> Iterator[None]:
    """The board's port is closed within this context, and open again after it, if it is there."""
    board.session.close()
    try:
        yield
    except BaseException:
        with suppress(CamrigError):  # what went wrong first is what matters
            _reopen(board)
        raise
    _reopen(board)


def _reopen(board: Board) -> None:
    board.session.reopen(Deadline.after(SECONDS_TO_RETURN), lambda: _find_port(board.device))


def _prove(board: Board, image: Image, result: FlashResult) -> RunningFirmware:
    """What the board runs, which is ``image``. Raises FirmwareBootError if it is not, or nothing runs."""
    try:
        _catch(board, board.settings.boots_in + (0.0 if result.same else SECONDS_TO_FORMAT))
        board.identify()
        running = read_running(board.session, image)
    except (BootLoaderError, PortError, BoardBusyError):
        raise  # the wiring's doing, or another run's
    except CamrigError as error:
        raise FirmwareBootError(
            f"the firmware {image.name} does not boot: {error.what}",
            board=board.spec,
            hint="look at the console; it may be for another kind of board",
            details=error.details or board.session.console.text(lines=20),
        ) from None
    # A virtual board with a boot loader has that only for a rehearsal, and runs a firmware of its own.
    if not board.identity.virtual and (reason := difference(image, result.boots, running)):
        raise FirmwareBootError(
            f"the firmware {image.name} is on the board, and something else runs: {reason}",
            board=board.spec,
            hint="the boot loader may have rolled it back; look at the console",
            details=board.session.console.text(lines=20),
        )
    return running


def _catch(board: Board, seconds: float) -> None:
    """Enter the raw REPL of a board that boots, or has booted unnoticed, with a further reset where there is one."""
    try:
        board.session.catch(seconds)
    except (BootLoaderError, PortError):
        raise
    except CamrigError:
        if board.session.transport.pulse():
            board.session.catch(board.settings.boots_in)
        else:
            board.session.repl()


def _put_back(board: Board, target: Target, result: FlashResult, failure: FirmwareBootError) -> FirmwareBootError:
    """``failure`` with what became of the previous firmware."""
    if result.previous is None:
        return failure
    try:
        with _port_closed(board):
            put_back(target, result.previous)
    except CamrigError as error:
        return failure.amended(what=f"{failure.what}; {error.what}")
    return failure.amended(what=f"{failure.what}; the board has its previous firmware again")


def reflash_action(
    device: Device, settings: Settings, path: Path, mac: Callable[[], str]
) -> tuple[Callable[[], None] | None, str]:
    """What the rung of the recovery ladder does that writes ``--firmware``; or None, and the reason.

    A board whose ``mac`` is not known is not written: another one may be on its port.
    """
    if settings.is_virtual(device.spec):
        return None, "a virtual board has no boot loader"
    if reason := missing():
        return None, reason

    def write() -> None:
        if not (expected := mac()):
            raise RungUnavailableError("the MAC of this board is not known, so another one could be written")
        with suppress(NotStartedError):  # the proof of the rung decides
            flash_board(Target(device.spec, expected, connect_to(device, settings)), load_image(path))

    return write, ""
