"""No process of a virtual board outlives the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# Loaded on import, because a child that has just been forked should not load libraries.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def signal_on_parent_death(number: signal.Signals) -> None:
    """Make the kernel send signal ``number`` when the parent ends. Does nothing where the kernel cannot.

    The kernel watches the parent's *thread*: a handler must check ``orphaned`` before it acts.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def orphaned(parent: int) -> bool:
    """Whether the process ``parent`` that started this one is gone."""
    return os.getppid() != parent
