"""How fast a board works, by what it has done so far, and how long its commands may take.

Until a board has read or written files, both are judged by the time of its identification, most of which is a
collection of the heap: chips that are slow at one are slow at the others.
"""

from __future__ import annotations

MARGIN = 4.0
SECONDS_TO_IDENTIFY = 1.0  # of a board that has not been identified yet
READ, WRITTEN = 2e-4, 5e-4  # seconds for a byte, for each second that the identification took
LEAST = 1024  # bytes that say something about a speed


class Pace:
    """The speed of one board. Times are in seconds, sizes in bytes."""

    def __init__(self) -> None:
        self._identify = SECONDS_TO_IDENTIFY
        self._read: float | None = None  # seconds for a byte, the slowest seen; None until there was one
        self._written: float | None = None

    def identified(self, seconds: float) -> None:
        """The board took so long to say who it is."""
        self._identify = seconds

    def has_read(self, size: int, seconds: float) -> None:
        """The board took so long to read files of that size and compute their hashes."""
        if size >= LEAST:
            self._read = max(self._read or 0.0, seconds / size)

    def has_written(self, size: int, seconds: float) -> None:
        """The board took so long to write bytes of files."""
        if size >= LEAST:
            self._written = max(self._written or 0.0, seconds / size)

    def limit(self, least: float, read: int = 0, written: int = 0, collections: int = 0) -> float:
        """How long a command may take that reads, writes and collects that much: ``least``, and time for the work."""
        per_read = READ * self._identify if self._read is None else self._read
        per_written = WRITTEN * self._identify if self._written is None else self._written
        return least + MARGIN * (read * per_read + written * per_written + collections * self._identify)
