"""Power cuts of a virtual board at a chosen moment: after a number of flash writes, or of bytes on the line."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from camrig.board.session import Session
from camrig.deploy.board_scripts import APP_BOOT, BOOT_GUARD
from camrig.deploy.manifest import File
from camrig.deploy.plan import BOOT_FILE
from camrig.virtual.board import VirtualBoard

# The write after the last one allowed reaches the flash by half, then the chip resets.
_CUT = """
import machine
class Cut:
    def __init__(self, file, left):
        self.file, self.left, self.seek, self.readinto = file, left, file.seek, file.readinto
    def write(self, data):
        self.left -= 1
        if self.left < 0:
            self.file.write(bytes(data)[:len(data) // 2])
            machine.reset()
        return self.file.write(data)
bdev.file = Cut(bdev.file, {writes})
"""

# Digests of every file, in one answer.
HASHES = """
import os, hashlib, binascii, json
def walk(d):
    for n in os.listdir(d):
        p = d + '/' + n
        if os.stat(p)[0] & 0x4000:
            walk(p)
        else:
            with open(p, 'rb') as f:
                hashes[p] = binascii.hexlify(hashlib.sha256(f.read()).digest()).decode()
hashes = {}
walk('')
print(json.dumps(hashes))
"""


class PowerCutError(Exception):
    """The board lost its power while a client wrote to its port."""


def cut_after_writes(session: Session, writes: int) -> None:
    """Cut the power during flash write number ``writes`` from now on, counted from 0."""
    session.exec(_CUT.format(writes=writes))


def writes_since(session: Session) -> int:
    """How many flash writes there were since ``cut_after_writes(session, 1000000)``."""
    return 1000000 - int(session.exec("print(bdev.file.left)"))


class PowerCutLine:
    """Replaces the writes of a session's serial line: after ``left`` more bytes to the board its power is cut."""

    def __init__(self, session: Session, board: VirtualBoard, left: int) -> None:
        self.written = 0
        self._line, self._board, self._left = session.transport.serial, board, left
        self._write = self._line.write
        self._line.write = self.write  # type: ignore[method-assign]

    def write(self, data: bytes) -> int:
        through = data[: max(0, self._left - self.written)]
        if through:
            self._write(through)
        self.written += len(data)
        if len(through) < len(data):
            self._board.power_cycle()
            raise PowerCutError
        return len(data)


def hashes(path: str) -> dict[str, str]:
    """SHA-256 of every file on the board at ``path``, by path, read through mpremote."""
    command = [sys.executable, "-m", "mpremote", "connect", path, "exec", HASHES]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"mpremote: {result.stdout}{result.stderr}"
    by_path: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return by_path


def expected(files: Sequence[File]) -> dict[str, str]:
    """What ``hashes`` must return after ``files`` were deployed, without the rig's record."""
    placed = {APP_BOOT if file.target == BOOT_FILE else file.target: file.sha256 for file in files}
    return placed | {BOOT_FILE: hashlib.sha256(BOOT_GUARD.encode()).hexdigest()}
