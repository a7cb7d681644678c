"""Makes a board's files equal to a manifest: asks what is there, sends what differs, puts all in place or nothing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from camrig.board.session import Session
from camrig.deploy.board_scripts import GIVE_UP, LOOK, WRITE, command, literal, piece_size, pieces, stream
from camrig.deploy.manifest import File
from camrig.deploy.plan import START, Plan, digest, full, hides, plan, question
from camrig.errors import BoardRaisedError, CamrigError, DeployError

SECONDS_PER_COMMAND = 30.0
SMALL_HEAP = 1 << 19  # bytes; a larger one has room enough, and takes long to collect
ATTEMPTS = 2  # a byte that was damaged on the wire costs a second go, not the run

_ERRNO = re.compile(r"OSError: (?:\[Errno )?(\d+)")
_NO_SPACE, _READ_ONLY = "28", "30"
# What the board means. Anything else may come of a damaged command: names it does not know, data it cannot inflate.
_CERTAIN = re.compile(r"MemoryError|OSError: (?:\[Errno )?(?!22\b)\d+")
T = TypeVar("T")


class _DamagedTransferError(DeployError):
    """What arrived on the board is not what was sent."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"what arrives on the board is damaged: {how}",
            hint="run again; if it stays so, lower --hil-baud, and check the cable",
        )


@dataclass(frozen=True)
class Link:
    """What the transfer has to suit: baud of the line, free heap of the board in bytes, and if it can inflate."""

    baud: int
    heap: int
    inflates: bool


@dataclass(frozen=True)
class Synced:
    """What a deploy did. ``sent`` and ``removed`` name files, ``bytes`` is the size of those sent."""

    sent: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int
    bytes: int

    def __str__(self) -> str:
        removed = f"{len(self.removed)} removed, " if self.removed else ""
        return f"{len(self.sent)} files sent, {self.bytes} bytes; {removed}{self.kept} were there"


def look(session: Session, wanted: Sequence[File], unwanted: Sequence[str], link: Link, dry: bool = False) -> Plan:
    """What a deploy would do, by one command. The board must be in the raw REPL.

    Unless ``dry``, a deploy that was cut short is finished, or its leftovers are cleared. Raises DeployError when
    something on the board is in the way.
    """
    ask = question(wanted, unwanted, os.urandom(16))
    code = f"look({ask.paths!r}, {ask.folders!r}, {ask.others!r}, {ask.record!r}, {dry!r}, {ask.salt!r})\n"
    text = command(LOOK + code, link.inflates)
    answer = _twice(session, lambda: session.ask(text, SECONDS_PER_COMMAND))
    try:
        return plan(wanted, unwanted, answer, session.transport.device_name, ask.salt)
    except CamrigError as error:
        raise error.on(session.name) from None


def sizes(session: Session, paths: Sequence[str]) -> dict[str, int | None]:
    """Bytes of each file on the board, None for one that is not there. Only after ``look``."""
    code = f"print(json.dumps([os.stat(p)[6] if kind(p) == 1 else None for p in {list(paths)!r}]))"
    return dict(zip(paths, session.ask(code), strict=True))


