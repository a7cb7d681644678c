"""A virtual board that outlives the command that started it: its folder, its record there, and its supervisor.

The record says what the board was made of. It fits another run if that would make the same board now: the same
settings, the same code of this package, the same interpreter.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from camrig.deadline import Deadline
from camrig.errors import BlockedError
from camrig.virtual.board import START_SECONDS, demand_pseudo_terminals, spawn, start_error, supervisor_settings
from camrig.virtual.config import VirtualConfig, find_interpreter, has_own_password
from camrig.virtual.pipes import LOG, NamedPipes
from camrig.whole_file import read_whole, write_whole

RECORD = "record.json"
UNUSED_SECONDS = 8 * 3600.0  # after which a kept board ends by itself
ANSWER_SECONDS = 5.0  # within which a board that is alive answers
END_SECONDS = 10.0


@dataclass(frozen=True)
class KeptBoard:
    """A kept board as its record has it. ``generated``: nobody configured its network's password."""

    home: Path
    path: str
    address: str
    pid: int
    since: str
    ssid: str
    password: str
    generated: bool
    made_of: dict[str, Any]

    def power_cycle(self) -> None:
        """As ``VirtualBoard.power_cycle``. Raises BlockedError when the board has ended."""
        if not _command(self.home, {"do": "power_cycle"}, START_SECONDS):
            raise BlockedError("the kept virtual board has ended", board=self.path, hint="run again")

    @property
    def is_current(self) -> bool:
        """Whether its code is today's, so that a run may use it."""
        try:
            return bool(self.made_of["code"] == _code(self.made_of["interpreter"]["path"]))
        except (KeyError, TypeError, OSError):
            return False

    @property
    def answers(self) -> bool:
        """Whether its supervisor is alive and well."""
        return _command(self.home, {"do": "ping"}, ANSWER_SECONDS)


def start(home: Path, config: VirtualConfig, lock_file: Path, seconds: float) -> KeptBoard:
    """Start a board in the empty folder ``home`` that ends after ``seconds`` without use.

    The built-in password is replaced: pieces of a password are hidden from all output, and "virtual" is everywhere.
    Whoever calls holds the lock of ``lock_file``. Raises what ``VirtualBoard.start`` raises, without a trace left.
    """
    demand_pseudo_terminals()
    if generated := not has_own_password(config):
        config = replace(config, wifi_password=secrets.token_hex(8))
    made_of = ingredients(config)
    kept = {"seconds": seconds, "lock": str(lock_file)}
    settings = supervisor_settings(config, find_interpreter(config.interpreter), home) | {"kept": kept}
    try:
        NamedPipes.make(home)
        with open(os.open(home / LOG, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as log:
            process = spawn(log.fileno(), subprocess.STDOUT)
        process.communicate(json.dumps(settings).encode() + b"\n")  # until the supervisor is on its own
        response = _first_response(home)
        if "error" in response:
            log_text = (home / LOG).read_text(errors="replace")
            reason = log_text.strip().splitlines()[-1:] or [response["error"]]
            raise start_error(reason[0], response.get("details") or log_text)
        board = KeptBoard(
            home=home,
            path=response["path"],
            address=response["address"],
            pid=response["pid"],
            since=time.strftime("%Y-%m-%d %H:%M:%S"),
            ssid=config.wifi_ssid,
            password=config.wifi_password,
            generated=generated,
            made_of=made_of,
        )
        record = {key: value for key, value in asdict(board).items() if key != "home"}
        write_whole(home / RECORD, json.dumps(record).encode(), private=True)
    except BaseException:
        end(home)
        raise
    return board


def _first_response(home: Path) -> dict[str, Any]:
    try:
        pipes = NamedPipes(home)
    except OSError:
        return {"error": "its process ended"}
    try:
        return pipes.response(Deadline.after(START_SECONDS))
    finally:
        pipes.close()


def read(home: Path) -> KeptBoard | None:
    """The board of a folder as its record has it, None where that is missing, damaged, or of another version."""
    try:
        return KeptBoard(home=home, **json.loads(read_whole(home / RECORD)))
    except (OSError, ValueError, TypeError):
        return None


def end(home: Path) -> None:
    """End the board in ``home``, alive or not, and remove the folder. Whoever calls holds the board's lock."""
    board = read(home)
    if not _command(home, {"do": "end"}, ANSWER_SECONDS) and board is not None and _listens(home):
        with suppress(OSError):
            os.kill(board.pid, signal.SIGKILL)
    deadline = Deadline.after(END_SECONDS)
    while _listens(home) and not deadline.passed:
        time.sleep(0.01)
    shutil.rmtree(home, ignore_errors=True)


def ingredients(config: VirtualConfig) -> dict[str, Any]:
    """What a board of ``config`` would be made of now, without its network. Raises InterpreterMissingError."""
    interpreter = find_interpreter(config.interpreter)
    settings = supervisor_settings(config, interpreter, Path())
    for name in ("home", "wifi_ssid", "wifi_password"):
        del settings[name]
    return json.loads(json.dumps(settings | {"code": _code(interpreter.path)}))  # type: ignore[no-any-return]


def _code(interpreter: str) -> str:
    """A hash that changes with this package, the interpreter, and the Python that runs the supervisor."""
    package = Path(__file__).resolve().parent
    files = [*package.glob("*.py"), *package.glob("*/*.py"), Path(interpreter)]
    states = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr((sys.executable, sys.version, sorted(states))).encode()).hexdigest()


def _command(home: Path, command: dict[str, Any], seconds: float) -> bool:
    """Whether the supervisor has carried out ``command``."""
    try:
        pipes = NamedPipes(home)
    except OSError:
        return False
    try:
        return "error" not in pipes.command(command, Deadline.after(seconds))
    finally:
        pipes.close()


def _listens(home: Path) -> bool:
    try:
        NamedPipes(home).close()
    except OSError:
        return False
    return True
