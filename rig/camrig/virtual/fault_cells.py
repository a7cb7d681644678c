"""Numbers in a file that the supervisor sets and the board side reads while it runs: how faults reach the firmware.

Each number has one writer at a time: the supervisor sets it, and the board side counts some of them down.
``board_side/fault_cells.py`` is the other end.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path

CELLS = (
    "inside",  # whether any of the numbers that concern a server is set
    "events",  # the events at which the board side waits: a bit for each of EVENT_LETTERS
    "ack",  # the last event that has been acknowledged
    "cut",  # bytes until power fails in a flash write, plus 1
    "enobufs",  # sends that fail
    "hang",
    "refuse",  # status with which the access point refuses
    "slow_ms",
    "away",
    "heap",  # bytes of heap to leave
    "rssi",  # dBm below zero; 0: as usual
    "moved",
    "closed",
    "reset_ppm",  # of the connections, as drop_ppm and late_ppm
    "drop_ppm",
    "late_ppm",
    "delay_ms",
    "jitter_ms",
    "camera_frozen",
    "camera_buffers",  # that are filled when they are empty, and wait
    "camera_cut_ppm",  # of the pictures
    "camera_late_ms",
    "fill",  # bytes of the filesystem to leave, plus 2; 1 removes the filling
    "camera",  # the error of its driver
    "answer",  # to what esp32.Partition has asked, plus 1
)
EVENT_LETTERS = {"boot": "B", "joined": "W", "ready": "L", "request": "Q"}
_NETWORK = ("moved", "closed", "reset_ppm", "drop_ppm", "late_ppm", "delay_ms", "jitter_ms")
_INSIDE = ("events", "enobufs", "hang", "away", "heap", *_NETWORK)
_CELL = struct.Struct("=I")


class FaultCells:
    """The file, all zeros at first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.pwrite(self._fd, bytes(_CELL.size * len(CELLS)), 0)
        self._awaited: set[str] = set()

    def __getitem__(self, name: str) -> int:
        cell = os.pread(self._fd, _CELL.size, CELLS.index(name) * _CELL.size)
        value: int = _CELL.unpack(cell)[0]
        return value

    def __setitem__(self, name: str, value: int) -> None:
        self._write(name, value)
        if name in _INSIDE:
            self._write("inside", int(any(self[cell] for cell in _INSIDE)))

    def wait_at(self, events: set[str]) -> None:
        """Make the board side wait for an acknowledgement at these events."""
        if events == self._awaited:
            return
        self._awaited = events
        letters = list(EVENT_LETTERS)
        self["events"] = sum(1 << letters.index(event) for event in events if event in EVENT_LETTERS)

    def close(self) -> None:
        os.close(self._fd)

    def _write(self, name: str, value: int) -> None:
        os.pwrite(self._fd, _CELL.pack(value), CELLS.index(name) * _CELL.size)
