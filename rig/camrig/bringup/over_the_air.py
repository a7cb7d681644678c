"""Firmware over the air on a reserved board: written beside the running one, booted on trial, then kept or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camrig.board.events import Crashed, Restarted
from camrig.board.speed import at_speed
from camrig.deploy.transfer import TransferLimits
from camrig.errors import CamrigError, FirmwareBootError, FlashError
from camrig.firmware.image import Image
from camrig.ota import trial as trials
from camrig.ota.slots import Slots, check_image, fits_over_the_air, read_slots
from camrig.ota.trial import Trial
from camrig.ota.write import holds, write_image
from camrig.progress import BYTES

if TYPE_CHECKING:
    from camrig.bringup.board import Board


@dataclass(frozen=True)
class Update:
    """What was done: the slot that runs now, whether that is new, how many blocks were sent, and its trial if any."""

    slot: str
    is_new: bool
    blocks: int
    trial: Trial | None

    def __str__(self) -> str:
        if not self.is_new:
            return f"{self.slot} runs it already"
        if self.trial is None:
            return f"it fits into {self.slot}, files and settings are kept"
        sent = f"{self.blocks} block{'s' * (self.blocks != 1)} sent" if self.blocks else "nothing to send"
        return f"{sent}, {self.slot} runs it on trial"


class OverTheAir:
    """The firmware of ``board`` over the air. ``trial`` is what a reset would roll back, None if that is nothing.

    Everything but ``confirm`` leaves the board in the raw REPL, and everything raises errors that name the board.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self.trial: Trial | None = None

    def takes(self, image: Image) -> bool:
        """Whether the board takes this image over the air: it has a spare slot, and the image is an application.

        The board must be in the raw REPL.
        """
        return fits_over_the_air(image, read_slots(self._board.session))

    def install(self, image: Image, *, dry_run: bool = False) -> Update:
        """Put ``image`` into the spare slot, boot it on trial, and see that it runs. A ``dry_run`` only checks.

        Nothing is sent if a slot has it already. Raises FirmwareError for an image that does not fit, before anything
        is erased; FlashError if it could not be written: the old firmware still boots; FirmwareBootError if the new
        one does not boot.
        """
        try:
            with self._board.steps("firmware") as note:
                result = self._install(image, dry_run)
                note(f"{image.title}: {result}")
        except CamrigError as error:
            raise error.on(self._board.spec) from None
        return result

    def _install(self, image: Image, dry_run: bool) -> Update:
        board, session, recovery = self._board, self._board.session, self._board.recovery
        slots = self._slots()
        check_image(image, slots, board.identity.chip)
        if slots.boots != slots.running.name and not dry_run:
            # A run ended before the slot that it had chosen was booted. Choosing once more would overwrite what the
            # boot loader knows of the good one.
            trials.boot(session, recovery.catch_again)
            slots = self._slots()
        if recovery.retry_after_reset(lambda: holds(session, slots.running, image, self._limits())):
            self._set_trial(Trial(image.title, slots.running.name, slots.spare.name) if slots.on_trial else None)
            return Update(slots.running.name, False, 0, self.trial)
        if dry_run:
            return Update(slots.spare.name, True, 0, None)
        if slots.on_trial:  # the spare slot has the only firmware that is known to be good: back to it first
            trials.boot(session, recovery.catch_again)
            slots = self._slots()
        blocks = recovery.retry_after_reset(lambda: self._write(slots, image))
        trial = trials.choose(session, slots, image)
        self._set_trial(trial)
        try:
            slots = trials.begin(session, trial, recovery.catch_again)
            self._prove(slots, image)
        except FirmwareBootError:
            self._set_trial(None)
            raise
        return Update(slots.running.name, True, blocks, trial)

    def _set_trial(self, trial: Trial | None) -> None:
        self.trial = trial
        self._board.session.keep_firmware(on_trial=trial is not None)

    def _slots(self) -> Slots:
        slots = read_slots(self._board.session)
        if slots is None:
            raise FlashError(
                "it has no spare slot for firmware, so none can be written over the air",
                hint="flash it over the boot loader, or use an OTA build of MicroPython",
            )
        return slots

    def _limits(self, baud: int = 0) -> TransferLimits:
        board = self._board
        return TransferLimits(baud or board.settings.baud, board.identity.heap_free, board.identity.inflates)

    def _write(self, slots: Slots, image: Image) -> int:
        board = self._board

        def progress(done: int, total: int) -> None:
            board.steps.progress(done=done, total=total, unit=BYTES)

        with at_speed(board.session.transport, board.settings.fast) as speed:
            return write_image(board.session, slots.spare, image, self._limits(speed), progress)

    def _prove(self, slots: Slots, image: Image) -> None:
        """See that the running slot holds the image, and read who the board says it is now."""
        board = self._board
        try:
            proven = holds(board.session, slots.running, image, self._limits())
            board.identify()
        except CamrigError as error:
            printed = board.session.console.excerpt(trials.CONSOLE_LINES)
            board.recovery.catch_again(error)
            raise self._rolled_back(printed, error) or error from None
        if not proven:
            raise FlashError(
                f"the slot {slots.running.name} that runs does not hold {image.name}",
                hint="flash again; if it happens again, the flash is worn",
            )

    def check(self) -> None:
        """After the board was brought back: raise FirmwareBootError if that has rolled its firmware back."""
        if (fault := self._rolled_back(self._board.session.console.excerpt(trials.CONSOLE_LINES))) is not None:
            raise fault.on(self._board.spec)

    def fault_of(self, error: CamrigError, seen: int) -> FirmwareBootError | None:
        """What an ``error`` is that came after event number ``seen`` of the console: the firmware's, or None.

        It is the firmware's if the chip restarted meanwhile, and that has rolled it back.
        """
        console = self._board.session.console
        if self.trial is None or not any(isinstance(event, (Crashed, Restarted)) for event in console.since(seen)):
            return None
        printed = console.excerpt(trials.CONSOLE_LINES)
        try:
            self._board.recovery.bring_back()
            return self._rolled_back(printed, error)
        except CamrigError:
            return None

    def _rolled_back(self, printed: str, error: CamrigError | None = None) -> FirmwareBootError | None:
        trial, session = self.trial, self._board.session
        slots = read_slots(session) if trial is not None else None
        if trial is None or slots is None:
            return None
        try:
            trials.check(session, trial, slots, printed)
        except FirmwareBootError as fault:
            self._set_trial(None)
            if error is None:
                return fault
            return fault.amended(what=f"{fault.what}: {error.what}", details=error.details or fault.details)
        return None

    def confirm(self) -> None:
        """Keep the firmware on trial, if there is one, after the first green request.

        Ends the application, which has to start again. Raises FirmwareBootError if it was rolled back meanwhile.
        """
        if self.trial is None:
            return
        try:
            if not self._board.is_interrupted:
                self._board.session.repl()
            with self._board.steps("confirm") as note:
                trials.confirm(self._board.session, self.trial)
                note(f"{self.trial.slot} keeps {self.trial.title}")
        except CamrigError as error:
            raise error.on(self._board.spec) from None
        finally:
            self._set_trial(None)

    def give_up(self) -> None:
        """Roll back the firmware on trial, if there is one: restart the chip, and see that the previous one runs.

        The board's ``identity`` stays that of the firmware that was tried, which is what results are about.
        """
        trial, board = self.trial, self._board
        if trial is None:
            return
        self._set_trial(None)
        try:
            with board.steps("roll back") as note:
                trials.roll_back(board.session, trial, board.recovery.bring_back)
                note(f"{trial.title} was not confirmed: {trial.previous} runs again")
        except CamrigError as error:
            raise error.on(board.spec) from None
