"""What was built from a source before, kept for this user: a deploy of what did not change starts no compiler.

An entry is named after everything that its bytes depend on, and ends with a hash of name and bytes. One that is torn
or damaged is built again; a folder that cannot be used costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

FOLDER = "camrig/built"
MOST = 600  # entries; half of them, the oldest, go when there are more
_HASH = hashlib.sha256().digest_size


def key_of(program: str, *parts: bytes) -> str:
    """The name of what ``program`` makes of ``parts``. Raises OSError if the program is not there."""
    status = os.stat(program)
    digest = hashlib.sha256()
    for part in (f"{program} {status.st_size} {status.st_mtime_ns}".encode(), *parts):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def stored(key: str) -> bytes | None:
    """What was kept as ``key``; None if nothing was, or not whole."""
    try:
        entry = (_folder() / key).read_bytes()
    except (OSError, RuntimeError):  # RuntimeError: this user has no home
        return None
    data = entry[:-_HASH]
    return data if entry[-_HASH:] == _hash(key, data) else None


def keep(key: str, data: bytes) -> None:
    """Keep ``data`` as ``key``, if this computer lets us."""
    with suppress(OSError, RuntimeError):
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries = list(os.scandir(folder))
        if len(entries) >= MOST:
            for entry in sorted(entries, key=lambda entry: entry.stat().st_mtime)[: MOST // 2]:
                with suppress(OSError):
                    os.unlink(entry.path)
        handle = os.open(folder / key, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o600)
        with open(handle, "wb") as file:
            file.write(data + _hash(key, data))


def _hash(key: str, data: bytes) -> bytes:
    return hashlib.sha256(key.encode() + data).digest()


def _folder() -> Path:
    usual = {"win32": "AppData/Local", "darwin": "Library/Caches"}.get(sys.platform, ".cache")
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    base = Path(named) if os.path.isabs(named) else Path.home() / usual
    return base / FOLDER
