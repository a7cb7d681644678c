"""On FAT, which camera firmwares often have, no rename is atomic: a power cut must leave a whole application too."""

from __future__ import annotations

import json

import pytest
from camrig.board.session import Session
from camrig.deploy.board_scripts import RECORD
from camrig.errors import CamrigError

from benchmarks.power import HASHES, expected
from tests_unit.deploy.conftest import application, deploy

OLD = application("old", size=1500, parts=("one", "two", "four"))
NEW = application("new", size=1500, parts=("one", "two", "five"))

# A disk in memory that becomes the root. After ``left`` writes it takes no more.
_DISK = """
import os, vfs, gc
class Disk:
    def __init__(self, sectors):
        self.data = bytearray(sectors * 512)
        self.left = 1 << 29
    def readblocks(self, n, buf):
        buf[:] = self.data[n * 512:n * 512 + len(buf)]
    def writeblocks(self, n, buf):
        for k in range(0, len(buf), 512):
            self.left -= 1
            if self.left < 0:
                raise OSError(5)
            for i in range(k, k + 512):  # a file that the collector closes may allocate nothing
                self.data[n * 512 + i] = buf[i]
    def ioctl(self, op, arg):
        return {4: len(self.data) // 512, 5: 512}.get(op, 0)
disk = Disk(400)
vfs.VfsFat.mkfs(disk)
vfs.umount('/')
vfs.mount(vfs.VfsFat(disk), '/')
"""
_KEEP = "kept = bytes(disk.data)"
_BACK = "gc.collect()\nvfs.umount('/')\ndisk.data[:] = kept\ndisk.left = 1 << 29\nvfs.mount(vfs.VfsFat(disk), '/')"
_POWER = "f = None\ngc.collect()\nvfs.umount('/')\ndisk.left = 1 << 29\nvfs.mount(vfs.VfsFat(disk), '/')"
_START = """
import sys, __main__
for n in list(sys.modules):
    if n.startswith('pack'):
        del sys.modules[n]
__main__.__dict__.pop('booted', None)
sys.path[:] = ['', '/lib']
for p in ('/boot.py', '/main.py'):
    exec(open(p).read())
"""


def hashes(session: Session) -> dict[str, str]:
    hashes: dict[str, str] = json.loads(session.exec(HASHES).strip().splitlines()[-1])
    return hashes


def test_a_power_cut_on_fat_leaves_the_old_or_the_new_application(session: Session):
    session.exec(_DISK)
    deploy(session, OLD)
    assert hashes(session).keys() == {*expected(OLD), RECORD}
    session.exec(_KEEP)
    session.exec("disk.left = 1 << 29")
    deploy(session, NEW)
    total = (1 << 29) - int(session.exec("print(disk.left)"))
    assert expected(NEW).items() <= hashes(session).items()
    outcomes = []
    for at in [*range(total - 40, total, 2), *range(5, total - 40, total // 6)]:
        session.exec(_BACK)
        session.exec(f"disk.left = {at}")
        with pytest.raises(CamrigError):
            deploy(session, NEW)
        session.exec(_POWER)
        outcomes.append((at, session.exec(_START).strip().splitlines()[-1]))
        deploy(session, NEW)
        session.exec("with open('/fill', 'wb') as f: f.write(bytes(20000))")
        present = hashes(session)
        assert expected(NEW).items() <= present.items(), (at, outcomes[-1])
    assert {output for _, output in outcomes} == {"versions ['old']", "versions ['new']"}
