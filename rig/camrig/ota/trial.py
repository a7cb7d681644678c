"""Firmware in the spare slot becomes the one that boots: on trial, until it is confirmed or rolled back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from camrig.board.session import SECONDS_TO_START, Session
from camrig.errors import (
    BoardBrokenError,
    BoardRaisedError,
    BoardResetError,
    BoardSilentError,
    CamrigError,
    FirmwareBootError,
    FirmwareError,
    FlashError,
    NoMicroPythonError,
    PortError,
)
from camrig.firmware.image import Image
from camrig.ota.board_scripts import CONFIRM_SCRIPT
from camrig.ota.slots import NEW, VALID, Slots, read_slots

CONSOLE_LINES = 45  # a panic, and the boot after it
LOST = (BoardSilentError, NoMicroPythonError, BoardResetError, PortError)
Recover = Callable[[CamrigError], None]


class NoRollbackError(FlashError):
    """The boot loader would not roll firmware back, so none can be tried."""


@dataclass(frozen=True)
class Trial:
    """Firmware on trial: the ``title`` of its image, its slot, and the ``previous`` one, which a reset boots."""

    title: str
    slot: str
    previous: str


def choose(session: Session, slots: Slots, image: Image) -> Trial:
    """Make the spare slot, which holds ``image``, the one that boots next, on trial. Nothing restarts yet.

    Raises FirmwareError if the board itself finds the image invalid, NoRollbackError where a trial would not end.
    """
    spare, running = slots.spare.name, slots.running.name
    try:
        session.exec(f"from esp32 import Partition\nPartition({spare!r}).set_boot()")
    except BoardRaisedError as error:
        raise FirmwareError(
            f"the board refuses to boot {image.name}: {error.raised}",
            hint="build it for this revision of the chip, and signed if the board demands that",
        ).on(session.name) from None
    chosen = read_slots(session)
    if chosen is None or chosen.boots != spare:
        raise FlashError("the board did not take the new slot as the one to boot", board=session.name)
    if chosen.state != NEW:
        session.exec(f"Partition({running!r}).set_boot()")
        raise NoRollbackError(
            "its boot loader does not roll firmware back, so none can be tried over the air",
            board=session.name,
            hint="use a build with rollback, such as MicroPython's OTA builds, or a board with a boot-loader line",
        )
    return Trial(image.title, spare, running)


def boot(session: Session, recover: Recover) -> None:
    """Restart the chip and enter the raw REPL before main.py runs.

    ``recover`` brings a board back that an error kept from that. Raises BoardBrokenError if it cannot.
    """
    session.reset_chip()
    try:
        session.catch(session.boots_in + SECONDS_TO_START)
    except LOST as error:
        recover(error)


def begin(session: Session, trial: Trial, recover: Recover) -> Slots:
    """Boot the firmware that was chosen; the slots then. Raises FirmwareBootError if it does not boot."""
    mark = session.console.mark()
    try:
        boot(session, recover)
        printed = session.console.excerpt(CONSOLE_LINES, since=mark)
        slots = _slots_after_boot(session, recover)
    except BoardBrokenError as error:
        raise FirmwareBootError(
            f"the firmware {trial.title} does not boot, and nothing brings the board back: {error.what}",
            board=session.name,
            hint="reset the board by hand: its boot loader then starts the previous firmware",
            details=session.console.excerpt(CONSOLE_LINES, since=mark),
        ) from None
    check(session, trial, slots, printed)
    session.keep_firmware(on_trial=True)
    return slots


def _slots_after_boot(session: Session, recover: Recover) -> Slots:
    """The board's slots; it may crash once more while it is asked."""
    try:
        slots = read_slots(session)
    except LOST as error:
        recover(error)
        slots = read_slots(session)
    if slots is None:
        raise FlashError("the board no longer reports its slots for firmware", board=session.name)
    return slots


def check(session: Session, trial: Trial, slots: Slots, printed: str) -> None:
    """Raise FirmwareBootError if the boot loader has rolled the firmware back; ``printed`` is the console's end."""
    if slots.running.name != trial.slot:
        session.keep_firmware(on_trial=False)
        raise FirmwareBootError(
            f"the firmware {trial.title} did not stay up, and the boot loader rolled back to {slots.running.name}",
            board=session.name,
            hint="see what the console printed meanwhile; the previous firmware runs again",
            details=printed,
        )


def confirm(session: Session, trial: Trial) -> None:
    """Make the firmware on trial the one to stay. The board must be in the raw REPL.

    Raises FirmwareBootError if it was rolled back meanwhile, FlashError if the board does not record it.
    """
    slots = read_slots(session)
    if slots is not None:
        check(session, trial, slots, session.console.excerpt(CONSOLE_LINES))
    try:
        session.exec(CONFIRM_SCRIPT)
    except BoardRaisedError as error:
        raise FlashError(
            f"the firmware cannot be confirmed: {error.raised}",
            board=session.name,
            hint="the next reset brings the previous firmware back: flash again",
        ) from None
    slots = read_slots(session)
    if slots is None or (slots.running.name, slots.boots, slots.state) != (trial.slot, trial.slot, VALID):
        raise FlashError("the board has not recorded that its firmware is confirmed", board=session.name)
    session.keep_firmware(on_trial=False)


def roll_back(session: Session, trial: Trial, bring_back: Callable[[], None]) -> None:
    """Restart the chip, so that the boot loader starts the previous firmware, and see that it did.

    ``bring_back`` enters the raw REPL of a board that does not respond. Raises FlashError if the firmware is still
    there, and what keeps the board from coming back.
    """
    session.keep_firmware(on_trial=False)
    try:
        session.repl()
    except CamrigError:
        bring_back()
    slots = read_slots(session)
    if slots is not None and slots.boots == trial.slot and slots.running.name != trial.slot:
        boot(session, lambda error: bring_back())  # chosen and not booted yet: a trial has to begin before it can end
        slots = read_slots(session)
    if slots is not None and slots.running.name == trial.slot:
        boot(session, lambda error: bring_back())
        slots = read_slots(session)
    if slots is None or slots.running.name != trial.previous:
        raise FlashError(
            f"the board still runs {trial.title} after a reset: its boot loader did not roll back",
            board=session.name,
            hint="flash the previous firmware",
        )
