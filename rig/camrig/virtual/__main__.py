"""``python -m camrig.virtual``: one virtual board, as told by a line of JSON on standard input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys

from camrig.virtual.parent_death import notify_of_parents_death, orphaned
from camrig.virtual.supervisor import Supervisor


def read_line(fd: int) -> bytes:
    """One line, byte by byte: what follows belongs to the supervisor."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(fd, 1)
        if not byte:
            break
        line += byte
    return line


def main() -> int:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    notify_of_parents_death(signal.SIGUSR1)
    line = read_line(0)
    if not line:
        return 0
    settings = json.loads(line)
    try:
        if orphaned(settings["parent"]):
            return 0
        report = os.dup(1)
        os.dup2(2, 1)  # so that nothing stray gets between the report and its reader
        return Supervisor(settings, lifeline=0, report=report).run()
    finally:
        shutil.rmtree(settings["home"], ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
