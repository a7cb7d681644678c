"""Files and folders that survive a writer that is killed: files appear whole or not at all, and what it left goes.

What is being written stands beside the file, named after the process and locked by it: the next writer removes it as
soon as that process is gone. Temporary folders are named, locked and removed in the same way.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    HAS_LOCKS = False
else:
    HAS_LOCKS = True

SUFFIX = ".camrig-part"
STALE = 3600.0  # seconds after which the part of any writer is removed: it may have been on another computer
FOLDER = "camrig-"
_PART = re.compile(rf"\..*\.(?P<process>\d+)-[a-z0-9_]+{re.escape(SUFFIX)}", re.DOTALL)
_FOLDER = re.compile(rf"{FOLDER}(?P<process>\d+)-[a-z0-9_]+")
_MAX_BYTES = 32 << 20  # of a file of settings or results


def write_whole(path: Path, data: bytes, *, private: bool = False, replace: bool = True) -> None:
    """Write ``data`` as ``path``, whose folder is created if missing. ``private``: only its owner may read it.

    Raises OSError, with the file as it was; FileExistsError if there is one already, unless it may be replaced.
    """
    _check_place(path)
    _remove_abandoned_parts(path.parent)
    handle, part = _new_part(path)
    try:
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            if not private:
                part.chmod(0o666 & ~_umask())
            os.fsync(file.fileno())
            if replace:
                os.replace(part, path)
            else:
                _take_name(part, path)
        _synchronise(path.parent)
    finally:
        part.unlink(missing_ok=True)


def demand_place(path: Path) -> None:
    """Create the folder of ``path`` if missing. Raises OSError if no file can be written there."""
    _check_place(path)
    handle, part = _new_part(path)
    os.close(handle)
    part.unlink()


def _check_place(path: Path) -> None:
    """Create the folder of ``path`` if missing. Raises OSError for a device, a pipe or a folder: none is replaced."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path.parent)) from None
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))


def read_whole(path: Path, most: int = _MAX_BYTES) -> bytes:
    """The content of a regular file of at most ``most`` bytes. Raises OSError, and waits for nothing."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        data = file.read(most + 1) if status.st_size <= most else b"\0" * (most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"larger than {most >> 20} MB", str(path))
    return data


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this process for the duration of a context. One that outlives it is removed by a later process."""
    _remove_abandoned_folders()
    path = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if HAS_LOCKS else None
    try:
        if handle is not None:
            _lock(handle)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _new_part(path: Path) -> tuple[int, Path]:
    """A new file beside ``path``, with a part of its name, which may be as long as the filesystem allows."""
    try:
        handle, name = tempfile.mkstemp(SUFFIX, f".{path.name[:40]}.{os.getpid()}-", path.parent)
    except FileExistsError:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path.parent)) from None
    _lock(handle)
    return handle, Path(name)


def _take_name(part: Path, path: Path) -> None:
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a filesystem without hard links
        claim = path.with_name(f".{path.name[:40]}.claim{SUFFIX}")
        with claim.open("xb"):
            pass
        try:
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.replace(part, path)
        finally:
            claim.unlink(missing_ok=True)


def _synchronise(folder: Path) -> None:
    """Make a rename last; a system that cannot open folders has no need of it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _remove_abandoned_parts(folder: Path) -> None:
    for part in folder.glob(f".*{SUFFIX}"):
        with suppress(OSError):
            if _is_abandoned(part, _PART) or time.time() - part.lstat().st_mtime > STALE:
                part.unlink()


@lru_cache(maxsize=1)
def _remove_abandoned_folders() -> None:
    """Once in a process: remove the temporary folders of runs that were killed."""
    with suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
            if _is_abandoned(folder, _FOLDER):
                shutil.rmtree(folder, ignore_errors=True)


def _is_abandoned(path: Path, form: re.Pattern[str]) -> bool:
    """Whether ``path`` is this user's, and of a process that is gone, on this computer and in any container."""
    match = form.fullmatch(path.name)
    if match is None or not HAS_LOCKS:
        return False
    try:
        os.kill(int(match["process"]), 0)
        return False
    except ProcessLookupError:
        pass
    except (OSError, OverflowError):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return os.fstat(handle).st_uid == os.getuid() and _lock(handle)
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    """Lock a file or folder until ``handle`` is closed or its process ends; whether nobody else has."""
    if not HAS_LOCKS:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
