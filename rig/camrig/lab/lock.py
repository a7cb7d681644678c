"""One owner per board: a file lock held by the process, so that it ends with the process, however that ends.

Locks are named after the board, not after a path: two paths to one board are one lock. The file stays when the lock
is released; it then remembers who the board was, for a listing.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from camrig.deadline import Deadline
from camrig.errors import BlockedError, BoardBusyError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

RETRY = 0.2  # seconds between two tries for a lock that is held
FLEETING = "pty-"  # how the names of locks begin whose like no later board will have: the next such one removes them
GUARD = 1 << 20  # where Windows locks one byte: beyond the text, which others may then read


@dataclass(frozen=True)
class Holder:
    """Who has a board. ``since`` is local time, to the second."""

    pid: int
    since: str
    command: str
    board: str

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid}) since {self.since}"


@dataclass(frozen=True)
class Seen:
    """What a board said of itself when a run last asked it, and when that was."""

    chip: str
    mac: str
    firmware: str
    at: str


class Lock:
    """A lock that this process holds until ``release()``, or until it ends."""

    def __init__(self, file: IO[str], record: dict[str, Any]) -> None:
        self._file = file
        self._record = record
        self._write()

    def remember(self, chip: str, mac: str, firmware: str) -> None:
        """Keep what the board said of itself beside its lock."""
        self._record["seen"] = asdict(Seen(chip, mac, firmware, now()))
        self._write()

    def release(self) -> None:
        """Let the next one have the board. May be called twice."""
        if self._file.closed:
            return
        self._record["holder"] = None
        self._write()
        self._file.close()  # which releases the lock

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # a full disk: the lock holds all the same, it only cannot say for whom
            self._file.seek(0)
            self._file.truncate()
            json.dump(self._record, self._file)
            self._file.flush()


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def folder() -> Path:
    """Where this user's locks are: below $XDG_RUNTIME_DIR, else below the system's temporary folder.

    Made when it is missing. Raises BlockedError when it cannot be made, or belongs to somebody else.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and os.access(base, os.W_OK):
        found = Path(base) / "camrig"
    else:
        user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "_", os.environ.get("USERNAME", "user"))
        found = Path(tempfile.gettempdir()) / f"camrig-{user}"
    try:
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = found.lstat()
    except OSError as error:
        raise BlockedError(
            f"the folder for locks, {found}, cannot be made ({error.strerror})", hint="make it"
        ) from None
    if not stat.S_ISDIR(about.st_mode) or (hasattr(os, "getuid") and about.st_uid != os.getuid()):
        raise BlockedError(
            f"the folder for locks, {found}, is not this user's", hint="remove it, or set XDG_RUNTIME_DIR"
        )
    return found


def take(key: str, board: str, seconds: float = 0.0, tell: Callable[[str], None] = lambda line: None) -> Lock:
    """The lock on the board that ``key`` names; ``board`` is what people call it.

    Waits up to ``seconds`` for another owner to end, and tells so once. Raises BoardBusyError, naming the owner.
    """
    until, glance = Deadline.after(seconds), Deadline.after(0.5)
    told = False
    if key.startswith(FLEETING):
        _sweep(_path(key))
    while True:
        # Opened anew each time: nothing may be read through a handle that Windows has seen locked.
        file = _open(key)
        if _try(file):
            if not _there(file, key):  # somebody has swept it away meanwhile
                file.close()
                continue
            record = _record(file)
            record["holder"] = asdict(Holder(os.getpid(), now(), _command(), board))
            return Lock(file, record)
        holder = _holder(_record(file))
        file.close()
        if until.passed and (holder is not None or glance.passed):  # with no holder, somebody only had a look
            raise _busy(board, holder, seconds)
        if not told and seconds:
            tell(f"{board} is used by {holder or 'another run'}; waiting up to {seconds:g} s for it")
            told = True
        time.sleep(min(RETRY, until.left or RETRY))


def look(key: str) -> tuple[Holder | None, Seen | None]:
    """Who holds the board that ``key`` names, and what it last said of itself. Waits for nothing."""
    if not _path(key).exists():
        return None, None
    file = _open(key)
    try:
        record = _record(file)
        held = not _try(file)
    finally:
        file.close()
    seen = record.get("seen")
    with contextlib.suppress(TypeError):
        seen = Seen(**seen) if seen else None
    holder = _holder(record) or Holder(0, "?", "another run", "")
    return (holder if held else None), seen if isinstance(seen, Seen) else None


def _busy(board: str, holder: Holder | None, seconds: float) -> BoardBusyError:
    if holder is not None and holder.pid == os.getpid():
        return BoardBusyError(
            f"this run has that board already, as {holder.board}", board=board, hint="name each board only once"
        )
    waited = f", and was for {seconds:g} s" if seconds else ""
    return BoardBusyError(
        f"the board is in use by {holder or 'another run'}{waited}",
        board=board,
        hint="wait for it with --hil-wait SECONDS, or end that run",
    )


def _path(key: str) -> Path:
    return folder() / (re.sub(r"[^A-Za-z0-9.-]", "_", key)[-180:] + ".lock")


def _sweep(mine: Path) -> None:
    """Remove the files of fleeting locks that nobody holds, but for one."""
    for path in mine.parent.glob(f"{FLEETING}*"):
        with contextlib.suppress(OSError):
            if path != mine:
                with path.open("r+") as file:
                    if _try(file):
                        path.unlink()


def _there(file: IO[str], key: str) -> bool:
    """Whether that is the file that others find."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(_path(key)))
    except OSError:
        return False


def _open(key: str) -> IO[str]:
    path = _path(key)
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+")
    except OSError as error:
        raise BlockedError(f"the lock {path} cannot be opened ({error.strerror})", hint="remove it") from None


def _try(file: IO[str]) -> bool:
    """Take the lock if it is free."""
    try:
        if sys.platform == "win32":
            os.lseek(file.fileno(), GUARD, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _record(file: IO[str]) -> dict[str, Any]:
    """What is written in a lock's file; empty when its owner writes at this moment."""
    try:
        file.seek(0)
        found = json.load(file)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _holder(record: dict[str, Any]) -> Holder | None:
    with contextlib.suppress(TypeError):
        return Holder(**(record.get("holder") or {}))
    return None


def _command() -> str:
    """The program and what it was asked for, short enough for a sentence."""
    words = [Path(sys.argv[0]).name.replace("__main__.py", Path(sys.argv[0]).parent.name), *sys.argv[1:]]
    text = " ".join(words).strip() or "python"
    return text if len(text) <= 60 else text[:57] + "..."


@contextlib.contextmanager
def held(key: str, board: str) -> Iterator[Lock]:
    """``take()`` for the length of a context."""
    lock = take(key, board)
    try:
        yield lock
    finally:
        lock.release()
