"""Plays control-line sequences on an open port. Whether it has control lines is asked of the port, not guessed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import serial

from camrig.board.line_profiles import LineProfile, LineSequence

try:
    import fcntl
    import struct
    import termios
except ImportError:  # Windows, whose driver sets the lines as it opens the port
    HAS_LINES_AT_OPEN = False
else:
    HAS_LINES_AT_OPEN = True


class BoardSerial(serial.Serial):
    """A local port that sets DTR and RTS in one step when it opens.

    The kernel asserts both at open. pyserial would then release one after the other, and the state in between resets
    a board with the two-transistor circuit.
    """

    if HAS_LINES_AT_OPEN:

        def _update_dtr_state(self) -> None:
            if self.is_open:
                super()._update_dtr_state()  # type: ignore[misc]

        def _update_rts_state(self) -> None:
            if self.is_open:
                super()._update_rts_state()  # type: ignore[misc]
            else:  # the second of the two calls in open()
                _set_both(self.fd, bool(self.dtr), bool(self.rts))


def _set_both(fd: Any, dtr: bool, rts: bool) -> None:
    levels = struct.unpack("I", fcntl.ioctl(fd, termios.TIOCMGET, struct.pack("I", 0)))[0]
    for on, bit in ((dtr, termios.TIOCM_DTR), (rts, termios.TIOCM_RTS)):
        levels = levels | bit if on else levels & ~bit
    fcntl.ioctl(fd, termios.TIOCMSET, struct.pack("I", levels))


def is_rfc2217(port: Any) -> bool:
    """Whether ``port`` is that of a server. pyserial reads its module when the first such URL is opened."""
    module = sys.modules.get("serial.rfc2217")
    return module is not None and isinstance(port, module.Serial)


def has_lines(port: Any) -> bool:
    """Whether the open ``port`` has control lines: not on a pseudo-terminal or a bare TCP socket."""
    if is_rfc2217(port):
        return True
    if not isinstance(port, serial.Serial):
        return False
    try:
        _ = port.cts  # reads the modem lines: ENOTTY or EINVAL if the port has none
    except (OSError, serial.SerialException):
        return False
    return True


def set_lines(port: Any, dtr: bool | None, rts: bool | None) -> None:
    """Set lines of the open ``port``, both in one step where the system can; None leaves a line. Raises OSError."""
    local = HAS_LINES_AT_OPEN and isinstance(port, BoardSerial)
    if local and dtr is not None and rts is not None:
        _set_both(port.fd, dtr, rts)
        port._dtr_state, port._rts_state = dtr, rts  # the values behind port.dtr and port.rts
        return
    if dtr is not None:
        port.dtr = dtr
    if rts is not None:
        port.rts = rts
        if os.name == "nt":
            port.dtr = port.dtr  # usbser.sys sends a change of RTS only together with DTR


def play(port: Any, sequence: LineSequence, idle: LineProfile, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Run ``sequence``, and leave the lines at the idle levels of a profile, also when interrupted.

    False if the port has no lines or lost them; nothing was reset then.
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
    except (OSError, ValueError):  # ValueError: refused by an RFC 2217 server
        return False
    return True


def pulse(port: Any, profile: LineProfile) -> bool:
    """Reset the chip through the control lines. False if this port or this wiring cannot do it."""
    return play(port, profile.reset, profile)
