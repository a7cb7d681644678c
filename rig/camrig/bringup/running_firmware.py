"""Which firmware a board runs, by its own account, and whether that is the image it was flashed with."""

from __future__ import annotations

from dataclasses import dataclass

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.firmware.image import Image
from camrig.firmware.partitions import Partition
from camrig.redaction import one_line, presentable

SECONDS_TO_HASH = 60.0  # an application of some megabytes
HASH = 32  # bytes of the hash at an application's end, which does not cover itself
# On firmware without esp32.Partition there is no partition to tell.
_QUERY = (
    firmware_imports("os", "json")
    + """
def q(f):
 try:return f()
 except Exception:pass
def p():
 import esp32
 return list(esp32.Partition(esp32.Partition.RUNNING).info())
print(json.dumps([q(lambda:os.uname()[3]),q(p)]))
"""
)
_HASH = (
    firmware_imports("esp32", "hashlib", "binascii", "json")
    + """
p=esp32.Partition(esp32.Partition.RUNNING)
h=hashlib.sha256()
b=bytearray(4096)
n={size}
i=0
while n>0:
 p.readblocks(i,b)
 h.update(memoryview(b)[:n] if n<4096 else b)
 n-=4096
 i+=1
print(json.dumps(binascii.hexlify(h.digest()).decode()))
"""
)


@dataclass(frozen=True)
class RunningFirmware:
    """``build`` is what ``os.uname()`` says. Where a board cannot tell the others, they are None and empty."""

    build: str
    partition: Partition | None
    app_sha256: str


def read_running(session: Session, image: Image) -> RunningFirmware:
    """Ask the board, in its raw REPL, what it runs, and for the hash over as many bytes as ``image`` says.

    Raises whatever the session raises.
    """
    build, info = session.ask(_QUERY)
    partition = Partition.of_info(info) if info else None
    digest = ""
    if partition is not None and image.app_sha256 and image.app_size - HASH <= partition.size:
        digest = str(session.ask(_HASH.format(size=image.app_size - HASH), SECONDS_TO_HASH))
    return RunningFirmware(one_line(presentable(str(build or ""))), partition, digest)


def difference(image: Image, boots: Partition | None, running: RunningFirmware) -> str:
    """Why what runs is not ``image``, written to ``boots``; empty if it is, as far as the board can tell."""
    place = running.partition
    if place is not None and boots is not None and place.offset != boots.offset:
        return f"the board runs {running.build} from {place.name}, and the image was written to {boots.name}"
    if running.app_sha256:
        if running.app_sha256 == image.app_sha256:
            return ""
        return f"the application that runs has another hash than the one that was written ({running.build})"
    about = image.application
    if about is not None and about.project == "micropython" and about.version not in running.build:
        return f"the board reports {running.build or 'no version'}, and the image is {about.version}"
    return ""
