"""A chip in its boot loader, in memory, with the faults that flashing meets, for tests and ``bench-flash``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from camrig.errors import FlashError, FlashReadError

SECTOR = 0x1000
BLOCK = 0x4000  # bytes that arrive at once
MAC = "a0:b1:c2:d3:e4:f5"


@dataclass
class Chip:
    """One board, which a reset starts. ``sectors_written`` counts what was erased, ``writes`` the attempts."""

    flash: bytearray
    mac: str = MAC
    name: str = "esp32"
    sectors_written: int = 0
    writes: int = 0
    resets: int = 0
    start: Callable[[], None] = lambda: None

    @classmethod
    def holding(cls, contents: bytes, size: int = 4 << 20, **fields: Any) -> Chip:
        """A chip whose flash begins with ``contents`` and is erased behind it."""
        return cls(bytearray(contents.ljust(size, b"\xff")), **fields)


@dataclass
class Faults:
    """When things go wrong. Counters say how often in a row.

    ``at`` is the share of a write at which it fails. ``swap`` is another chip, there from the second connection on.
    """

    connect: int = 0  # connections that fail
    drop: int = 0  # writes in which the line is lost
    corrupt: int = 0  # writes with a block that arrives damaged
    stall: int = 0  # writes that stop and time out
    skip: int = 0  # writes of which the chip drops the rest and says nothing
    protect: bool = False  # the flash acknowledges and keeps its content
    unreadable: bool = False
    garbled_reads: int = 0
    reset: int = 0  # resets that fail
    at: float = 0.5
    swap: Chip | None = None


@dataclass
class Bench:
    """A port with a chip behind it: ``connect`` opens its boot loader."""

    chip: Chip
    faults: Faults = field(default_factory=Faults)
    connections: int = 0

    def connect(self) -> MockBootLoader:
        """Bring the chip into its boot loader. Raises FlashError."""
        self.connections += 1
        if self.faults.connect and self.connections > 1:  # the first one succeeds: later ones are the retries
            self.faults.connect -= 1
            raise FlashError("the board does not enter its boot loader", hint="check the wiring of IO0")
        if self.faults.swap is not None and self.connections > 1:
            return MockBootLoader(self.faults.swap, self.faults)
        return MockBootLoader(self.chip, self.faults)


class MockBootLoader:
    """See ``camrig.flash.boot_loader.BootLoader``."""

    def __init__(self, chip: Chip, faults: Faults) -> None:
        self._chip = chip
        self._faults = faults
        self.lost = False
        self.chip, self.mac, self.flash_bytes = chip.name, chip.mac, len(chip.flash)

    def _alive(self) -> None:
        if self.lost:
            raise FlashError("the port was lost", hint="check cable and power")

    def read(self, offset: int, size: int) -> bytes:
        self._alive()
        if self._faults.unreadable:
            raise FlashReadError("the flash cannot be read (protected)", hint="use another board")
        data = bytes(self._chip.flash[offset : offset + size])
        if self._faults.garbled_reads:
            self._faults.garbled_reads -= 1
            data = bytes([data[0] ^ 1]) + data[1:]
        return data

    def digest(self, offset: int, size: int) -> str:
        self._alive()
        return hashlib.md5(self._chip.flash[offset : offset + size]).hexdigest()

    def write(self, pieces: Sequence[tuple[int, bytes]], done: Callable[[int], None]) -> None:
        self._chip.writes += 1
        total, written = sum(len(data) for _, data in pieces), 0
        faults, corrupts = self._faults, self._faults.corrupt > 0
        for offset, data in pieces:
            if not faults.protect:
                self._chip.flash[offset : offset + len(data)] = b"\xff" * len(data)
                self._chip.sectors_written += len(data) // SECTOR
            for start in range(0, len(data), BLOCK):
                self._alive()
                block = data[start : start + BLOCK]
                if written + len(block) > faults.at * total:
                    if faults.drop:
                        faults.drop, self.lost = faults.drop - 1, True
                        continue
                    if faults.stall:
                        faults.stall -= 1
                        raise FlashError("the flash cannot be written (timed out)", hint="check cable and power")
                    if faults.skip:
                        faults.skip -= 1
                        return
                    if corrupts:
                        faults.corrupt, corrupts = faults.corrupt - 1, False
                        block = bytes([block[0] ^ 0x10]) + block[1:]
                if not faults.protect:
                    self._chip.flash[offset + start : offset + start + len(block)] = block
                written += len(block)
                done(written)
        self._alive()

    def reset(self) -> None:
        self._alive()
        if self._faults.reset:
            self._faults.reset -= 1
            raise FlashError("the board cannot be reset", hint="press its reset button")
        self._chip.resets += 1
        self._chip.start()

    def close(self) -> None:
        self.lost = True
