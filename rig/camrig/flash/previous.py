"""The image that a board had before it was flashed, kept on this computer so that it can be put back."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from camrig.errors import FlashError, FlashReadError
from camrig.firmware.partitions import size_text
from camrig.firmware.regions import Region
from camrig.flash.boot_loader import BootLoader, Done

FOLDER = "camrig/flashed"
MOST = 48  # files; the oldest go when there are more
SPARE = 8 << 20  # bytes that stay free on the disk
CHUNK = 1 << 16


@dataclass(frozen=True)
class Previous:
    """The old content of every region of an image, each in a file that is named after its offset and its MD5."""

    files: tuple[tuple[int, Path], ...]

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self.files[0][1].parent

    def regions(self) -> tuple[Region, ...]:
        """The contents, checked. Raises FlashError if a file is missing or damaged."""
        return tuple(Region(offset, _read(path)) for offset, path in self.files)


def cache_folder() -> Path:
    """The folder of this user for previous images. Raises RuntimeError if the user has no home."""
    usual = {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    return (Path(named) if os.path.isabs(named) else Path.home() / usual) / FOLDER


def keep(loader: BootLoader, pieces: Sequence[Region], folder: Path, done: Done) -> Previous:
    """Read back what ``pieces`` are about to replace, unless it is kept already. Raises FlashError.

    Nothing has been erased when that fails. ``done`` gets the number of bytes that are kept.
    """
    digests = [loader.digest(piece.offset, len(piece.data)) for piece in pieces]
    files = [
        (piece.offset, folder / f"0x{piece.offset:06x}-{digest}.bin")
        for piece, digest in zip(pieces, digests, strict=True)
    ]
    missing = [(piece, path) for piece, (_, path) in zip(pieces, files, strict=True) if not _is_kept(path)]
    try:
        _make_room(folder, sum(len(piece.data) for piece, _ in missing), {path for _, path in files})
        position = 0
        for piece, path in missing:
            data = read_checked(loader, piece.offset, len(piece.data), partial(_add, done, position))
            _write(path, data)
            position += len(data)
    except (OSError, RuntimeError) as error:
        raise FlashError(
            f"the previous firmware cannot be kept on this computer ({error}), so nothing was erased",
            hint=f"make room in {folder}, or let this user write there",
        ) from None
    return Previous(tuple(files))


def _add(done: Done, before: int, count: int) -> None:
    done(before + count)


def read_checked(loader: BootLoader, offset: int, size: int, done: Done = lambda count: None) -> bytes:
    """The content of the flash, compared with the hash that the chip has of it. Raises FlashReadError."""
    digest, data = loader.digest(offset, size), bytearray()
    while len(data) < size:
        data += loader.read(offset + len(data), min(CHUNK, size - len(data)))
        done(len(data))
    if _md5(bytes(data)) == digest:
        return bytes(data)
    raise FlashReadError(
        "the flash cannot be read back reliably, so nothing was erased", hint="check cable and power"
    )


def _make_room(folder: Path, needed: int, in_use: set[Path]) -> None:
    """Create the folder, drop the oldest files, and check that there is room. Raises OSError or FlashError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = sorted(set(folder.glob("*.bin")) - in_use, key=lambda path: path.stat().st_mtime)
    for path in old[: max(0, len(old) + len(in_use) - MOST)]:
        with suppress(OSError):
            path.unlink()
    free = shutil.disk_usage(folder).free
    if needed and free < needed + SPARE:
        raise FlashError(
            f"there is no room to keep the previous firmware ({size_text(needed)} needed, {size_text(free)} free),"
            " so nothing was erased",
            hint=f"make room for {folder}",
        )


def _is_kept(path: Path) -> bool:
    try:
        _read(path)
    except FlashError:
        return False
    return True


def _read(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FlashError(f"the previous firmware cannot be read ({error})", hint="flash the board again") from None
    if _md5(data) != path.stem.rpartition("-")[2]:
        raise FlashError(f"the previous firmware in {path} is damaged", hint="flash the board again")
    return data


def _write(path: Path, data: bytes) -> None:
    partial = path.with_suffix(f".{os.getpid()}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        with open(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()
