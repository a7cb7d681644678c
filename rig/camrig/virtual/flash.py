"""The file that is a virtual board's flash memory. Its filesystem is made and read by the board side."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from camrig.virtual.config import BLOCK_SIZE


def open_flash(path: Path, blocks: int) -> int:
    """Extend the image to its size; the descriptor locks it against a second board.

    Raises BlockingIOError when another board uses it, and OSError when it cannot be made or holds something else:
    a board formats a flash without a filesystem.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _blank_or_formatted(os.pread(fd, 2 * BLOCK_SIZE, 0)):
            raise OSError(errno.EEXIST, "it is a file of another kind, which the board would overwrite")
        if os.fstat(fd).st_size < blocks * BLOCK_SIZE:
            os.truncate(fd, blocks * BLOCK_SIZE)
    except OSError:
        os.close(fd)
        raise
    return fd


def _blank_or_formatted(start: bytes) -> bool:
    """Whether the first two blocks are empty, erased, littlefs (in either block) or FAT."""
    blank = not start.strip(b"\xff") or not start.strip(b"\0")
    return blank or b"littlefs" in start or start[510:512] == b"\x55\xaa"
