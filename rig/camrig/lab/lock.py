"""One owner per board: a file lock held by the process, so it ends with the process in every case.

Locks are named after the board, not after a path: two paths to one board share a lock. The file stays when the lock
is released, and keeps the board's identity for a listing, and the token that the agent on it takes.
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

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:
    msvcrt = None  # type: ignore[assignment]

RETRY = 0.2  # seconds between two attempts on a lock that is held
INSPECTION = 0.5  # seconds after which a lock without a holder is not merely being inspected
TRANSIENT = "pty-"  # prefix of locks whose name no later board gets; taking one removes the unused others
HEALTH = ".health.json"  # how the name ends of the file that keeps how runs on the board ended
GUARD = 1 << 20  # offset of the byte that Windows locks: beyond the text, so that other processes may read that


@dataclass(frozen=True)
class Holder:
    """The process that has a board. ``since`` is local time, to the second."""

    pid: int
    since: str
    command: str
    board: str

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid}) since {self.since}"


@dataclass(frozen=True)
class BoardRecord:
    """What a board reported when a run last identified it, and when that was."""

    chip: str
    mac: str
    firmware: str
    at: str


class Lock:
    """A lock that this process holds until ``release()``, or until it ends."""

    def __init__(self, file: IO[str], path: Path, content: dict[str, Any]) -> None:
        self._file = file
        self._path = path
        self._content = content
        self._write()

    def remember(self, chip: str, mac: str, firmware: str) -> None:
        """Keep the board's identity in the lock's file."""
        self._content["seen"] = asdict(BoardRecord(chip, mac, firmware, now()))
        self._write()

    @property
    def seen(self) -> BoardRecord | None:
        """What a board behind this lock last reported; None if none was identified."""
        return _record(self._content)

    @property
    def token(self) -> str:
        """The agent's token that the board was given last, empty if none is known."""
        token = self._content.get("token")
        return token if isinstance(token, str) else ""

    def keep_token(self, token: str) -> None:
        """Keep the token that the board is about to get. The file and its folder are this user's only."""
        self._content["token"] = token
        self._write()

    def remove(self) -> None:
        """Release a lock whose board is gone for good, and remove its file, and what is known of its health."""
        if not self._file.closed:
            for path in (self._path, health_beside(self._path)):
                with contextlib.suppress(OSError):
                    path.unlink()
            self._file.close()

    def release(self) -> None:
        """Release the board for the next owner. May be called twice."""
        if self._file.closed:
            return
        self._content["holder"] = None
        self._write()
        self._file.close()  # which releases the lock

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # on a full disk the lock still holds, it only cannot name its holder
            self._file.seek(0)
            self._file.truncate()
            json.dump(self._content, self._file)
            self._file.flush()


def now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")


