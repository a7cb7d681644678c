"""The archive that evidence is kept in: its members, a digest of each, and nothing beside them."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from camrig.errors import BaselineError
from camrig.gate.json_file import parse_json
from camrig.whole_file import read_whole, write_whole

DIGESTS = "digests.json"
HINT = "record the evidence again"
_UNTRUSTED = "do not trust this file"
_MAX_BYTES = 32 << 20  # of the file, and of what is packed in it: what this module writes is far smaller
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes
_AROUND_MEMBER, _AT_END = 30 + 46, 22  # bytes of an archive besides names and packed content
# All that zipfile raises for bytes that are not an archive, or a damaged one. A RuntimeError is about a password.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


def save_members(path: Path, members: Mapping[str, bytes]) -> None:
    """Write ``members`` and their digests to ``path``, in place of an older file. Raises BaselineError."""
    packed = {**members, DIGESTS: _digests(members)}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(packed.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    try:
        write_whole(path, content.getvalue(), private=True)  # the console tells much of a bench
    except OSError as error:
        raise unwritable(path, error) from None


def load_members(path: Path) -> dict[str, bytes]:
    """The members of ``path`` without their digests, which were checked. Raises BaselineError."""
    with opened(path) as archive:
        check_members(path, archive)
        return {name: archive.read(name) for name in archive.namelist() if name != DIGESTS}


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive ``path``, of a size that can be read into memory. Raises BaselineError for damage inside, too."""
    try:
        content = read_whole(path, _MAX_BYTES)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.filename = str(path)  # for messages
            if sum(info.file_size for info in archive.infolist()) > _MAX_BYTES:
                raise BaselineError(f"{path} is not evidence: what is packed in it is too large", hint=HINT)
            if (damaged := archive.testzip()) is not None:
                raise BaselineError(f"the evidence {path} is damaged: {damaged}", hint=HINT)
            if len(set(archive.namelist())) < len(archive.namelist()):
                raise BaselineError(f"the evidence {path} is damaged: two members have one name", hint=HINT)
            if len(content) != _bytes_of(archive):
                raise BaselineError(f"the evidence {path} is damaged: it holds bytes of no member", hint=_UNTRUSTED)
            yield archive
    except FileNotFoundError:
        raise BaselineError(f"there is no evidence {path}") from None
    except _UNREADABLE as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise BaselineError(f"the evidence {path} cannot be read: {why}", hint=HINT) from None


def check_members(path: Path, archive: zipfile.ZipFile) -> None:
    """Raises BaselineError if a member was added, removed or changed since the archive was written."""
    members = {name: archive.read(name) for name in archive.namelist()}
    digests = members.pop(DIGESTS, None)
    if digests is None:
        raise BaselineError(
            f"the evidence {path} holds no digests of its members: they were removed, or an early camrig wrote it",
            hint=_UNTRUSTED,
        )
    try:
        stated = parse_json(digests)
    except ValueError:
        stated = None
    actual = {name: _digest(data) for name, data in members.items()}
    if stated != actual:
        raise BaselineError(
            f"the evidence {path} is damaged: its files are not those that were written{_which(stated, actual)}",
            hint=_UNTRUSTED,
        )


def unwritable(path: Path, error: OSError) -> BaselineError:
    """The error of evidence that cannot be written to ``path``."""
    return BaselineError(f"the evidence {path} cannot be written: {error.strerror}", hint="name another file")


def _which(stated: object, actual: Mapping[str, str]) -> str:
    """The first member that differs, and how, for a message; empty where the digests themselves are damaged."""
    if not isinstance(stated, dict):
        return ""
    for name in sorted({*map(str, stated), *actual}):
        if stated.get(name) != actual.get(name):
            how = "was removed" if name not in actual else "was added" if name not in stated else "was changed"
            return f" ({name} {how})"
    return ""


def _bytes_of(archive: zipfile.ZipFile) -> int:
    """The size of an archive with these members and nothing else."""
    members = archive.infolist()
    names = sum(len(info.orig_filename.encode()) for info in members)
    return sum(info.compress_size for info in members) + 2 * names + len(members) * _AROUND_MEMBER + _AT_END


def _digests(members: Mapping[str, bytes]) -> bytes:
    text = json.dumps({name: _digest(data) for name, data in members.items()}, indent=1, sort_keys=True)
    return f"{text}\n".encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
