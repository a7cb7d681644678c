"""Files that appear whole or not at all, whenever their writer is killed: written beside, synchronised, renamed."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

SUFFIX = ".part"
STALE = 3600.0  # seconds after which the part of a writer that was killed is removed


def write_whole(path: Path, data: bytes, *, private: bool = False, replace: bool = True) -> None:
    """Write ``data`` as ``path``, whose folder is created if missing. ``private``: only its owner may read it.

    Raises OSError, with the file as it was; FileExistsError if there is one already, unless it may be replaced.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)) from None
    _remove_stale(path.parent)
    handle, name = tempfile.mkstemp(SUFFIX, f".{path.name}.", path.parent)
    part = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            part.chmod(0o666 & ~_umask())
        if replace:
            os.replace(part, path)
        else:
            _take_name(part, path)
        _synchronise(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _take_name(part: Path, path: Path) -> None:
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without hard links
        with path.open("xb"):
            pass
        os.replace(part, path)


def _synchronise(folder: Path) -> None:
    """Make a rename last; a system that cannot open folders has no need of it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_stale(folder: Path) -> None:
    for part in folder.glob(f".*{SUFFIX}"):
        with suppress(OSError):
            if time.time() - part.stat().st_mtime > STALE:
                part.unlink()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