def send(
    session: Session,
    todo: Plan,
    link: Link,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Synced:
    """Carry out a plan that ``look`` made on this session. ``progress`` gets bytes done and bytes to do.

    When this returns, the new application is in place, read back. When it raises, or power fails at any moment, the
    board has the old or the new one, whole. Raises FlashFullError, DeployError, or what the session raises.
    """
    done = Synced(tuple(file.target for file in todo.send), todo.remove, len(todo.keep), todo.bytes)
    if not todo.staged:
        return done
    if todo.needed > todo.free:
        raise full(todo.needed, todo.free).on(session.name)
    _twice(session, lambda: _transfer(session, todo, link, progress), todo.needed)
    return done


def _twice(session: Session, work: Callable[[], T], needed: int = 0) -> T:
    """What ``work`` returns, at the second go if a byte that was damaged on the wire may have spoiled the first."""
    for _ in range(ATTEMPTS):
        try:
            return work()
        except (BoardRaisedError, _DamagedTransferError) as error:
            free = _give_up(session) if needed else None
            failure = error if isinstance(error, _DamagedTransferError) else _refused(error, needed, free)
            if not isinstance(error, _DamagedTransferError) and _CERTAIN.match(_last(error)):
                break
    raise failure.on(session.name) from None


def _transfer(session: Session, todo: Plan, link: Link, progress: Callable[[int, int], None]) -> None:
    """Every command of a transfer: the first also defines what the others use, the last puts all in place."""
    data = b"".join(file.data for file in todo.staged)
    parts = list(pieces(data, piece_size(link.baud, link.heap)))
    text = command(WRITE + f"begin({[len(file.data) for file in todo.staged]!r})\n", link.inflates)
    done = 0
    progress(done, len(data))
    for part in parts[:-1]:
        _run(session, text + _put(part, link))
        text, done = b"", done + len(part)
        progress(done, len(data))
    found = _run(session, text + _put(parts[-1], link) + _finish(todo))
    if "left" not in found:
        names = [todo.staged[number].target or "the last script" for number in found["damaged"]]
        raise _DamagedTransferError(f"{', '.join(names)} read back with another hash")
    for number in found["damaged"]:
        raise DeployError(
            f"{todo.staged[number].target} changed on the board after it had been read back",
            board=session.name,
            hint="the flash is worn, or something else writes to it: erase it, and flash MicroPython again",
        )
    for path in found["left"]:
        if path in todo.suspects:
            raise hides(path, session.transport.device_name).on(session.name)
        raise DeployError(f"{path} could not be removed", board=session.name, hint="remove it by hand")
    progress(len(data), len(data))


def _put(part: bytes, link: Link) -> bytes:
    collect = b"gc.collect()\n" if link.heap < SMALL_HEAP else b""
    return collect + b"put(" + stream(part, link.inflates) + b")\n"


def _finish(todo: Plan) -> bytes:
    targets = [file.target for file in todo.staged[:-1]]
    guard = targets.index(START) if START in targets else None
    gone = [*todo.remove, *todo.suspects]
    digests = literal(b"".join(digest(file) for file in todo.staged))
    return b"finish(" + digests + f", {guard}, {targets!r}, {gone!r})\n".encode()


def _run(session: Session, command: bytes) -> dict[str, Any]:
    """What the last of a transfer's commands found, nothing for the others."""
    said = session.exec(command, SECONDS_PER_COMMAND).strip().splitlines()
    try:
        return json.loads(said[-1]) if said else {}
    except ValueError:
        raise _DamagedTransferError(f"the board answers {said[-1]!r}") from None


def _give_up(session: Session) -> int | None:
    """Clear what was not put in place, as far as the board lets us; bytes that are free then, None if unknown."""
    try:
        return int(session.ask(GIVE_UP, SECONDS_PER_COMMAND))
    except CamrigError:  # the first cause is worth more than this one
        return None


def _last(error: BoardRaisedError) -> str:
    return error.details.splitlines()[-1]


def _refused(error: BoardRaisedError, needed: int, free: int | None) -> DeployError:
    """What an exception on the board means for a deploy."""
    last = _last(error)
    found = _ERRNO.match(last)
    number = found[1] if found else ""
    if number == _NO_SPACE:
        return full(needed, "an unknown number" if free is None else free)
    if number == _READ_ONLY:
        return DeployError("its filesystem is read-only", hint="check how boot.py mounts it")
    if last.startswith("MemoryError"):
        return DeployError(
            f"its memory is too small for the deploy: {last}", hint="use a firmware that leaves a larger heap"
        )
    return DeployError(
        f"writing failed on the board: {last}", hint="reset the board and run again", details=error.details
    )
