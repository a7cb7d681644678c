"""Who a board is: chip, firmware, ``.mpy`` version, heap, MAC and flash, asked of the board itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from camrig.board.session import Session

# Runs on MicroPython 1.21 and later, on any port: each fact is asked for on its own.
_ASK = """
import sys, gc
gc.collect()
d = {'free': gc.mem_free(), 'alloc': gc.mem_alloc(), 'platform': sys.platform}
i = sys.implementation
d['name'] = i[0]
d['version'] = '.'.join(str(x) for x in i[1][:3])
d['mpy'] = getattr(i, '_mpy', None)
d['machine'] = getattr(i, '_machine', '')
try:
    import os
    d['machine'] = d['machine'] or os.uname()[4]
    d['build'] = os.uname()[3]
except Exception:
    d['build'] = sys.version
try:
    s = os.statvfs('/')
    d['flash'] = [s[1] * s[2], s[1] * s[3]]
except Exception:
    pass
try:
    import machine
    d['id'] = ''.join('%02x' % b for b in machine.unique_id())
except Exception:
    pass
try:
    import network
    d['mac'] = ':'.join('%02x' % b for b in network.WLAN(network.STA_IF).config('mac'))
except Exception:
    pass
d['deflate'] = False
try:
    import deflate
    d['deflate'] = True
except Exception:
    pass
import json
print(json.dumps(d))
"""


@dataclass(frozen=True)
class MpyVersion:
    """What ``sys.implementation._mpy`` packs: the bytecode's version and sub-version, and the native architecture."""

    major: int
    minor: int
    arch: int

    @classmethod
    def unpack(cls, packed: int) -> MpyVersion:
        return cls(packed & 0xFF, packed >> 8 & 3, packed >> 10 & 0xF)

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True)
class Identity:
    """A board's own words about itself. Sizes are bytes; ``mpy`` is None where the firmware loads no ``.mpy``."""

    machine: str
    firmware: str
    build: str
    platform: str
    mpy: MpyVersion | None
    mac: str
    heap_total: int
    heap_free: int
    flash_total: int
    flash_free: int
    inflates: bool

    @property
    def chip(self) -> str:
        """``ESP32`` out of ``Generic ESP32 module with SPIRAM with ESP32``."""
        return self.machine.rsplit(" with ", 1)[-1] or self.platform

    @property
    def virtual(self) -> bool:
        """A virtual board says so in its machine name: its figures are no hardware's."""
        return "virtual board" in self.machine


def identify(session: Session) -> Identity:
    """Ask the board, which must be in the raw REPL, who it is."""
    found: dict[str, Any] = session.ask(_ASK)
    flash = found.get("flash") or [0, 0]
    return Identity(
        machine=found["machine"] or found["platform"],
        firmware=f"{'MicroPython' if found['name'] == 'micropython' else found['name']} {found['version']}",
        build=found["build"],
        platform=found["platform"],
        mpy=MpyVersion.unpack(found["mpy"]) if found["mpy"] else None,
        mac=found.get("mac") or found.get("id") or "",
        heap_total=found["free"] + found["alloc"],
        heap_free=found["free"],
        flash_total=flash[0],
        flash_free=flash[1],
        inflates=found["deflate"],
    )
