"""The process between camrig and a browser: when either ends, it ends the rest and removes the browser's profile.

Started by path, with the standard library alone. Its standard input ends when camrig closes the browser or is killed;
on standard output it reports how the browser ended, as a line of JSON.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PR_SET_PDEATHSIG = 1
POLL = 0.5  # seconds between looks at whether camrig and the browser are still there
GRACE = 1.0  # seconds for a browser that has closed its pipe to end by itself
KILL_SECONDS = 20.0  # until a process that cannot be killed is left
KEPT_BYTES = 4096  # of the end of the browser's standard error


def main(arguments: list[str]) -> int:
    """``arguments``: the two ends of the pipe that the browser gets, its profile folder, and its command line."""
    requests, responses, profile, command = int(arguments[0]), int(arguments[1]), Path(arguments[2]), arguments[3:]
    parent = os.getppid()
    libc = _prepare()
    report: dict[str, object] = {}
    try:
        report = _run(command, (requests, responses), parent, libc)
    except OSError as error:
        report = {"error": error.strerror or type(error).__name__}
    finally:
        _end_children()
        with suppress(OSError):  # camrig may be gone
            os.write(1, json.dumps(report).encode() + b"\n")
            os.close(1)
        _remove(profile)
    return 0


def _prepare() -> ctypes.CDLL | None:
    """Become the parent of whatever the browser leaves behind, where the kernel can do that."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # camrig decides when a browser ends
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    return libc


def _run(command: list[str], pipe: tuple[int, int], parent: int, libc: ctypes.CDLL | None) -> dict[str, object]:
    """Run the browser until it ends or camrig does; how it ended."""
    with _start(command, pipe, libc) as browser:
        assert browser.stderr is not None
        errors = browser.stderr.fileno()
        os.set_blocking(errors, False)
        tail = b""
        sources = [0, errors]
        while browser.poll() is None and os.getppid() == parent:
            readable, _, _ = select.select(sources, (), (), POLL)
            if errors in readable:
                data = _read(errors)
                tail = (tail + data)[-KEPT_BYTES:]
                if not data:
                    sources.remove(errors)
            if 0 in readable:
                with suppress(subprocess.TimeoutExpired):
                    browser.wait(GRACE if not _read(0) else 0)
                break
        code = browser.poll()
        if code is None or libc is None:  # else its number may be somebody else's, and its children are known
            with suppress(ProcessLookupError):
                os.killpg(browser.pid, signal.SIGKILL)
        browser.wait(KILL_SECONDS)
        tail = (tail + _read(errors))[-KEPT_BYTES:]
        return {"exit": code, "stderr": tail.decode(errors="replace")}


def _start(command: list[str], pipe: tuple[int, int], libc: ctypes.CDLL | None) -> subprocess.Popen[bytes]:
    """Start the browser in a session of its own, with the pipe as descriptors 3 and 4."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10) for descriptor in pipe]
    for descriptor in pipe:
        os.close(descriptor)
    for target, descriptor in zip((3, 4), high, strict=True):
        os.dup2(descriptor, target)

    def restore() -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)

    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(3, 4),
            start_new_session=True,
            preexec_fn=restore,
        )
    finally:
        for descriptor in (3, 4, *high):
            os.close(descriptor)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


def _end_children() -> None:
    """Kill what is left of the browser: its processes become this one's children as their parents end."""
    end = time.monotonic() + KILL_SECONDS
    while time.monotonic() < end:
        for child in _children():
            with suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
        except ChildProcessError:
            return


def _children() -> list[int]:
    own, children = str(os.getpid()).encode(), []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if status.read_bytes().rpartition(b")")[2].split()[1] == own:
                children.append(int(status.parent.name))
    return children


def _remove(profile: Path) -> None:
    """Where the browser's processes cannot all be known, one that is ending may still write."""
    end = time.monotonic() + 5.0
    while profile.exists() and time.monotonic() < end:
        shutil.rmtree(profile, ignore_errors=True)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
