"""The sensor of the virtual camera: 25 test pictures a second, each with its number and the time in it.

As a driver does, it hands out each frame once, and waits for the next one. A block of 8 x 8 pixels is one byte, the
difference of its grey from that of the block before; camrig.probe.picture_number reads what they show.
"""

import random
import time

import fault_cells

_PERIOD_MS = 40
_LATE = 10  # of that number of pictures one is late, where a fault makes them so
_STEPS = b"      \x1e\x00 \x1e\x00  \x1e \x00\x1e\x00  \x1e\x00\x1e\x00\x1e \x00 \x1e  \x00"
_FONT = b"75557262277174771717557117471774757712227575775717"
_TABLES = (
    b"\xff\xc4\x00\x15\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00"
    b"\xff\xc4\x00\x14\x10\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xda\x00\x08\x01\x01"
    b"\x00\x00?\x00\x0e"
)


class Sensor:
    def __init__(self):
        self._columns = 0
        self._rows = 0
        self._taken = 0  # pictures
        self._last = -1  # frame that was handed out
        self._waiting = []  # frames in buffers that were filled when they were empty

    def picture(self, width, height):
        """The next frame. The buffer is valid until the next call."""
        columns = width // 8
        if (columns, height // 8) != (self._columns, self._rows):
            self._columns, self._rows = columns, height // 8
            size = b"\x00\x0b\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
            head = b"\xff\xd8\xff\xdb\x00C\x00" + b"p" * 64 + b"\xff\xc0" + size + _TABLES
            self._first = len(head) - 1
            self._buffer = bytearray(self._first + columns * self._rows + 2)
            self._buffer[: len(head)] = head
            for at in range(len(head), len(self._buffer) - 2):
                self._buffer[at] = 32
            self._buffer[-2:] = b"\xff\xd9"
        number = self._next()
        if fault_cells.get("camera_frozen"):
            number = self._shown if self._taken else number
        self._taken += 1
        self._shown = number
        self._draw(number)
        if random.randint(1, 1000000) <= fault_cells.get("camera_cut_ppm"):
            return memoryview(self._buffer)[: len(self._buffer) // 2]
        return memoryview(self._buffer)

    def _next(self):
        """The number of the frame that a driver would hand out, as soon as it has one."""
        if self._taken % _LATE == _LATE - 1:
            time.sleep_ms(fault_cells.get("camera_late_ms"))
        now = time.ticks_ms()
        if now // _PERIOD_MS == self._last:
            time.sleep_ms(_PERIOD_MS - now % _PERIOD_MS)
        self._last = number = time.ticks_ms() // _PERIOD_MS
        return self._from_buffers(number, fault_cells.get("camera_buffers"))

    def _from_buffers(self, number, buffers):
        """The oldest frame of those that filled a buffer when it was empty; frame ``number`` without such buffers."""
        waiting = self._waiting
        while len(waiting) > buffers:
            waiting.pop(0)
        shown = waiting.pop(0) if waiting else number
        while len(waiting) < buffers:
            waiting.append(max(waiting[-1] if waiting else 0, number) + 1)
        return shown

    def _draw(self, number):
        clock = number * _PERIOD_MS
        row = self._columns
        for place in (16, 12, 8, 4, 0):
            font = number % 10 * 5
            for line in range(1, 6):
                self._cells(place + line * row, _FONT[font] & 7)
                font += 1
            self._cells(place + 7 * row, clock & 7)
            number //= 10
            clock >>= 3

    def _cells(self, at, bits):
        at += self._first
        for step in range(4 * bits, 4 * bits + 4):
            self._buffer[at] = _STEPS[step]
            at += 1
