"""A board's identity: chip, firmware, ``.mpy`` version, heap, MAC and flash, as the board itself reports them."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from camrig.board.session import Session
from camrig.redaction import one_line, presentable

# Runs on MicroPython 1.21 and later, on any port: each fact is queried separately. It is short, because at the speed
# at which boards start a kilobyte takes a tenth of a second. The facts are in the order of _FACTS.
_QUERY = """
import sys
_p=sys.path[:]
sys.path[:]=['.frozen']
import gc,json
gc.collect()
o=__import__
def q(e):
 try:return eval(e)
 except Exception:pass
i=sys.implementation
n=q("o('network')")
m=q("list(n.WLAN(n.STA_IF).config('mac'))")
print(json.dumps([gc.mem_free(),gc.mem_alloc(),sys.platform,i[0],i[1][:3],q('i._mpy'),
q('i._machine')or q("o('os').uname()[4]"),q("o('os').uname()[3]")or sys.version,q("o('os').statvfs('/')[1:4]"),
m,not m and q("list(o('machine').unique_id())"),bool(q("o('deflate')"))]))
sys.path[:]=_p
"""
_FACTS = ("free", "alloc", "platform", "name", "version", "mpy", "machine", "build", "flash", "mac", "id", "deflate")


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


def _address(facts: dict[str, Any]) -> str:
    """The MAC, or the chip's own number where there is no radio."""
    octets = facts["mac"] or facts["id"] or ()
    return (":" if facts["mac"] else "").join(f"{octet:02x}" for octet in octets)


def identify(session: Session) -> Identity:
    """Query the board, which must be in the raw REPL, for its identity."""
    start = time.monotonic()
    answer = session.ask(_QUERY)
    session.pace.identified(time.monotonic() - start)
    facts: dict[str, Any] = dict(zip(_FACTS, answer, strict=True))
    block, total, free = facts["flash"] or (0, 0, 0)
    version = ".".join(str(part) for part in facts["version"])
    name = "MicroPython" if facts["name"] == "micropython" else facts["name"]
    return Identity(
        machine=one_line(presentable(facts["machine"] or facts["platform"])),
        firmware=one_line(presentable(f"{name} {version}")),
        build=one_line(presentable(facts["build"])),
        platform=one_line(presentable(facts["platform"])),
        mpy=MpyVersion.unpack(facts["mpy"]) if facts["mpy"] else None,
        mac=_address(facts),
        heap_total=facts["free"] + facts["alloc"],
        heap_free=facts["free"],
        flash_total=block * total,
        flash_free=block * free,
        inflates=facts["deflate"],
    )
