"""What a bad wire does to bytes. No I/O, and no chance: a byte is hit or not by its number on the line."""

from __future__ import annotations

import math
import random


class Hits:
    """Which bytes are hit: ``share`` of them (above 0, at most 1), the same ones for the same ``seed``."""

    def __init__(self, share: float, seed: str) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._next = self._gap()

    def among(self, size: int) -> list[int]:
        """Positions hit among the next ``size`` bytes."""
        found = []
        while self._next < size:
            found.append(self._next)
            self._next += 1 + self._gap()
        self._next -= size
        return found

    def _gap(self) -> int:
        if self._share >= 1:
            return 0
        return int(math.log(1 - self._random.random()) / math.log(1 - self._share))


class Garble:
    """Flips one bit of each byte that is hit."""

    def __init__(self, share: float, seed: str) -> None:
        self._hits = Hits(share, "garble " + seed)
        self._bits = random.Random("bits " + seed)  # of its own, or the hits would depend on how bytes are cut

    def __call__(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for at in self._hits.among(len(data)):
            changed[at] ^= 1 << self._bits.randrange(8)
        return bytes(changed)


class Lose:
    """Drops each byte that is hit."""

    def __init__(self, share: float, seed: str) -> None:
        self._hits = Hits(share, "lose " + seed)

    def __call__(self, data: bytes) -> bytes:
        kept = bytearray(data)
        for at in reversed(self._hits.among(len(data))):
            del kept[at]
        return bytes(kept)
