"""What flashing needs of a chip that waits in its boot loader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

Done = Callable[[int], None]  # called with the number of bytes written so far


class BootLoader(Protocol):
    """An open boot loader. Every method raises FlashError when the chip refuses or the line is lost.

    ``mac`` is the chip's own, such as ``a0:b1:c2:d3:e4:f5``; ``chip`` is named like ``esp32s3``.
    """

    @property
    def chip(self) -> str: ...

    @property
    def mac(self) -> str: ...

    @property
    def flash_bytes(self) -> int: ...

    def read(self, offset: int, size: int) -> bytes:
        """What the flash holds. Raises FlashReadError."""

    def digest(self, offset: int, size: int) -> str:
        """The MD5 of what the flash holds, as hex, computed by the chip. Raises FlashReadError."""

    def write(self, pieces: Sequence[tuple[int, bytes]], done: Done) -> None:
        """Erase and write each piece, which begins and ends with a sector, at its offset."""

    def reset(self) -> None:
        """Start what is in the flash."""

    def close(self) -> None:
        """Release the port. May be called twice."""


Connect = Callable[[], BootLoader]  # brings a board into its boot loader; raises FlashError or PortError
