"""The air that boards share: while one is measured, no other is on the same access point or channel.

Whoever needs the air draws a ticket, and has the air once no older ticket is left, so that nobody is overtaken. A
ticket is a file that its process keeps locked: it is void as soon as the process ends, however it ends. The folder is
that of all users of this host.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

from camrig.deadline import Deadline
from camrig.errors import BlockedError
from camrig.lab.lock import Holder, command_line, now, try_lock
from camrig.probe.agent import Radio
from camrig.redaction import one_line
from camrig.settings.resolve import Settings

# A folder that all runs of this host see, where their temporary folders differ.
VARIABLE = "CAMRIG_AIR"
HOST = "this host"  # what virtual boards share, and boards of which nothing is known
POLL = 0.02  # seconds between two looks at the tickets of whoever is next
FARTHEST = 50  # places before one's own that make the looks rarer
NOTICE = 10.0  # seconds of waiting, after which the one who has the air is named, and then again
NOTICE_AGAIN = 60.0
PATIENCE = 1800.0  # seconds that one owner may keep the air: twice as long as any test takes
SECONDS_AT_THE_DOOR = 10.0  # to draw a ticket, which takes less than a millisecond
MOST_BYTES = 4096  # that are read of a ticket, which may be another user's
STRANGER = Holder(0, "?", "another run", "another board")
_DOOR, _TICKET = "door", ".ticket"


def air_of(settings: Settings, spec: str, radio: Radio | None) -> tuple[str, ...]:
    """The names of the air that the board ``spec`` is measured in, to be held together.

    Boards of one access point share the air, else those on one network, and so do boards on one channel, whatever
    their access point. Virtual boards share their host.
    """
    access_point = settings.board(spec).access_point
    names = [f"access point {access_point}"] if access_point else []
    if settings.is_virtual(spec):
        return tuple(sorted([*names, HOST]))
    wifi = settings.of_board(spec).wifi
    ssid = (radio.ssid if radio else None) or (wifi.ssid if wifi else None)
    if ssid and not names:
        names.append(f"network {ssid}")
    if radio and radio.channel:
        names.append(f"channel {radio.channel}")
    return tuple(sorted(names)) or (HOST,)


@dataclass(frozen=True)
class _Oldest:
    """The oldest ticket of a queue, kept open: to try its lock is a hundredth of the work of reading the folder."""

    number: int
    path: Path
    file: IO[str]
    holder: Holder


class Ticket:
    """A place in the queue for one air, kept until ``release()`` or until this process ends."""

    def __init__(self, name: str, board: str) -> None:
        """Draw a ticket. Raises BlockedError where this host's folder of tickets cannot be used."""
        self._folder = _folder_of(name)
        self._oldest: _Oldest | None = None
        try:
            with _door(self._folder) as door:
                _enter(door, self._folder)
                self.number = 1 + max((number for number, _ in _tickets(self._folder)), default=0)
                self._path = self._folder / f"{self.number:012}{_TICKET}"
                self._file = _create(self._path, "x+")
                try_lock(self._file)
                self._file.seek(0)
                json.dump(asdict(Holder(os.getpid(), now(), command_line(), board)), self._file)
                self._file.flush()
        except OSError as error:
            raise _unusable(self._folder, error) from None

    def ahead(self) -> tuple[Holder, int] | None:
        """Who has the air, and the number of its ticket; None if this ticket's owner has it."""
        if self._oldest is not None:
            if not try_lock(self._oldest.file):
                return self._oldest.holder, self._oldest.number
            self._leave_oldest()
        try:
            older = sorted(entry for entry in _tickets(self._folder) if entry[0] < self.number)
        except OSError as error:
            raise _unusable(self._folder, error) from None
        for number, path in older:
            try:
                file = _open(path)
            except FileNotFoundError:
                continue  # released meanwhile
            except OSError:
                return STRANGER, number
            self._oldest = _Oldest(number, path, file, _holder(file))
            if not try_lock(file):
                return self._oldest.holder, number
            self._leave_oldest()
        return None

    def _leave_oldest(self) -> None:
        """Remove the ticket that was the oldest, and is void."""
        assert self._oldest is not None
        self._oldest.file.close()  # first: elsewhere a file that is open cannot be removed
        with contextlib.suppress(OSError):  # another user's, or gone
            self._oldest.path.unlink()
        self._oldest = None

    def release(self) -> None:
        """Leave the queue. May be called twice."""
        if self._oldest is not None:
            self._oldest.file.close()
            self._oldest = None
        if self._file.closed:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._file.close()  # which releases the lock
        with contextlib.suppress(OSError):  # elsewhere a file that is open cannot be removed
            self._path.unlink(missing_ok=True)


