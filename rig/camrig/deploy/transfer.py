"""Makes a board's files equal to a manifest: reads their state, sends what differs, and commits all or nothing."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from camrig.board.session import Session
from camrig.deploy.board_scripts import (
    CLEANUP_SCRIPT,
    GUARD_SCRIPT,
    STATE,
    STATE_SCRIPT,
    WRITE_SCRIPT,
    command,
    literal,
    piece_size,
    pieces,
    stream,
)
from camrig.deploy.manifest import File
from camrig.deploy.plan import (
    BOOT_FILE,
    DeployPlan,
    digest,
    filesystem_error,
    flash_full_error,
    hiding_error,
    make_plan,
    state_query,
)
from camrig.errors import BoardRaisedError, BoardSilentError, CamrigError, DeployError

SECONDS_PER_COMMAND = 30.0  # and what the size of the files takes at the board's pace
BLOCKS_PER_FILE = 2  # of flash that are written to give a file its name
SMALL_HEAP = 1 << 19  # bytes; a larger one has room enough, and takes long to collect
ATTEMPTS = 2  # a byte that is damaged on the line costs a second attempt, not the run

_ERRNO = re.compile(r"OSError: (?:\[Errno )?(\d+)")
_NO_SPACE, _READ_ONLY = "28", "30"
_DAMAGED = ("5", "19", "84")  # EIO, ENODEV, and what littlefs calls LFS_ERR_CORRUPT
# Exceptions of the board itself. Any other may come of a damaged command: unknown names, data that does not inflate.
_CERTAIN = re.compile(r"MemoryError|OSError: (?:\[Errno )?(?!22\b)\d+")
T = TypeVar("T")


class _DamagedTransferError(DeployError):
    """What arrived on the board is not what was sent."""


def _damaged(reason: str) -> _DamagedTransferError:
    return _DamagedTransferError(
        f"what arrives on the board is damaged: {reason}",
        hint="run again; if it happens again, lower --hil-baud, and check the cable",
    )


@dataclass(frozen=True)
class TransferLimits:
    """What a transfer has to suit: the line's baud rate, the board's free heap in bytes, whether it can inflate."""

    baud: int
    heap: int
    inflates: bool


@dataclass(frozen=True)
class TransferResult:
    """What a deploy did. ``sent`` and ``removed`` name files, ``bytes`` is the size of those sent."""

    sent: tuple[str, ...]
    removed: tuple[str, ...]
    kept: int
    bytes: int

    def __str__(self) -> str:
        removed = f"{len(self.removed)} removed, " if self.removed else ""
        sent = f"{len(self.sent)} file{'s' * (len(self.sent) != 1)} sent"
        return f"{sent}, {self.bytes} bytes; {removed}{self.kept} unchanged"


def plan_deploy(
    session: Session, files: Sequence[File], obsolete: Sequence[str], limits: TransferLimits, dry: bool = False
) -> DeployPlan:
    """What a deploy would do, from one command. The board must be in the raw REPL.

    Unless ``dry``, an interrupted deploy is completed, or its staged files are removed. Raises DeployError when
    something on the board is in the way.
    """
    query = state_query(files, obsolete, os.urandom(8))
    arguments = (query.paths, query.folders, query.hiding, query.same, query.record, dry, query.salt)
    text = command(STATE_SCRIPT + f"inspect{arguments!r}\n", limits.inflates)
    size = sum(len(file.data) for file in files)
    limit = session.pace.limit(SECONDS_PER_COMMAND, read=size, written=0 if dry else size)
    start = time.monotonic()
    state = dict(zip(STATE, _with_retry(session, lambda: session.ask(text, limit)), strict=True))
    session.pace.has_read(size, time.monotonic() - start)
    try:
        return make_plan(files, obsolete, state, session.transport.device_name, query.salt)
    except CamrigError as error:
        raise error.on(session.name) from None


def file_sizes(session: Session, paths: Sequence[str]) -> dict[str, int | None]:
    """Bytes of each file on the board, None for one that is not there. Call it after ``plan_deploy``."""
    code = f"print(json.dumps([os.stat(p)[6] if kind(p) == 1 else None for p in {list(paths)!r}]))"
    return dict(zip(paths, session.ask(code), strict=True))


def send(
    session: Session,
    plan: DeployPlan,
    limits: TransferLimits,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> TransferResult:
    """Carry out a plan made on this session. ``progress`` gets bytes done and bytes to do.

    When this returns, the new application is in place and has been read back. When it raises, or power fails at any
    moment, the board has the old or the new one, whole. Raises FlashFullError, DeployError, or errors of the session.
    """
    result = TransferResult(tuple(file.target for file in plan.send), plan.remove, len(plan.keep), plan.bytes)
    if not plan.staged:
        return result
    if plan.needed > plan.free:
        raise flash_full_error(plan.needed, plan.free).on(session.name)
    try:
        _with_retry(session, lambda: _transfer(session, plan, limits, progress), plan.needed)
    except BoardSilentError as error:
        raise DeployError(
            f"the deploy was not finished: {error.what}",
            board=session.name,
            hint="run again: its old or its new files are whole, and if it is still at work the next run waits",
        ) from None
    return result


def _with_retry(session: Session, work: Callable[[], T], needed: int = 0) -> T:
    """What ``work`` returns; it is repeated once if a byte that was damaged on the line may have spoiled it."""
    for _ in range(ATTEMPTS):
        try:
            return work()
        except (BoardRaisedError, _DamagedTransferError) as error:
            free = _clean_up(session) if needed else None
            failure = error if isinstance(error, _DamagedTransferError) else _refused(error, needed, free)
            if not isinstance(error, _DamagedTransferError) and _CERTAIN.match(error.raised):
                break
    raise failure.on(session.name) from None


def _transfer(
    session: Session, plan: DeployPlan, limits: TransferLimits, progress: Callable[[int, int], None]
) -> None:
    """Every command of a transfer: the first also defines what the others use, the last commits."""
    data = b"".join(file.data for file in plan.staged)
    parts = list(pieces(data, piece_size(limits.baud, limits.heap)))
    script = WRITE_SCRIPT + (GUARD_SCRIPT if _guard(plan) is not None else "")
    script += f"begin({[len(file.data) for file in plan.staged]!r})\n"
    text = command(script, limits.inflates, first=False)
    done = 0
    progress(done, len(data))
    for part in parts[:-1]:
        start = time.monotonic()
        _run(session, text + _put(part, limits), session.pace.limit(SECONDS_PER_COMMAND, written=len(part)))
        session.pace.has_written(len(part), time.monotonic() - start)
        text, done = b"", done + len(part)
        progress(done, len(data))
    renamed = BLOCKS_PER_FILE * plan.block * (len(plan.staged) + len(plan.remove))
    last = session.pace.limit(SECONDS_PER_COMMAND, read=2 * len(data), written=len(parts[-1]) + renamed)
    report = _run(session, text + _put(parts[-1], limits) + _commit(plan), last)
    if "remaining" not in report:
        names = [plan.staged[number].target or "the commit script" for number in report["damaged"]]
        raise _damaged(f"{', '.join(names)} read back with another hash")
    for number in report["damaged"]:
        raise DeployError(
            f"{plan.staged[number].target} changed on the board after it had been read back",
            board=session.name,
            hint="the flash is worn, or something else writes to it: erase it, and flash MicroPython again",
        )
    if hiding := [path for path in report["remaining"] if path in plan.suspects]:
        raise hiding_error(hiding, session.transport.device_name).on(session.name)
    for path in report["remaining"]:
        raise DeployError(f"{path} could not be removed", board=session.name, hint="remove it by hand")
    progress(len(data), len(data))


def _put(part: bytes, limits: TransferLimits) -> bytes:
    collect = b"gc.collect()\n" if limits.heap < SMALL_HEAP else b""
    return collect + b"put(" + stream(part, limits.inflates) + b")\n"


def _guard(plan: DeployPlan) -> int | None:
    """The number of the rig's /boot.py among the staged files, None if it is in place."""
    return next((number for number, file in enumerate(plan.staged) if file.target == BOOT_FILE), None)


