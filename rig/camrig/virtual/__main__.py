"""``python -m camrig.virtual``: one virtual board, whose settings are a line of JSON on standard input."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

from camrig.parent_death import orphaned, signal_on_parent_death
from camrig.virtual.pipes import COMMANDS, RESPONSES
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


def detach(home: Path) -> tuple[int, int]:
    """Become a process that outlives the one that started it; the descriptors of commands and responses.

    Both pipes are opened in both directions: they never end, whoever comes and goes.
    """
    pipes = os.open(home / COMMANDS, os.O_RDWR), os.open(home / RESPONSES, os.O_RDWR)
    if os.fork():
        os._exit(0)  # whoever started the board waits for this process, and the board is nobody's child
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return pipes


def main() -> int:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal_on_parent_death(signal.SIGUSR1)
    line = read_line(0)
    if not line:
        return 0
    settings = json.loads(line)
    kept = detach(Path(settings["home"])) if "kept" in settings else None
    try:
        if kept is not None:
            return Supervisor(settings, *kept).run()
        if orphaned(settings["parent"]):
            return 0
        response_fd = os.dup(1)
        os.dup2(2, 1)  # so that nothing else is printed between the responses
        return Supervisor(settings, command_fd=0, response_fd=response_fd).run()
    finally:
        shutil.rmtree(settings["home"], ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
