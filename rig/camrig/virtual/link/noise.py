"""What a bad line does to bytes. No I/O, and repeatable: whether a byte is hit depends on its number on the line."""

from __future__ import annotations

import math
import random


class HitPositions:
    """Which bytes are hit: ``share`` of them (above 0, at most 1), the same ones for the same ``seed``."""

    def __init__(self, share: float, seed: str) -> None:
        self._random = random.Random(seed)
        self._share = share
        self._next = self._gap()

    def next(self, size: int) -> list[int]:
        """The positions of the hits among the next ``size`` bytes."""
        positions = []
        while self._next < size:
            positions.append(self._next)
            self._next += 1 + self._gap()
        self._next -= size
        return positions

    def _gap(self) -> int:
        if self._share >= 1:
            return 0
        return int(math.log(1 - self._random.random()) / math.log(1 - self._share))


class BitFlips:
    """Flips one bit of each byte that is hit."""

    def __init__(self, share: float, seed: str) -> None:
        self._hits = HitPositions(share, "garble " + seed)
        self._bits = random.Random(
            "bits " + seed
        )  # a separate generator, or the hits would depend on how the bytes are split

    def __call__(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for at in self._hits.next(len(data)):
            changed[at] ^= 1 << self._bits.randrange(8)
        return bytes(changed)


class ByteLoss:
    """Drops each byte that is hit."""

    def __init__(self, share: float, seed: str) -> None:
        self._hits = HitPositions(share, "lose " + seed)

    def __call__(self, data: bytes) -> bytes:
        kept = bytearray(data)
        for at in reversed(self._hits.next(len(data))):
            del kept[at]
        return bytes(kept)
