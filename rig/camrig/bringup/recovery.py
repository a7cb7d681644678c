"""Bringing a reserved board back into the raw REPL, and what happens when a board resets in a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from camrig.board.power import command_power, usb_power
from camrig.board.recovery import AT_BOOT, CHIP_RESET, CONTROL_LINES, CTRL_C, SOFT_RESET, Ladder, RungAttempt, rungs
from camrig.board.session import Session
from camrig.bringup.health import HealthKeeper
from camrig.errors import (
    BoardBrokenError,
    BoardResetError,
    BoardSilentError,
    BootLoaderError,
    CamrigError,
    NoMicroPythonError,
)
from camrig.lab.device_spec import Device
from camrig.settings.bench import NO_POWER
from camrig.settings.resolve import Settings
from camrig.steps import Steps

T = TypeVar("T")
RESTARTS = 3  # of a board in one command, which is then sent again


class Recovery:
    """The recovery ladder of one board, and the rules by which it is climbed.

    ``mac`` returns the MAC of the board, without which no firmware is written. ``health`` takes note of what was the
    board's own doing.
    """

    def __init__(
        self,
        session: Session,
        device: Device,
        settings: Settings,
        steps: Steps,
        mac: Callable[[], str],
        health: HealthKeeper,
    ) -> None:
        self._session = session
        self._steps = steps
        self._mac = mac
        self._health = health
        self._ladder = _ladder(session, device, settings, mac)

    @property
    def attempts(self) -> list[RungAttempt]:
        """The rungs that were tried so far, in order, without those that this bench does not have."""
        return [attempt for attempt in self._ladder.attempts if not attempt.absent]

    def wake(self) -> None:
        """Enter the raw REPL of a board that may run anything. Raises what keeps it from that."""
        try:
            self._session.repl()
        except (BoardSilentError, NoMicroPythonError, BoardResetError) as error:
            # A board that says nothing, or waits in its boot loader, cannot be asked for a reset.
            deaf = isinstance(error, (BoardSilentError, BootLoaderError))
            try:
                self._climb(CONTROL_LINES if deaf else SOFT_RESET)
                if deaf:  # else a program that ran there refused Ctrl-C
                    self._health.recovered()
            except BoardBrokenError as broken:
                if not deaf or not self._mac():  # a program's doing, or never a board that was seen here
                    self._health.came_back()
                details = "\n\n".join(text for text in (error.details, broken.what) if text)
                raise error.amended(details=details) from None

    def bring_back(self) -> None:
        """Enter the raw REPL of a board whose application went down. Raises BoardBrokenError."""
        self._climb(CTRL_C)
        try:
            self._session.repl()
        except CamrigError:
            self._climb(CHIP_RESET)

    def catch_again(self, error: CamrigError) -> None:
        """Enter the raw REPL of a board that ``error`` kept from it after a reset. Raises BoardBrokenError."""
        self._climb(AT_BOOT if isinstance(error, BoardResetError) else CONTROL_LINES)

    def retry_after_reset(self, act: Callable[[], T]) -> T:
        """``act()``, and again if the board restarts meanwhile: what ran before may have armed a watchdog.

        Where Ctrl-C catches the board late, its application has armed the watchdog once more.
        """
        for _ in range(RESTARTS):
            try:
                return act()
            except BoardResetError:
                self._climb(AT_BOOT)
        return act()

    def _climb(self, first: str) -> None:
        with self._steps("recover") as note:
            before = len(self.attempts)
            try:
                self._ladder.climb(first)
                self._health.came_back()
            except BoardBrokenError:
                rungs_tried = ", ".join(attempt.rung for attempt in self.attempts[before:])
                self._health.not_back(f"tried: {rungs_tried}" if rungs_tried else "nothing here can reset it")
                raise
            finally:
                note("; ".join(map(str, self.attempts[before:])))


def _ladder(session: Session, device: Device, settings: Settings, mac: Callable[[], str]) -> Ladder:
    power, no_power = power_switch(device, settings)
    flash, no_flash = _reflash(device, settings, mac)
    return Ladder(
        session,
        rungs(
            session,
            pulse=lambda: session.transport.pulse(),
            power=power,
            no_power=no_power,
            reflash=flash,
            no_reflash=no_flash,
            find=device.find,
            boot=settings.boots_in,
        ),
    )


def power_switch(device: Device, settings: Settings) -> tuple[Callable[[], None] | None, str]:
    """What switches the board's power off and on: what the bench file says, else the device, else its USB port."""
    own = settings.board(device.spec).power
    if own == NO_POWER:
        return None, "the bench file says that nothing switches it"
    if isinstance(own, tuple):
        return command_power(own, "it is power of this board in the bench file"), ""
    if not own and (device.power_cycle is not None or device.no_power):
        return device.power_cycle, device.no_power
    return usb_power(device.port, own)


def _reflash(device: Device, settings: Settings, mac: Callable[[], str]) -> tuple[Callable[[], None] | None, str]:
    if settings.firmware is None:
        return None, "no --firmware is given"
    from camrig.bringup.flashing import reflash_action

    return reflash_action(device, settings, settings.firmware, mac)
