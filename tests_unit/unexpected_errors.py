"""Exceptions that nobody expects, as they come from deep inside: of every kind, and what is said of them."""

from __future__ import annotations

import errno
import re
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

ERRORS = (
    OSError(errno.ENOSPC, "No space left on device", "/results/x"),
    OSError(errno.EMFILE, "Too many open files"),
    MemoryError(),
    RecursionError("maximum recursion depth exceeded"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    KeyError("lens"),
    AssertionError(),
    ModuleNotFoundError("No module named 'serial'", name="serial"),
    sqlite3.OperationalError("database is locked"),
    struct.error("unpack requires a buffer of 4 bytes"),
    ResourceWarning("unclosed file"),
    RuntimeError("two\nlines, and the password hunter2-of-the-bench"),
)
KEPT = re.compile(r"its traceback is in (\S+\.txt)\.")


def raises(error: BaseException) -> Callable[..., Any]:
    """A function that raises ``error`` whatever it is called with."""

    def fail(*arguments: object, **keywords: object) -> Any:
        raise error

    return fail


def report_in(text: str) -> Path:
    """The file with the traceback that ``text`` names, once: whole, hidden, and readable by its owner only."""
    (name,) = set(KEPT.findall(" ".join(text.split())))
    path = Path(name)
    assert path.stat().st_mode & 0o777 == 0o600
    content = path.read_text()
    assert "Traceback (most recent call last)" in content
    assert "hunter2" not in content
    return path
