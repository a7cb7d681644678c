"""Detects that a board restarted, from the bytes that arrive while a command runs. Sans-IO: no clock and no port."""

from __future__ import annotations

import re

KEPT = 256  # bytes that a match may span
NOISE = 24  # bytes that are not text among the last KEPT; the answer to a command of the rig never has this many

# What an ESP32 prints when it restarts or dies (ROM banner of any generation, panic handler, brownout detector), and
# what MicroPython prints when its interpreter restarts: none of it can be part of the answer to a command.
_RESTART = re.compile(
    rb"rst:0x[0-9a-f]+|Guru Meditation Error|Rebooting\.\.\.|Brownout detector was triggered|ESP-ROM:"
    rb'|MPY: soft reboot|Type "help\(\)" for more information|abort\(\) was called at|camrig: reset cause'
)
CAUSE = re.compile(rb"rst:0x[0-9a-f]+ \(([A-Z0-9_]+)\)")  # in the banner of an ESP32's ROM
_NUL = b"\0"  # received when a start bit is too long
_PANIC = re.compile(rb"Guru Meditation Error:?[^(]*\(([A-Za-z0-9 ]+)\)|(Brownout) detector was triggered")


class ResetDetector:
    """Feed it incoming bytes. ``restarted`` is true once a restart was recognised; ``cause`` is then its reason.

    ``noise`` is true if much of the data is not text, as when a board restarts at another speed than the port's.
    """

    def __init__(self) -> None:
        self.restarted = False
        self._tail = b""
        self._panic = ""
        self._reset = ""
        self._noise = 0

    @property
    def cause(self) -> str:
        """The name of the panic if there was one, since a panic always ends in a software reset."""
        return self._panic or self._reset

    @property
    def noise(self) -> bool:
        return self._noise >= NOISE

    def feed(self, data: bytes) -> bool:
        """Whether the board has restarted, or the data has turned to noise."""
        text = self._tail + data  # with the tail, so that a character cut by two reads does not count as noise
        self._noise = max(self._noise, text.count(_NUL) + len(text) - len(text.decode("utf-8", "ignore").encode()))
        self.restarted = self.restarted or _RESTART.search(text) is not None
        if match := CAUSE.search(text):
            self._reset = match[1].decode()
        if match := _PANIC.search(text):
            self._panic = (match[1] or match[2]).decode()
        self._tail = text[-KEPT:]
        return self.restarted or self.noise
