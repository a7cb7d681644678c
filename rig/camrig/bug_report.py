"""An exception that nobody expected: one sentence, the exit code of a blocked rig, and a file for a bug report."""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from camrig.errors import CamrigError, UnexpectedError
from camrig.redaction import hide
from camrig.whole_file import write_whole

WIDTH = 300  # characters of an exception's message in the sentence
PACKAGE = Path(__file__).resolve().parent
_MEMORY = "give it more memory (ulimit -v)"
# What a computer refused, and what to do. Anything else is a fault of camrig.
_REMEDIES = {
    errno.ENOSPC: "make room on its disk",
    errno.EDQUOT: "make room on its disk",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "allow more open files (ulimit -n)",
    errno.ENOMEM: _MEMORY,
    errno.EROFS: "make its disk writable",
}
# Of exceptions that have no number.
_REMEDIES_BY_WORDS = {
    "can't start new thread": "allow more threads and more memory (ulimit -u, ulimit -v)",
    "No usable temporary directory": "name a folder that can be written in TMPDIR",
}


def unexpected(error: BaseException, *folders: Path) -> CamrigError:
    """What to say of ``error``, whose traceback is written into the first of ``folders`` that takes it.

    The system's folder for temporary files comes last. An error that is a sentence already stays as it is.
    """
    if isinstance(error, CamrigError):
        return error
    path = _write(error, folders)
    kept = f"its traceback is in {path}" if path else "its traceback could not be written anywhere"
    remedy = _remedy(error)
    hint = f"{remedy}; {kept}" if remedy else f"please report it as a bug of camrig: {kept}"
    return UnexpectedError(f"unexpected {summary(error)}", hint=hint)


def limit_of_computer(error: BaseException) -> str:
    """What to do where this computer refused memory, files or room on its disk; empty for any other error."""
    if isinstance(error, MemoryError):
        return _MEMORY
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        return _REMEDIES[error.errno]
    return next((remedy for words, remedy in _REMEDIES_BY_WORDS.items() if words in str(error)), "")


def _remedy(error: BaseException) -> str:
    if limit := limit_of_computer(error):
        return f"this computer refused it: {limit}"
    if isinstance(error, ImportError):
        return "a package that camrig needs is missing or damaged: install camrig again"
    return ""


def summary(error: BaseException) -> str:
    """Kind, message and place of an error, in one line."""
    with suppress(Exception):  # an exception whose __str__ raises
        message = " ".join(hide(str(error)).split())
        place = _place(error)
        text = message if len(message) <= WIDTH else message[: WIDTH - 1] + "…"
        return f"{type(error).__name__}{': ' if text else ''}{text.rstrip('.')}{place}"
    return type(error).__name__


def _place(error: BaseException) -> str:
    """The innermost line of camrig that was at work, in brackets; empty if there is none."""
    entry, place = error.__traceback__, ""
    while entry is not None:
        file = Path(entry.tb_frame.f_code.co_filename)
        if file.is_relative_to(PACKAGE):
            place = f" ({file.relative_to(PACKAGE.parent)}:{entry.tb_lineno})"
        entry = entry.tb_next
    return place


def _write(error: BaseException, folders: tuple[Path, ...]) -> Path | None:
    with suppress(Exception):  # no memory, or no folder for temporary files
        data = _report(error).encode("utf-8", "backslashreplace")
        name = f"camrig-bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6:06}.txt"
        for folder in (*folders, None):
            with suppress(OSError):
                path = (folder or Path(tempfile.gettempdir())) / name
                write_whole(path, data, private=True, replace=False)
                return path
    return None


def _report(error: BaseException) -> str:
    command = " ".join(map(repr, sys.argv))
    system = f"Python {platform.python_version()}, {platform.platform()}"
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    return hide(f"camrig of {PACKAGE}\n{system}\n{command}\n\n{text}")
