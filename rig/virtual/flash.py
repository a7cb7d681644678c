"""The file that is a virtual board's flash memory. What is in it is the board's own business."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from .config import BLOCK_SIZE


def open_flash(path: Path, blocks: int) -> int:
    """Make the image as large as it has to be; the descriptor holds it against a second board.

    Raises BlockingIOError when another board has it, and OSError when it cannot be made.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_size < blocks * BLOCK_SIZE:
            os.truncate(fd, blocks * BLOCK_SIZE)
    except OSError:
        os.close(fd)
        raise
    return fd
