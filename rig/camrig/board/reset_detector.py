"""Has the board restarted? Told from the bytes that arrive while a command runs. Sans-IO: no clock and no port."""

from __future__ import annotations

import re

KEPT = 256  # bytes that a match may lie across
NOISE = 24  # bytes among the last KEPT that are no text: no answer to a command of the rig has so many

# What an ESP32 says when it restarts or dies (ROM banner of any generation, panic handler, brownout detector), and
# what MicroPython says when its interpreter starts over: none of it can stand in the answer to a command.
_RESTART = re.compile(
    rb"rst:0x[0-9a-f]+|Guru Meditation Error|Rebooting\.\.\.|Brownout detector was triggered|ESP-ROM:"
    rb'|MPY: soft reboot|Type "help\(\)" for more information|abort\(\) was called at|camrig: reset cause'
)
CAUSE = re.compile(rb"rst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)")  # in the banner of an ESP32's ROM
_NUL = b"\0"  # what a start bit that is too long looks like
_PANIC = re.compile(rb"Guru Meditation Error:?[^(]*\(([A-Za-z0-9 ]+)\)|(Brownout) detector was triggered")


class Watch:
    """Feed it what arrives. ``restarted`` once a restart was recognised; ``cause`` is then the board's own word.

    ``noise``: much of it is no text at all, as when a board restarts at another speed than it is listened to.
    """

    def __init__(self) -> None:
        self.restarted = False
        self._tail = b""
        self._panic = ""
        self._reset = ""
        self._noise = 0

    @property
    def cause(self) -> str:
        """A panic's name before the reset's: a panic always ends in a software reset."""
        return self._panic or self._reset

    @property
    def noise(self) -> bool:
        return self._noise >= NOISE

    def feed(self, data: bytes) -> bool:
        """Whether the board has restarted, or what arrives has turned to noise."""
        text = self._tail + data  # whole, so that a letter cut by two reads is no noise
        self._noise = max(self._noise, text.count(_NUL) + len(text) - len(text.decode("utf-8", "ignore").encode()))
        self.restarted = self.restarted or _RESTART.search(text) is not None
        if found := CAUSE.search(text):
            self._reset = found[1].decode()
        if found := _PANIC.search(text):
            self._panic = (found[1] or found[2]).decode()
        self._tail = text[-KEPT:]
        return self.restarted or self.noise
