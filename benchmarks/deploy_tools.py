"""The tools that put an application on a board: camrig, mpremote and mpytool, as commands and on an open line.

Each is a context manager that gets a ``Target`` and gives a function that deploys once. That function may return
times that the tool itself tells, by name.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from camrig.probe.client import LostExchangeError, exchange, request_bytes
from mpremote.commands import do_filesystem
from mpremote.main import State
from mpremote.transport_serial import SerialTransport

from benchmarks.application import ROOT, WIFI, open_board, settings

SECONDS_TO_SERVE = 30.0
POLL = 0.005  # seconds between two attempts to reach the server
START = "start"  # from the check of the library to the first answer, by camrig's own steps
_STEP = re.compile(r"^(?:check|reset|console|ready) +([0-9.]+) s", re.MULTILINE)


@dataclass(frozen=True)
class Target:
    """``port`` of a board that will serve at ``address``; ``trees`` has a built tree of ``source`` for each kind."""

    port: str
    address: str
    source: Path
    trees: Path


Work = Callable[[], dict[str, float]]
Tool = Callable[[Target], AbstractContextManager[Work]]


def camrig(target: Target) -> AbstractContextManager[Work]:
    """``camrig deploy``, until the application serves."""
    folders = ("--hil-lib", f"{target.source}/lib", "--hil-app", f"{target.source}/device")

    def work() -> dict[str, float]:
        output = _run("camrig", "deploy", "--device", target.port, *folders)
        return {START: sum(float(seconds) for seconds in _STEP.findall(output))}

    return nullcontext(work)


def mpytool(target: Target) -> AbstractContextManager[Work]:
    """``mpytool cp`` of built files: nothing of them is read back, and the board is left stopped."""
    return _command("mpytool", "-p", target.port, "cp", f"{target.trees}/mpy/", ":/")


def mpytool_serving(target: Target) -> AbstractContextManager[Work]:
    """``mpytool cp`` of built files and a reset, until the application serves."""

    def work() -> dict[str, float]:
        _run("mpytool", "-p", target.port, "cp", f"{target.trees}/mpy/", ":/", "--", "reset", "--machine")
        _wait_until_serving(target.address, settings(target.source).port)
        return {}

    return nullcontext(work)


def mpremote(target: Target) -> AbstractContextManager[Work]:
    """``mpremote fs cp -r`` of built files; the board is left stopped."""
    names = [str(path) for path in sorted((target.trees / "mpy").iterdir())]
    return _command("mpremote", "connect", target.port, "fs", "cp", "-r", *names, ":")


@contextmanager
def camrig_open(target: Target) -> Iterator[Work]:
    """The build and the copying, on a line that is open."""
    with open_board(target.port, settings(target.source)) as board:

        def work() -> dict[str, float]:
            board.__dict__.pop("deployment", None)  # that of a run, in which no source may change
            board.deploy(measure_imports=False)
            return {}

        yield work


def mpremote_open(kind: str) -> Tool:
    """``mpremote fs cp -r`` of the tree of ``kind``, on a line that is open."""

    @contextmanager
    def tool(target: Target) -> Iterator[Work]:
        state = State()
        state.transport = SerialTransport(target.port)
        state.transport.enter_raw_repl()
        state._auto_soft_reset = False
        names = [str(path) for path in sorted((target.trees / kind).iterdir())]
        arguments = argparse.Namespace(command=["cp"], path=[*names, ":"], recursive=True, force=False, verbose=None)

        def work() -> dict[str, float]:
            with redirect_stdout(StringIO()):
                do_filesystem(state, arguments)
            return {}

        yield work
        state.transport.close()

    return tool


def _command(*words: str) -> AbstractContextManager[Work]:
    def work() -> dict[str, float]:
        _run(*words)
        return {}

    return nullcontext(work)


def _run(name: str, *arguments: str) -> str:
    """The output of a command of the environment that runs this."""
    program = str(Path(sys.executable).with_name(name))
    # An installed package has its bytecode; one in a checkout is only compiled once if Python may write it.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
        env={**environment, "CAMRIG_WIFI_SSID": WIFI.ssid, "CAMRIG_WIFI_PASSWORD": WIFI.password},
    ).stdout


def _wait_until_serving(address: str, port: int) -> None:
    request = request_bytes("GET", "/api/status", f"{address}:{port}", [])
    end = time.monotonic() + SECONDS_TO_SERVE
    while True:
        try:
            exchange(address, port, request, SECONDS_TO_SERVE)
            return
        except LostExchangeError:
            if time.monotonic() > end:
                raise
            time.sleep(POLL)
