"""Plays profiles of control lines on an open port. Which port has any lines is asked of the port, not guessed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import serial
from serial import rfc2217

from camrig.board.line_profiles import Profile, Sequence

if os.name == "posix":
    import fcntl
    import struct
    import termios


class BoardSerial(serial.Serial):
    """A local port whose two lines reach their levels in one step when it opens.

    The kernel asserts both at open. pyserial would then release one after the other, and the moment in between
    resets a board with the two-transistor circuit.
    """

    if os.name == "posix":

        def _update_dtr_state(self) -> None:
            if self.is_open:
                super()._update_dtr_state()  # type: ignore[misc]

        def _update_rts_state(self) -> None:
            if self.is_open:
                super()._update_rts_state()  # type: ignore[misc]
            else:  # the second of open()'s two calls
                _both(self.fd, bool(self.dtr), bool(self.rts))


def _both(fd: Any, dtr: bool, rts: bool) -> None:
    levels = struct.unpack("I", fcntl.ioctl(fd, termios.TIOCMGET, struct.pack("I", 0)))[0]
    for on, bit in ((dtr, termios.TIOCM_DTR), (rts, termios.TIOCM_RTS)):
        levels = levels | bit if on else levels & ~bit
    fcntl.ioctl(fd, termios.TIOCMSET, struct.pack("I", levels))


def has_lines(port: Any) -> bool:
    """Whether the open ``port`` has control lines: not on a pseudo-terminal or a bare TCP socket."""
    if isinstance(port, rfc2217.Serial):
        return True
    if not isinstance(port, serial.Serial):
        return False
    try:
        _ = port.cts  # reads the modem lines: ENOTTY or EINVAL where there are none
    except (OSError, serial.SerialException):
        return False
    return True


def set_lines(port: Any, dtr: bool | None, rts: bool | None) -> None:
    """Bring lines of the open ``port`` to these levels, both at once where the system can. Raises OSError."""
    local = os.name == "posix" and isinstance(port, BoardSerial)
    if local and dtr is not None and rts is not None:
        _both(port.fd, dtr, rts)
        port._dtr_state, port._rts_state = dtr, rts  # what port.dtr and port.rts answer
        return
    if dtr is not None:
        port.dtr = dtr
    if rts is not None:
        port.rts = rts
        if os.name == "nt":
            port.dtr = port.dtr  # usbser.sys sends a change of RTS only along with DTR


def play(port: Any, sequence: Sequence, idle: Profile, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Run ``sequence`` and leave the lines at the idle levels of a profile, also when it is interrupted.

    False when the port has no lines, or lost them; nothing has then been reset.
    """
    if not sequence or not has_lines(port):
        return False
    try:
        try:
            for step in sequence:
                set_lines(port, step.dtr, step.rts)
                sleep(step.wait)
        finally:
            set_lines(port, idle.dtr, idle.rts)
    except (OSError, ValueError):  # ValueError: an RFC 2217 server refused
        return False
    return True


def pulse(port: Any, profile: Profile) -> bool:
    """Reset the chip through the control lines. False where this port or this wiring cannot."""
    return play(port, profile.reset, profile)
