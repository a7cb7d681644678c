"""Which bytes a board really holds, asked of the board."""

from __future__ import annotations

import json
from collections.abc import Sequence

from camrig.board.session import Session

SECONDS = 60.0
AT_ONCE = 16  # paths in one command: a long one does not fit a small heap

_ASK = """
import hashlib, binascii, json
def _hash(path):
    found = hashlib.sha256()
    try:
        with open(path, 'rb') as file:
            while True:
                data = file.read(512)
                if not data:
                    return binascii.hexlify(found.digest()).decode()
                found.update(data)
    except OSError:
        return ''
print(json.dumps([_hash(_p) for _p in {paths}]))
"""


def hashes(session: Session, paths: Sequence[str]) -> dict[str, str]:
    """SHA-256 by path, empty for a missing file. The board must be in the raw REPL. Raises BoardRaisedError."""
    found: dict[str, str] = {}
    for start in range(0, len(paths), AT_ONCE):
        some = list(paths[start : start + AT_ONCE])
        found.update(zip(some, session.ask(_ASK.format(paths=json.dumps(some)), SECONDS), strict=True))
    return found
