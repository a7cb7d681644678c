"""What a deploy has to change, from the files that should be on a board and the state that it reports. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from camrig.deploy.board_scripts import (
    APP_BOOT,
    BOOT_GUARD,
    DIGEST_SIZE,
    RECORD,
    RIG_FOLDER,
    STATE_DIGEST_SIZE,
    commit_script,
)
from camrig.deploy.manifest import File, hiding_paths
from camrig.errors import DeployError, FlashFullError

BOOT_FILE = "/boot.py"  # on the board always the rig's own; the application's boot code is at APP_BOOT
PERMANENT_FOLDERS = ("/", "/lib", RIG_FOLDER)  # these stay, also when they are empty
SPARE_BLOCKS = 2  # a filesystem that copies on write needs room to change what is there
BLOCKS_PER_FOLDER = 2  # littlefs keeps each folder twice


@dataclass(frozen=True)
class StateQuery:
    """What to ask of a board: digests of ``paths``, whether ``folders`` and ``hiding`` paths exist, and the record.

    ``same`` is the digest of all these digests if nothing has to change; the board then answers with none of them.
    ``salt`` is hashed before each file: the console keeps the digests, and without it anybody who reads them could
    check a guess at a file that holds a password.
    """

    paths: tuple[str, ...]
    folders: tuple[str, ...]
    hiding: tuple[str, ...]
    same: bytes
    record: bytes
    salt: bytes


@dataclass(frozen=True)
class DeployPlan:
    """What will be sent and kept, under the paths of the manifest, and removed, under the paths on the board.

    ``staged`` is all that crosses the line, under its path on the board: the files to send, the rig's own, and
    last the commit script, which has no path. ``suspects`` are folders that would hide a module unless the
    removals empty them. ``free`` and ``needed`` are bytes of flash, and so
    is ``block``, its unit.
    """

    send: tuple[File, ...]
    keep: tuple[File, ...]
    remove: tuple[str, ...]
    staged: tuple[File, ...]
    suspects: tuple[str, ...]
    free: int
    needed: int
    block: int

    @property
    def bytes(self) -> int:
        """The size of the files to send."""
        return sum(len(file.data) for file in self.send)


def state_query(files: Sequence[File], obsolete: Sequence[str], salt: bytes) -> StateQuery:
    """What has to be known before ``files`` are deployed and ``obsolete`` paths are removed."""
    placed = _placed(files)
    expected = _expected(placed, salt)
    return StateQuery(
        paths=(*(file.target for file in placed), BOOT_FILE, RECORD),
        folders=(RIG_FOLDER, *_folders(placed)),
        hiding=(*hiding_paths([BOOT_FILE, *(file.target for file in files)]), *obsolete),
        same=hashlib.sha256(b"".join(expected)).digest()[:STATE_DIGEST_SIZE],
        record=expected[-1],
        salt=salt,
    )


def make_plan(
    files: Sequence[File], obsolete: Sequence[str], state: Mapping[str, Any], port: str, salt: bytes
) -> DeployPlan:
    """What makes the board, which reported ``state``, equal to ``files``. ``salt`` is that of the query.

    ``port`` is for the advice in errors. Raises DeployError when a file that the rig does not manage is in the way.
    """
    _check_filesystem(state["free"], state["size"], state["block"])
    placed = _placed(files)
    managed = {file.target for file in placed}
    expected = _expected(placed, salt)
    joined = base64.b64decode(state["digests"]) or b"".join(expected)
    digests = [joined[at : at + STATE_DIGEST_SIZE] for at in range(0, len(joined), STATE_DIGEST_SIZE)]
    guarded = digests[len(placed)] == expected[len(placed)]
    for path in state["wrong_kind"]:
        raise DeployError(
            f"{path} on the board is a {'folder, not a file' if path in managed else 'file, not a folder'}",
            hint=f"remove it (mpremote connect {port} fs rm -r :{path}) and run again",
        )
    # The boot code is sent together with the guard: installing that moves a foreign /boot.py to APP_BOOT.
    changed = [
        file
        for file, present, target in zip(placed, digests, expected, strict=False)
        if present != target or (file.target == APP_BOOT and not guarded)
    ]
    recorded = managed if state["record"] is None else _recorded_paths(state["record"])
    remove = sorted((recorded - managed) | (set(obsolete) & set(state["hiding"])))
    emptied = _emptied(remove, placed)
    suspects = [path for path in state["hiding"] if path not in remove]
    if hiding := [path for path in suspects if path not in emptied]:
        raise hiding_error(hiding, port)
    staged = list(changed)
    if state["record"] is not None:
        staged.append(_record(placed))
    if not guarded:
        staged.append(File(BOOT_FILE, BOOT_GUARD.encode()))
    if staged or remove:
        targets = [file.target for file in staged]
        staged.append(File("", commit_script(targets, _folders(placed), remove, emptied)))
    return DeployPlan(
        send=tuple(_as_in_manifest(changed)),
        keep=tuple(_as_in_manifest(file for file in placed if file not in changed)),
        remove=tuple(remove),
        staged=tuple(staged),
        suspects=tuple(suspects),
        free=state["free"],
        needed=_needed(staged, len(state["missing"]), state["block"]) * (2 if state["fat"] else 1),
        block=state["block"],
    )


def describe(plan: DeployPlan, sizes: Mapping[str, int | None]) -> str:
    """The plan as lines for the terminal; ``sizes`` are those of the files to remove."""
    rows = [("send", file.target, len(file.data)) for file in plan.send]
    rows += [("remove", path, size) for path, size in sizes.items() if size is not None]
    rows += [("keep", file.target, len(file.data)) for file in plan.keep]
    width = max(len(path) for _, path, _ in rows)
    lines = [f"{verb:<8}{path:<{width}}  {size:>7}" for verb, path, size in rows]
    if plan.needed > plan.free:
        lines.append(str(flash_full_error(plan.needed, plan.free)))
    lines.append(
        f"{len(plan.send)} to send ({plan.bytes} bytes), {len(rows) - len(plan.send) - len(plan.keep)} to remove, "
        f"{len(plan.keep)} to keep; {plan.free} bytes are free. Nothing was changed."
    )
    return "\n".join(lines)


def digest(file: File) -> bytes:
    """The digest by which the board checks a file that it got, see DIGEST_SIZE."""
    return hashlib.sha256(file.data).digest()[:DIGEST_SIZE]


def state_digest(file: File, salt: bytes) -> bytes:
    """The digest that the board reports for a file, see STATE_DIGEST_SIZE."""
    return hashlib.sha256(salt + file.data).digest()[:STATE_DIGEST_SIZE]


def _expected(placed: Iterable[File], salt: bytes) -> list[bytes]:
    """The digests of all paths that are asked for, if nothing has to change."""
    guard = File(BOOT_FILE, BOOT_GUARD.encode())
    return [state_digest(file, salt) for file in (*placed, guard, _record(placed))]


def flash_full_error(needed: int, free: int | None) -> FlashFullError:
    """``needed`` and ``free`` are bytes; None: how many are free is not known."""
    room = "an unknown number" if free is None else free
    return FlashFullError(
        f"its flash is full: the deploy needs {needed} bytes in addition to the files on it, {room} are free",
        hint="remove files that the application does not need (mpremote fs ls, fs rm) and run again",
    )


def hiding_error(paths: Sequence[str], port: str) -> DeployError:
    """``paths`` hide deployed modules."""
    *others, last = paths
    names = f"{', '.join(others)} and {last}" if others else last
    modules, pronoun = ("deployed modules", "them") if others else ("the deployed module", "it")
    arguments = " ".join(f":{path}" for path in paths)
    return DeployError(
        f"{names} on the board would be imported instead of {modules}",
        hint=f"remove {pronoun} (mpremote connect {port} fs rm -r {arguments}) and run again",
    )


def filesystem_error(sentence: str) -> DeployError:
    """The filesystem of the board cannot be used; ``sentence`` says why."""
    return DeployError(
        sentence,
        hint="save what you need of it, format it (on an ESP32: mpremote exec "
        '"import os, flashbdev; os.VfsLfs2.mkfs(flashbdev.bdev)"), reset the board and run again',
    )


def _check_filesystem(free: int, size: int, block: int) -> None:
    """Raise DeployError for what os.statvfs reports of a filesystem that is damaged or not there."""
    if block <= 0 or size <= 0:
        raise filesystem_error("it has no filesystem: nothing is mounted at /")
    if not 0 <= free <= size:
        raise filesystem_error(f"its filesystem is damaged: it reports {free} free bytes of {size}")


def _placed(files: Iterable[File]) -> list[File]:
    """``files`` under their paths on the board."""
    return [File(APP_BOOT, file.data) if file.target == BOOT_FILE else file for file in files]


def _as_in_manifest(files: Iterable[File]) -> list[File]:
    """``files`` under their paths in the manifest."""
    return [File(BOOT_FILE, file.data) if file.target == APP_BOOT else file for file in files]


def _record(placed: Iterable[File]) -> File:
    return File(RECORD, "\n".join(sorted(file.target for file in placed)).encode())


def _recorded_paths(record: str) -> set[str]:
    """The paths in a record that the rig may have written: a damaged record must not remove other files."""
    return {path for path in record.split("\n") if path.startswith("/") and path != BOOT_FILE}


def _ancestors(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents]


def _folders(placed: Iterable[File]) -> list[str]:
    """The folders of the files, parents first."""
    return sorted({parent for file in placed for parent in _ancestors(file.target)} - {"/", RIG_FOLDER})


def _emptied(removed: Iterable[str], placed: Iterable[File]) -> list[str]:
    """Folders that may be empty after the removals, children first. An empty one would still hide a module."""
    stay = {*PERMANENT_FOLDERS, *_folders(placed)}
    return sorted({parent for path in removed for parent in _ancestors(path)} - stay, reverse=True)


def _needed(staged: Sequence[File], new_folders: int, block: int) -> int:
    """Bytes of flash, in whole blocks, that have to be free before the first file is staged."""
    if not staged:
        return 0
    blocks = sum(-(-len(file.data) // block) for file in staged)
    return (blocks + BLOCKS_PER_FOLDER * new_folders + SPARE_BLOCKS) * block
