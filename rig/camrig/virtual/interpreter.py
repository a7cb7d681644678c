"""The interpreter's process on a terminal of its own."""

from __future__ import annotations

import array
import contextlib
import fcntl
import json
import os
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, NoReturn, cast

from camrig.parent_death import orphaned, signal_on_parent_death
from camrig.virtual.config import InterpreterFile

BOARD_SIDE = Path(__file__).parent / "board_side"
SETTINGS_FD = 3
CONTROL_FD = 4
START = "__import__('start').run()"
CHUNK = 65536
SLEEP_WAIT = 0.02  # seconds that an interrupt waits for the interpreter to sleep


class Interpreter:
    """One run of the interpreter, from power or reset to its end."""

    def __init__(self, file: InterpreterFile, heap: int, settings: dict[str, Any]) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self.control, control = os.pipe()
        os.set_blocking(self.control, False)
        reader, writer = os.pipe()
        argv = ["micropython", "-X", f"heapsize={heap}", "-i", "-c", START]
        parent = os.getpid()
        main = _embedded_main(file.path) if file.embedded else None
        self.status: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _exec(main, file.path, argv, (self._slave, reader, control), parent)
        os.close(reader)
        os.close(control)
        with os.fdopen(writer, "wb") as pipe, contextlib.suppress(BrokenPipeError):
            pipe.write(json.dumps(settings).encode())

    @property
    def interruptible(self) -> bool:
        """Whether code runs that takes a KeyboardInterrupt: only then does the interpreter catch the signal."""
        if self.ended():
            return False
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            # There is no /proc. The friendly REPL at least has the terminal raw while it waits for keys.
            lflag: int = termios.tcgetattr(self._slave)[3]
            return lflag != 0
        caught = int(status.split("SigCgt:")[1].split()[0], 16)
        return bool(caught & (1 << (signal.SIGINT - 1)))

    @property
    def waits_for_keys(self) -> bool:
        """Whether all keys have been read and the interpreter sleeps."""
        unread = array.array("i", [0])
        fcntl.ioctl(self._slave, termios.FIONREAD, unread)
        return not unread[0] and self.sleeping

    @property
    def sleeping(self) -> bool:
        """Whether the interpreter waits for something."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_bytes()
        except OSError:
            return True  # there is no /proc, or the process is gone
        return stat.rpartition(b") ")[2][:1] not in (b"R", b"D")

    @property
    def waits_for_lock(self) -> bool:
        """Whether it waits for a mutex, without a time-out (Linux: futex(2), as pthread_mutex_lock calls it)."""
        try:
            return Path(f"/proc/{self.pid}/syscall").read_text().split()[2:5] == ["0x80", "0x2", "0x0"]
        except OSError:
            return False

    def interrupt(self, patience: float = SLEEP_WAIT) -> bool:
        """Raise KeyboardInterrupt in running code; False if no code runs that would take it.

        The process is stopped meanwhile: if it no longer catches the signal, the signal would end it. A process that
        sleeps is certainly not in the middle of an allocation, so this waits ``patience`` seconds for it to sleep.
        """
        if not self.interruptible:
            return False
        until = time.monotonic() + patience
        while not self.sleeping and time.monotonic() < until:
            time.sleep(SLEEP_WAIT / 20)
        os.kill(self.pid, signal.SIGSTOP)
        if self._wait(os.WUNTRACED):
            return False
        taken = self.interruptible
        if taken:
            os.kill(self.pid, signal.SIGINT)
        os.kill(self.pid, signal.SIGCONT)
        return taken

    def freeze(self) -> None:
        """Stop the process where it is, for good."""
        if not self.ended():
            os.kill(self.pid, signal.SIGSTOP)

    def ended(self) -> bool:
        """Whether the process has ended; ``status`` is then that of ``os.waitpid``."""
        return self.status is not None or self._wait(os.WNOHANG)

    def read(self) -> bytes:
        try:
            return os.read(self.master, CHUNK)
        except OSError:  # nothing to read, or the other side is gone
            return b""

    def write(self, data: bytes) -> int:
        """Type ``data``; returns how much the terminal took."""
        try:
            return os.write(self.master, data)
        except BlockingIOError:
            return 0

    def requests(self) -> bytes:
        try:
            return os.read(self.control, CHUNK)
        except OSError:
            return b""

    def kill(self) -> None:
        if not self.ended():
            os.kill(self.pid, signal.SIGKILL)
            self._wait(0)

    def close(self) -> None:
        self.kill()
        for fd in (self.master, self._slave, self.control):
            os.close(fd)

    def _wait(self, flags: int) -> bool:
        """Reap the process if it has ended."""
        pid, status = os.waitpid(self.pid, flags)
        if pid == 0 or os.WIFSTOPPED(status):
            return False
        self.status = status
        return True


def _embedded_main(path: str) -> Callable[[list[str]], int]:
    """The interpreter's main function, from the package's extension module."""
    if "micropython_run" not in sys.modules:
        spec = spec_from_loader("micropython_run", ExtensionFileLoader("micropython_run", path))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules["micropython_run"] = module
    return cast("Callable[[list[str]], int]", sys.modules["micropython_run"].run_main)


def _exec(
    main: Callable[[list[str]], int] | None, path: str, argv: list[str], fds: tuple[int, int, int], parent: int
) -> NoReturn:
    """Runs in the forked process: become the interpreter, without anything that belongs to the parent."""
    try:
        signal_on_parent_death(signal.SIGKILL)
        if orphaned(parent):
            os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        # Moved to high numbers first: a descriptor may have one of the numbers that are assigned next.
        slave, settings, control = (fcntl.fcntl(fd, fcntl.F_DUPFD, 16) for fd in fds)
        for target, fd in enumerate((slave, slave, slave, settings, control)):
            os.dup2(fd, target)
        os.closerange(5, 256)
        os.chdir(BOARD_SIDE)
        os.environ.clear()  # MicroPython would take its path and a history file from it
        if main is not None:
            code = main(argv)
            os._exit(code & 0xFF if code else 0)
        os.execve(path, argv, {})
    finally:
        os._exit(127)