def _commit(plan: DeployPlan) -> bytes:
    targets = [file.target for file in plan.staged[:-1]]
    guard = _guard(plan)
    removed = [*plan.remove, *plan.suspects]
    digests = literal(b"".join(digest(file) for file in plan.staged))
    return b"commit(" + digests + f", {guard}, {targets!r}, {removed!r})\n".encode()


def _run(session: Session, command: bytes, seconds: float) -> dict[str, Any]:
    """The report of a transfer's last command; empty for the others."""
    lines = session.exec(command, seconds).strip().splitlines()
    try:
        return json.loads(lines[-1]) if lines else {}
    except ValueError:
        raise _damaged(f"the board answers {lines[-1]!r}") from None


def _clean_up(session: Session) -> int | None:
    """Remove the staged files, if the board still responds; bytes that are free then, None if unknown."""
    try:
        return int(session.ask(CLEANUP_SCRIPT, session.pace.limit(SECONDS_PER_COMMAND)))
    except CamrigError:  # the first error matters more than this one
        return None


def _refused(error: BoardRaisedError, needed: int, free: int | None) -> DeployError:
    """What an exception on the board means for a deploy."""
    line = error.raised
    match = _ERRNO.match(line)
    errno = match[1] if match else ""
    if errno == _NO_SPACE:
        return flash_full_error(needed, free)
    if errno == _READ_ONLY:
        return DeployError("its filesystem is read-only", hint="check how boot.py mounts it")
    if errno in _DAMAGED:
        return filesystem_error(f"its filesystem is damaged: {line}")
    if line.startswith("MemoryError"):
        return DeployError(
            f"its memory is too small for the deploy: {line}", hint="use a firmware that leaves a larger heap"
        )
    return DeployError(
        f"writing failed on the board: {line}", hint="reset the board and run again", details=error.details
    )
