"""The hashes of the files that a board really holds, computed by the board."""

from __future__ import annotations

from collections.abc import Mapping

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session

SECONDS = 30.0  # and what the size of the files takes at the board's pace
BATCH = 16  # paths in one command: a longer command does not fit a small heap

_HASH = (
    firmware_imports("hashlib", "binascii", "json")
    + """
def _hash(path):
    digest = hashlib.sha256()
    try:
        with open(path, 'rb') as file:
            while True:
                data = file.read(512)
                if not data:
                    return binascii.hexlify(digest.digest()).decode()
                digest.update(data)
    except OSError:
        return ''
print(json.dumps([_hash(_p) for _p in {paths}]))
"""
)


def file_hashes(session: Session, sizes: Mapping[str, int]) -> dict[str, str]:
    """SHA-256 by path, empty for a missing file; ``sizes`` are those that the files should have.

    The board must be in the raw REPL. Raises BoardRaisedError.
    """
    hashes: dict[str, str] = {}
    paths = list(sizes)
    for start in range(0, len(paths), BATCH):
        batch = paths[start : start + BATCH]
        limit = session.pace.limit(SECONDS, read=sum(sizes[path] for path in batch))
        hashes.update(zip(batch, session.ask(_HASH.format(paths=repr(batch)), limit), strict=True))
    return hashes
