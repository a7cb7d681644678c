"""Whether a board's filesystem can hold the names of all files, asked before a deploy is under way."""

from __future__ import annotations

import re
from collections.abc import Iterable

from camrig.board.firmware_modules import firmware_imports
from camrig.board.session import Session
from camrig.deploy.manifest import File
from camrig.errors import DeployError

_USUAL = re.compile(r"(?:/[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_-])+")
# FAT refuses a quotation mark, takes a backslash for a slash, and forgets dots and spaces at the end of a name.
_CHECK = (
    firmware_imports("os", "json")
    + """
def refused(p):
    try:
        os.stat(p)
    except OSError as e:
        return e.args[0] in (22, 36)
    return False
fat = refused('/"')
odd = lambda n: len(n.encode()) > 255 or fat and (chr(92) in n or n[-1] in '. ')
bad = lambda p: refused(p) or any(odd(n) for n in p.split('/')[1:])
print(json.dumps([n for n, p in enumerate({paths!r}) if bad(p)]))
"""
)


def check_names(session: Session, files: Iterable[File]) -> None:
    """Raises DeployError for a name that the board's filesystem refuses. The board must be in the raw REPL.

    Nothing is asked where all names are usual ones.
    """
    unusual = [file.target for file in files if not _USUAL.fullmatch(file.target)]
    if not unusual:
        return
    for number in session.ask(_CHECK.format(paths=unusual)):
        raise DeployError(
            f"{unusual[number]!r} is not a name that its filesystem can hold",
            board=session.name,
            hint="rename the file, or leave it out: exclude of [deploy] in camrig.toml",
        )
