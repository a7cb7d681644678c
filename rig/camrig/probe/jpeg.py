"""Whether a JPEG is whole, by a walk over its segments (ITU-T T.81, annex B). Pure; nothing is decoded."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

SOI, EOI, SOS, COM, TEM = 0xD8, 0xD9, 0xDA, 0xFE, 0x01
_RESTARTS = range(0xD0, 0xD8)
_APPLICATION = range(0xE0, 0xF0)
_NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables and an extension, among the markers of frame headers
_FRAMES = tuple(marker for marker in range(0xC0, 0xD0) if marker not in _NOT_FRAMES)
_END_OF_SCAN = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")  # neither a stuffed byte nor a restart
_PADDING = b"\x00\xff"


@dataclass(frozen=True)
class Jpeg:
    """What a walk over a JPEG found. ``fault`` says why it is not whole, and is empty if it is.

    ``digest`` is of its picture alone: comments and application data do not count. ``padding`` are the zero bytes
    that some drivers leave behind the end, which every browser accepts.
    """

    size: int
    width: int = 0
    height: int = 0
    digest: str = ""
    padding: int = 0
    fault: str = ""


def examine(data: bytes) -> Jpeg:
    """Walk over ``data``, which should be one JPEG."""
    walk = _Walk(data)
    fault = walk.to_end()
    return Jpeg(len(data), walk.width, walk.height, walk.picture.hexdigest(), walk.padding, fault)


class _Walk:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.width = self.height = self.padding = 0
        self.picture = hashlib.blake2b(digest_size=8)
        self._at = 2
        self._has_frame = self._has_scan = False

    def to_end(self) -> str:
        """The first fault; empty if there is none."""
        if not self.data.startswith(b"\xff\xd8"):
            return "it does not begin as a JPEG does" if self.data else "it is empty"
        fault = ""
        while not fault:
            marker = self._marker()
            if marker == EOI:
                return self._behind_the_end()
            fault = self._segment(marker) if marker else self._no_marker()
        return fault

    def _marker(self) -> int:
        """The marker here, behind any fill bytes; 0 if there is none."""
        data, at = self.data, self._at
        if not data.startswith(b"\xff", at):
            return 0
        while data.startswith(b"\xff", at):
            at += 1
        self._at = at + 1
        return data[at] if at < len(data) else 0

    def _no_marker(self) -> str:
        return self._cut_off() if self._at >= len(self.data) else f"byte {self._at:,} is not that of a marker"

    def _segment(self, marker: int) -> str:
        if marker == TEM or marker in _RESTARTS:
            return ""
        if marker == SOI:
            return f"another picture begins at byte {self._at - 2:,}"
        begin = self._at
        length = int.from_bytes(self.data[begin : begin + 2], "big")
        if begin + 2 > len(self.data) or begin + max(length, 2) > len(self.data):
            return self._cut_off()
        if length < 2:
            return f"the segment at byte {begin - 2:,} has no length"
        self._at = begin + length
        if marker == COM or marker in _APPLICATION:
            return ""
        self.picture.update(self.data[begin - 1 : self._at])
        if marker in _FRAMES:
            self._has_frame = True
            self.height, self.width = (int.from_bytes(self.data[begin + k : begin + k + 2], "big") for k in (3, 5))
            return "" if length >= 8 and self.width else f"the frame header at byte {begin - 2:,} has no size"
        return self._scan() if marker == SOS else ""

    def _scan(self) -> str:
        """Pass the coded data behind the header of a scan."""
        if not self._has_frame:
            return f"a scan begins at byte {self._at:,} before any frame header"
        end = _END_OF_SCAN.search(self.data, self._at)
        if end is None:
            return self._cut_off()
        if end.start() == self._at:
            return f"the scan at byte {self._at:,} is empty"
        self.picture.update(self.data[self._at : end.start()])
        self._has_scan, self._at = True, end.start()
        return ""

    def _cut_off(self) -> str:
        return f"it ends after {len(self.data):,} bytes without its end marker"

    def _behind_the_end(self) -> str:
        if not self._has_scan:
            return "it ends without a picture"
        rest = self.data[self._at :]
        if rest.strip(_PADDING):
            return f"{len(rest):,} bytes follow its end marker"
        self.padding = len(rest)
        return ""
