"""The hashes of the files that a board really holds, computed by the board."""

from __future__ import annotations

import json
from collections.abc import Sequence

from camrig.board.session import Session

SECONDS = 60.0
BATCH = 16  # paths in one command: a longer command does not fit a small heap

_HASH = """
import hashlib, binascii, json
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


def file_hashes(session: Session, paths: Sequence[str]) -> dict[str, str]:
    """SHA-256 by path, empty for a missing file. The board must be in the raw REPL. Raises BoardRaisedError."""
    hashes: dict[str, str] = {}
    for start in range(0, len(paths), BATCH):
        batch = list(paths[start : start + BATCH])
        hashes.update(zip(batch, session.ask(_HASH.format(paths=json.dumps(batch)), SECONDS), strict=True))
    return hashes