def folder() -> Path:
    """The folder of this user's locks: below $XDG_RUNTIME_DIR, else below the system's temporary folder.

    Created if it is missing. Raises BlockedError if it cannot be created, or belongs to another user.
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base and os.access(base, os.W_OK):
        path = Path(base) / "camrig"
    else:
        user = str(os.getuid()) if hasattr(os, "getuid") else re.sub(r"\W", "_", os.environ.get("USERNAME", "user"))
        path = Path(tempfile.gettempdir()) / f"camrig-{user}"
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.lstat()
    except OSError as error:
        raise BlockedError(
            f"the folder for locks, {path}, cannot be created ({error.strerror})", hint="create it"
        ) from None
    if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
        raise BlockedError(
            f"the folder for locks, {path}, is not this user's", hint="remove it, or set XDG_RUNTIME_DIR"
        )
    return path


def kept_folder() -> Path:
    """The folder with a folder for each kept virtual board, named after its lock. Raises BlockedError."""
    return folder() / "boards"


def kept_key(port: str) -> str:
    """The name of the lock on the kept virtual board whose port is the path ``port``; empty for any other port."""
    home = Path(os.path.abspath(port)).parent
    return home.name if home.parent == kept_folder() else ""


def take(key: str, board: str, seconds: float = 0.0, notify: Callable[[str], None] = lambda line: None) -> Lock:
    """Take the lock that ``key`` names; ``board`` is the board's name in messages.

    Waits up to ``seconds`` for another owner to end, and notifies once. Raises BoardBusyError, naming the owner.
    """
    deadline, inspection = Deadline.after(seconds), Deadline.after(INSPECTION)
    notified = False
    if key.startswith(TRANSIENT):
        _remove_unused(path_of(key))
    while True:
        # Opened again each time: nothing can be read through a handle that Windows has seen locked.
        file = _open(key)
        if try_lock(file):
            if not _is_current(file, key):  # another run has removed it meanwhile
                file.close()
                continue
            content = _read(file)
            content["holder"] = asdict(Holder(os.getpid(), now(), command_line(), board))
            return Lock(file, path_of(key), content)
        holder = _holder(_read(file))
        file.close()
        if deadline.passed and (holder is not None or inspection.passed):
            raise _busy(board, holder, seconds)
        if not notified and seconds:
            notify(f"{board} is used by {holder or 'another run'}; waiting up to {seconds:g} s for it")
            notified = True
        time.sleep(min(RETRY, deadline.left or RETRY))


def inspect(key: str) -> tuple[Holder | None, BoardRecord | None]:
    """The holder of the lock that ``key`` names, and what its board last reported. Does not wait."""
    if not path_of(key).exists():
        return None, None
    file = _open(key)
    try:
        content = _read(file)
        held = not try_lock(file)
    finally:
        file.close()
    holder = _holder(content) or Holder(0, "?", "another run", "")
    return (holder if held else None), _record(content)


def path_of(key: str) -> Path:
    """The file of the lock that ``key`` names."""
    return folder() / (re.sub(r"[^A-Za-z0-9.-]", "_", key)[-180:] + ".lock")


def health_path(key: str) -> Path:
    """The file beside the lock that ``key`` names, in which the health of its board is kept."""
    return health_beside(path_of(key))


def health_beside(path: Path) -> Path:
    """The file for the health of the board whose lock is the file ``path``."""
    return path.with_name(path.name.removesuffix(".lock") + HEALTH)


def _busy(board: str, holder: Holder | None, seconds: float) -> BoardBusyError:
    if holder is not None and holder.pid == os.getpid():
        return BoardBusyError(
            f"this run already has that board, as {holder.board}", board=board, hint="name each board only once"
        )
    waited = f", and was for {seconds:g} s" if seconds else ""
    return BoardBusyError(
        f"the board is in use by {holder or 'another run'}{waited}",
        board=board,
        hint="wait for it with --hil-wait SECONDS, or end that run",
    )


def _remove_unused(keep: Path) -> None:
    """Remove the files of transient locks that no process holds, except ``keep``."""
    for path in keep.parent.glob(f"{TRANSIENT}*.lock"):
        with contextlib.suppress(OSError):
            if path != keep:
                with path.open("r+") as file:
                    if try_lock(file):
                        path.unlink()


def _is_current(file: IO[str], key: str) -> bool:
    """Whether ``file`` is still the one at the lock's path."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path_of(key)))
    except OSError:
        return False


def _open(key: str) -> IO[str]:
    path = path_of(key)
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+")
    except OSError as error:
        raise BlockedError(f"the lock {path} cannot be opened ({error.strerror})", hint="remove it") from None


def try_lock(file: IO[str]) -> bool:
    """Take the lock if it is free. On a system that locks no files, the process that the file names has it."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            os.lseek(file.fileno(), GUARD, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        elif (holder := _holder(_read(file))) is not None:
            os.kill(holder.pid, 0)
            return False
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return True


def _read(file: IO[str]) -> dict[str, Any]:
    """The content of a lock's file; empty while its owner is writing it."""
    try:
        file.seek(0)
        content = json.load(file)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _record(content: dict[str, Any]) -> BoardRecord | None:
    with contextlib.suppress(TypeError):
        return BoardRecord(**content["seen"]) if content.get("seen") else None
    return None


def _holder(content: dict[str, Any]) -> Holder | None:
    with contextlib.suppress(TypeError):
        return Holder(**(content.get("holder") or {}))
    return None


def command_line() -> str:
    """This process's command line, short enough for a sentence."""
    words = [Path(sys.argv[0]).name.replace("__main__.py", Path(sys.argv[0]).parent.name), *sys.argv[1:]]
    text = " ".join(words).strip() or "python"
    return text if len(text) <= 60 else text[:57] + "..."


@contextlib.contextmanager
def held(key: str, board: str) -> Iterator[Lock]:
    """``take()`` for the duration of a context."""
    lock = take(key, board)
    try:
        yield lock
    finally:
        lock.release()