class Claim:
    """Several airs, which are taken one after the other, in the same order by everybody: no two claims can block
    each other.
    """

    def __init__(self, names: Sequence[str], board: str) -> None:
        self.board = board
        self._names = sorted(set(names))
        self._tickets: list[Ticket] = []

    @property
    def number(self) -> int:
        """The ticket for the air that was asked for last; 0 before the first."""
        return self._tickets[-1].number if self._tickets else 0

    def advance(self) -> tuple[str, Holder, int] | None:
        """Take what is free by now. None once all is held, else which air is not, who has it, and by which ticket."""
        while True:
            if self._tickets and (ahead := self._tickets[-1].ahead()) is not None:
                return (self._names[len(self._tickets) - 1], *ahead)
            if len(self._tickets) == len(self._names):
                return None
            self._tickets.append(Ticket(self._names[len(self._tickets)], self.board))

    def release(self) -> None:
        """Give everything back, also what is still waited for."""
        while self._tickets:
            self._tickets.pop().release()

    def __enter__(self) -> Claim:
        return self

    def __exit__(self, *details: object) -> None:
        self.release()


def take(
    claim: Claim,
    notify: Callable[[str], None] = lambda line: None,
    patience: float = PATIENCE,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Claim:
    """Wait until all of ``claim`` is held, and return it; what keeps it waiting is named by ``notify``.

    Raises BlockedError if one owner keeps it longer than ``patience``. Then, and if it is interrupted, the claim is
    released.
    """
    owner: tuple[str, int] | None = None
    notice = Deadline.after(NOTICE, clock)
    until = Deadline.after(patience, clock)
    try:
        while (waits := claim.advance()) is not None:
            name, holder, number = waits
            if (name, number) != owner:
                owner, until = (name, number), Deadline.after(patience, clock)
            if until.passed:
                raise BlockedError(
                    f"the air of {name} is held by {holder} for {holder.board}, and was for {patience:g} s",
                    board=claim.board,
                    hint="end that run",
                )
            if notice.passed:
                notify(f"{claim.board} waits for the air of {name}, which {holder} has for {holder.board}")
                notice = Deadline.after(NOTICE_AGAIN, clock)
            sleep(pause(claim.number - number))
    except BaseException:
        claim.release()
        raise
    return claim


def pause(ahead: int) -> float:
    """Seconds to the next look of an owner with this number of tickets ``ahead``, all of which end before it."""
    return POLL * min(max(1, ahead), FARTHEST)


def air_folder() -> Path:
    """The folder with a folder of tickets for each air, which all users of this host share."""
    return Path(os.environ.get(VARIABLE) or Path(tempfile.gettempdir()) / "camrig-air")


def _folder_of(name: str) -> Path:
    path = air_folder() / quote(name, safe=" ")[:200]
    try:
        for folder in (path.parent, path):
            with contextlib.suppress(FileExistsError):
                folder.mkdir(parents=True)
                folder.chmod(0o1777)  # anybody may add a ticket, and remove only their own
        if not stat.S_ISDIR(path.lstat().st_mode):
            raise NotADirectoryError(0, "not a folder")
    except OSError as error:
        raise _unusable(path, error) from None
    return path


def _unusable(path: Path, error: OSError) -> BlockedError:
    return BlockedError(
        f"the folder of those who wait for the air, {path}, cannot be used ({error.strerror})",
        hint=f"remove it, or name another one in {VARIABLE}, the same for all runs",
    )


@contextlib.contextmanager
def _door(folder: Path) -> Iterator[IO[str]]:
    """The file that whoever draws a ticket keeps locked."""
    path = folder / _DOOR
    try:
        door = _open(path)
    except FileNotFoundError:
        try:
            door = _create(path, "x+", 0o666)
        except FileExistsError:  # of another run, just now
            door = _open(path)
    with door:
        yield door


def _enter(door: IO[str], folder: Path) -> None:
    until = Deadline.after(SECONDS_AT_THE_DOOR)
    while not try_lock(door):
        if until.passed:
            raise BlockedError(
                f"another run has drawn a ticket in {folder} for {SECONDS_AT_THE_DOOR:g} s without an end",
                hint="end the run that was stopped there",
            )
        time.sleep(POLL / 10)


def _tickets(folder: Path) -> Iterator[tuple[int, Path]]:
    """The tickets in ``folder``, void ones too."""
    with os.scandir(folder) as entries:
        for entry in entries:
            number, dot, _ = entry.name.partition(_TICKET)
            if dot and number.isascii() and number.isdigit():
                yield int(number), Path(entry.path)


def _holder(file: IO[str]) -> Holder:
    """Whom a ticket names: another user may have written it."""
    try:
        file.seek(0)
        fields = json.loads(file.read(MOST_BYTES))
        pid, texts = int(fields["pid"]), [one_line(str(fields[key])) for key in ("since", "command", "board")]
        return Holder(pid, *texts)
    except (OSError, ValueError, LookupError, TypeError):
        return STRANGER


def _create(path: Path, mode: str, permissions: int = 0o644) -> IO[str]:
    file = path.open(mode, encoding="utf-8")
    if hasattr(os, "fchmod"):
        os.fchmod(file.fileno(), permissions)  # whatever the user's mask: others have to see the lock
    return file


def _open(path: Path) -> IO[str]:
    """A file that exists, maybe another user's. Not one behind a link."""
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        return os.fdopen(os.open(path, os.O_RDWR | flags), "r+", encoding="utf-8", errors="replace")
    except PermissionError:
        return os.fdopen(os.open(path, os.O_RDONLY | flags), "r", encoding="utf-8", errors="replace")
