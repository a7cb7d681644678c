"""The mark that a run leaves on the place that it has acquired, in labgrid's list of those who may use it as well.

It tells a place that a run has from one that its user has acquired by hand, and whether that run still lives: it
names the process, the boot of the machine, and the machine with its namespace of processes. The coordinator drops
it when the place is released.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterable

PREFIX = "camrig/"


def own_mark() -> str:
    """The mark of this process."""
    return f"{PREFIX}{os.getpid()}.{_boot()}.{_machine()}"


def process_of(allowed: Iterable[str]) -> int:
    """The process of a mark among the names that are ``allowed``: -1 where one is of another machine, 0 for none.

    The mark of a process that has ended counts for nothing.
    """
    marks = [name[len(PREFIX) :].split(".") for name in allowed if name.startswith(PREFIX)]
    for pid, boot, machine in (mark for mark in marks if len(mark) == 3):
        if machine != _machine():
            return -1
        if boot == _boot() and _lives(int(pid)):
            return int(pid)
    return 0


def is_marked(allowed: Iterable[str]) -> bool:
    """Whether a run acquired the place, not its user by hand."""
    return any(name.startswith(PREFIX) for name in allowed)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _boot() -> str:
    return _short(_content("/proc/sys/kernel/random/boot_id"))


def _machine() -> str:
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        namespace = 0
    return _short(f"{_content('/etc/machine-id') or uuid.getnode()} {namespace}")


def _content(path: str) -> str:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return ""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
