"""Makes a board's files equal to a manifest: reads hashes back, sends what differs, replaces it by renaming."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rig.board.session import Session
from rig.deploy.manifest import File, hiding
from rig.errors import BoardRaised, DeployError, FlashFull

CHUNK = 4096  # bytes of a file per command: fits the smallest heap, and few enough round trips
FRESH = ".camrig-new"  # a file that is not in its place yet
_SECONDS_PER_COMMAND = 30.0

# Defines what the commands below use. h() is the sha256 of a file in hex, or None.
_TOOLS = """
import os, hashlib, binascii, json, gc
def h(p):
    b = memoryview(bytearray(512))
    s = hashlib.sha256()
    try:
        f = open(p, 'rb')
    except OSError:
        return None
    try:
        while True:
            n = f.readinto(b)
            if not n:
                break
            s.update(b[:n])
    except OSError:
        return None
    finally:
        f.close()
    return binascii.hexlify(s.digest()).decode()
def there(p):
    try:
        os.stat(p)
        return True
    except OSError:
        return False
def gone(p):
    try:
        os.remove(p)
    except OSError:
        pass
def z(s):
    return binascii.a2b_base64(s)
try:
    import deflate, io
    def z(s):
        return deflate.DeflateIO(io.BytesIO(binascii.a2b_base64(s)), deflate.ZLIB).read()
except ImportError:
    pass
"""

_PUT_IN_PLACE = """
def place(t, want):
    n = t + '{fresh}'
    if h(n) != want:
        return False
    try:
        os.rename(n, t)
    except OSError:
        os.remove(t)
        os.rename(n, t)
    return True
"""


@dataclass(frozen=True)
class Synced:
    """What a deploy did. ``sent`` names the files that were written, ``bytes`` is their size."""

    sent: tuple[str, ...]
    kept: int
    bytes: int


def sync(
    session: Session,
    wanted: Sequence[File],
    unwanted: Sequence[str],
    inflates: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Synced:
    """Write those of ``wanted`` that the board does not have, check them by hash, and remove ``unwanted`` paths.

    ``progress`` gets the bytes done and the bytes to do. The board must be in the raw REPL. No other file is
    touched. Raises FlashFull, DeployError, or what the session raises.
    """
    targets = [file.target for file in wanted]
    session.exec(_TOOLS + _PUT_IN_PLACE.format(fresh=FRESH))
    state = session.ask(
        f"print(json.dumps([[h(p) for p in {targets!r}], [p for p in {hiding(targets)!r} if there(p)]]))",
        _SECONDS_PER_COMMAND,
    )
    have, hidden = state
    if hidden:
        raise DeployError(
            f"{hidden[0]} on the board would be imported instead of what is deployed",
            board=session.name,
            next=f"remove it (mpremote connect {session.wire.device_name} fs rm -r :{hidden[0]}) and run again",
        )
    missing = [file for file, sha in zip(wanted, have, strict=True) if file.sha256 != sha]
    total, done = sum(len(file.data) for file in missing), 0
    try:
        for file in missing:
            _open(session, file.target)
            for start in range(0, len(file.data), CHUNK):
                piece = file.data[start : start + CHUNK]
                session.exec(f"w(z({_packed(piece, inflates)!r}))", _SECONDS_PER_COMMAND)
                done += len(piece)
                progress(done, total)
            session.exec("f.close()")
        for file in missing:
            if not session.ask(f"print(json.dumps(place({file.target!r}, {file.sha256!r})))", _SECONDS_PER_COMMAND):
                raise DeployError(
                    f"{file.target} arrived damaged: its hash on the board is not the one that was sent",
                    board=session.name,
                    next="run again; if it stays so, the line garbles (lower --hil-baud) or the flash is worn",
                )
        if unwanted:
            session.exec(f"for p in {list(unwanted)!r}: gone(p)", _SECONDS_PER_COMMAND)
    except BoardRaised as error:
        raise _refused(session, error, missing, total) from None
    return Synced(tuple(file.target for file in missing), len(wanted) - len(missing), total)


def _open(session: Session, target: str) -> None:
    """Start a fresh file beside ``target``, making its folders. The board keeps it open as ``f``, ``w`` writes."""
    folders = target.split("/")[1:-1]
    makes = [f"d = {'/' + '/'.join(folders[: n + 1])!r}\nif not there(d): os.mkdir(d)\n" for n in range(len(folders))]
    session.exec("".join(makes) + f"f = open({target + FRESH!r}, 'wb')\nw = f.write\ngc.collect()")


def _packed(piece: bytes, inflates: bool) -> bytes:
    if inflates:
        packer = zlib.compressobj(9, zlib.DEFLATED, 10)  # a 1 KB window: what the board has to hold to inflate
        piece = packer.compress(piece) + packer.flush()
    return base64.b64encode(piece)


def _refused(session: Session, error: BoardRaised, missing: Sequence[File], total: int) -> DeployError:
    """What a failed write means; the unfinished files are removed first, as far as the board lets us."""
    full = "ENOSPC" in error.details or "OSError: 28" in error.details
    read_only = "EROFS" in error.details or "OSError: 30" in error.details
    fresh = [file.target + FRESH for file in missing]
    try:
        free = session.ask(
            "try: f.close()\nexcept Exception: pass\n"
            f"for p in {fresh!r}: gone(p)\n"
            "s = os.statvfs('/')\nprint(json.dumps(s[1] * s[3]))"
        )
    except Exception as failure:  # the first cause is worth more than this one
        free = f"unknown ({failure})"
    if full:
        return FlashFull(
            f"its flash is full: the application needs {total} bytes, {json.dumps(free)} are free",
            board=session.name,
            next="remove files that the application does not need (mpremote fs ls, fs rm) and run again",
        )
    if read_only:
        return DeployError("its filesystem is read-only", board=session.name, next="check how boot.py mounts it")
    return DeployError(
        f"writing failed on the board: {error.details.splitlines()[-1]}",
        board=session.name,
        next="reset the board and run again",
        details=error.details,
    )
