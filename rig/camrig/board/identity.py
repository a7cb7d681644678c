"""A board's identity: chip, firmware, ``.mpy`` version, heap, MAC and flash, as the board itself reports them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from camrig.board.session import Session

# Runs on MicroPython 1.21 and later, on any port: each fact is queried separately.
_QUERY = """
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
    """The contents of ``sys.implementation._mpy``: bytecode version and sub-version, and native architecture."""

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
    """What a board reports about itself. Sizes are bytes; ``mpy`` is None if the firmware loads no ``.mpy`` files."""

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
        """``ESP32``, from ``Generic ESP32 module with SPIRAM with ESP32``."""
        return self.machine.rsplit(" with ", 1)[-1] or self.platform

    @property
    def virtual(self) -> bool:
        """Whether this is a virtual board, whose figures are not those of hardware. Its machine name says so."""
        return "virtual board" in self.machine

    def as_record(self) -> dict[str, Any]:
        """The fields as plain data for a file, with the ``.mpy`` version as text."""
        return {**asdict(self), "mpy": self.mpy_text}

    @property
    def mpy_text(self) -> str:
        """The ``.mpy`` version such as ``6.3``, empty if the firmware loads no ``.mpy`` files."""
        return str(self.mpy or "")


def identify(session: Session) -> Identity:
    """Query the board, which must be in the raw REPL, for its identity."""
    facts: dict[str, Any] = session.ask(_QUERY)
    flash = facts.get("flash") or [0, 0]
    return Identity(
        machine=facts["machine"] or facts["platform"],
        firmware=f"{'MicroPython' if facts['name'] == 'micropython' else facts['name']} {facts['version']}",
        build=facts["build"],
        platform=facts["platform"],
        mpy=MpyVersion.unpack(facts["mpy"]) if facts["mpy"] else None,
        mac=facts.get("mac") or facts.get("id") or "",
        heap_total=facts["free"] + facts["alloc"],
        heap_free=facts["free"],
        flash_total=flash[0],
        flash_free=flash[1],
        inflates=facts["deflate"],
    )
