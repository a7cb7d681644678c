"""A process of the virtual board never outlives the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# Loaded on import, because a freshly forked child should not have to.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def notify_of_parents_death(number: signal.Signals) -> None:
    """Have the kernel send signal ``number`` when the parent ends. Does nothing where the kernel cannot.

    The kernel watches the parent's *thread*: a handler has to ask ``orphaned`` before it believes it.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def orphaned(parent: int) -> bool:
    """Whether the process ``parent`` that started this one is gone."""
    return os.getppid() != parent
