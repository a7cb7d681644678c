"""What a deploy has to change, worked out from what should be on a board and what the board says is there. Pure."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from camrig.deploy.board_scripts import BOOT, DIGEST, GUARD, HOME, RECORD, commit_script
from camrig.deploy.manifest import File, hiding
from camrig.errors import DeployError, FlashFullError

START = "/boot.py"  # on the board always the rig's own; the application's boot code lies at BOOT
LASTING = ("/", "/lib", HOME)  # folders that stay, also when nothing is left in them
SPARE_BLOCKS = 2  # a filesystem that copies on write needs room to change what is there
BLOCKS_PER_FOLDER = 2  # littlefs keeps each folder twice


@dataclass(frozen=True)
class Question:
    """What to ask of a board: digests of ``paths``, whether ``folders`` and ``others`` exist, and the record.

    ``salt`` goes ahead of each file into its digest: answers stay in the console, from which nobody may guess what
    is in a file that holds a password.
    """

    paths: tuple[str, ...]
    folders: tuple[str, ...]
    others: tuple[str, ...]
    record: bytes
    salt: bytes


@dataclass(frozen=True)
class Plan:
    """What will be sent and kept, under the paths of the manifest, and removed, under those on the board.

    ``staged`` is all that crosses the wire, under its path on the board: the files to send, the rig's own, and
    last the script that puts them in place, which has no path. ``suspects`` are folders that would hide a
    module unless the removals empty them.
    """

    send: tuple[File, ...]
    keep: tuple[File, ...]
    remove: tuple[str, ...]
    staged: tuple[File, ...]
    suspects: tuple[str, ...]
    free: int
    needed: int

    @property
    def bytes(self) -> int:
        """What the files to send hold."""
        return sum(len(file.data) for file in self.send)


def question(wanted: Sequence[File], unwanted: Sequence[str], salt: bytes) -> Question:
    """What has to be known before ``wanted`` is deployed and ``unwanted`` paths are removed."""
    own = _placed(wanted)
    return Question(
        paths=(*(file.target for file in own), START, RECORD),
        folders=(HOME, *_folders(own)),
        others=(*hiding([START, *(file.target for file in wanted)]), *unwanted),
        record=digest(_record(own), salt),
        salt=salt,
    )


def plan(wanted: Sequence[File], unwanted: Sequence[str], answer: Mapping[str, Any], port: str, salt: bytes) -> Plan:
    """What makes the board, which gave ``answer``, equal to ``wanted``. ``port`` is for the advice in errors.

    ``salt`` is that of the question.

    Raises DeployError when something that the rig does not manage is in the way.
    """
    own = _placed(wanted)
    managed = {file.target for file in own}
    digests = base64.b64decode(answer["have"])
    have = [digests[at : at + DIGEST] for at in range(0, len(digests), DIGEST)]
    guarded = have[len(own)] == digest(File(START, GUARD.encode()), salt)
    for path in answer["odd"]:
        raise DeployError(
            f"{path} on the board is a {'folder, not a file' if path in managed else 'file, not a folder'}",
            hint=f"remove it (mpremote connect {port} fs rm -r :{path}) and run again",
        )
    # The boot code goes along with the guard: putting that in place moves a foreign /boot.py to where it belongs.
    changed = [
        file
        for file, found in zip(own, have, strict=False)
        if found != digest(file, salt) or (file.target == BOOT and not guarded)
    ]
    before = managed if answer["record"] is None else _paths(answer["record"])
    remove = sorted((before - managed) | (set(unwanted) & set(answer["others"])))
    emptied = _emptied(remove, own)
    hidden = [path for path in answer["others"] if path not in remove]
    for path in hidden:
        if path not in emptied:
            raise hides(path, port)
    staged = list(changed)
    if answer["record"] is not None:
        staged.append(_record(own))
    if not guarded:
        staged.append(File(START, GUARD.encode()))
    if staged or remove:
        targets = [file.target for file in staged]
        staged.append(File("", commit_script(targets, _folders(own), remove, emptied)))
    return Plan(
        send=tuple(_as_named(changed)),
        keep=tuple(_as_named(file for file in own if file not in changed)),
        remove=tuple(remove),
        staged=tuple(staged),
        suspects=tuple(hidden),
        free=answer["free"],
        needed=_needed(staged, len(answer["missing"]), answer["block"]) * (2 if answer["fat"] else 1),
    )


def describe(todo: Plan, sizes: Mapping[str, int | None]) -> str:
    """The plan as lines for a person; ``sizes`` are those of the files to remove."""
    rows = [("send", file.target, len(file.data)) for file in todo.send]
    rows += [("remove", path, size) for path, size in sizes.items() if size is not None]
    rows += [("keep", file.target, len(file.data)) for file in todo.keep]
    width = max(len(path) for _, path, _ in rows)
    lines = [f"{verb:<8}{path:<{width}}  {size:>7}" for verb, path, size in rows]
    if todo.needed > todo.free:
        lines.append(str(full(todo.needed, todo.free)))
    lines.append(
        f"{len(todo.send)} to send ({todo.bytes} bytes), {len(rows) - len(todo.send) - len(todo.keep)} to remove, "
        f"{len(todo.keep)} to keep; {todo.free} bytes are free. Nothing was changed."
    )
    return "\n".join(lines)


def digest(file: File, salt: bytes = b"") -> bytes:
    """What the board reads back of a file, see DIGEST."""
    return hashlib.sha256(salt + file.data).digest()[:DIGEST]


def full(needed: int, free: object) -> FlashFullError:
    """``needed`` and ``free`` are bytes."""
    return FlashFullError(
        f"its flash is full: the deploy needs {needed} bytes beside what is there, {free} are free",
        hint="remove files that the application does not need (mpremote fs ls, fs rm) and run again",
    )


def hides(path: str, port: str) -> DeployError:
    """``path`` is imported before what is deployed."""
    return DeployError(
        f"{path} on the board would be imported instead of what is deployed",
        hint=f"remove it (mpremote connect {port} fs rm -r :{path}) and run again",
    )


def _placed(files: Iterable[File]) -> list[File]:
    """``files`` under their paths on the board."""
    return [File(BOOT, file.data) if file.target == START else file for file in files]


def _as_named(files: Iterable[File]) -> list[File]:
    """Files under their paths in the manifest."""
    return [File(START, file.data) if file.target == BOOT else file for file in files]


def _record(own: Iterable[File]) -> File:
    return File(RECORD, "\n".join(sorted(file.target for file in own)).encode())


def _paths(record: str) -> set[str]:
    """The paths in a record. What cannot be one of ours is passed over: nobody's file is removed by accident."""
    return {path for path in record.split("\n") if path.startswith("/") and path != START}


def _ancestors(path: str) -> list[str]:
    return [str(parent) for parent in PurePosixPath(path).parents]


def _folders(own: Iterable[File]) -> list[str]:
    """Folders that the files lie in, parents first."""
    return sorted({parent for file in own for parent in _ancestors(file.target)} - {"/", HOME})


def _emptied(removed: Iterable[str], own: Iterable[File]) -> list[str]:
    """Folders that may have nothing left in them, children first. An empty one would still hide a module."""
    stay = {*LASTING, *_folders(own)}
    return sorted({parent for path in removed for parent in _ancestors(path)} - stay, reverse=True)


def _needed(staged: Sequence[File], new_folders: int, block: int) -> int:
    """Bytes of flash, in whole blocks, that have to be free before the first of them is written."""
    if not staged:
        return 0
    blocks = sum(-(-len(file.data) // block) for file in staged)
    return (blocks + BLOCKS_PER_FOLDER * new_folders + SPARE_BLOCKS) * block
