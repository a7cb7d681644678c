#!/usr/bin/env python3
"""Boards of other hosts: how soon a run reaches one through labgrid, and what killed runs leave behind.

    python -m benchmarks.fleet_labgrid [--kills N]      the default is 100

Starts a coordinator and ``camrig lab serve`` with one virtual board on loopback. A run is a process of its own that
acquires the place, takes its lock and that of the board's MAC, and executes a command on the board.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from camrig.errors import LabError
from camrig.lab import lock
from camrig.lab.labgrid.connection import Connection
from camrig.lab.labgrid.environment import find_environment
from camrig.lab.labgrid.place_spec import place_key

STARTS = 10
START_LIMIT, NEXT_LIMIT = 3.0, 2.0  # seconds
SECONDS = 60.0
PLACE = "bench-sim1"
RUN = """
import sys, time
from camrig.board.session import Session
from camrig.lab.device_spec import open_device
from camrig.settings.resolve import Settings
began = time.monotonic()
with open_device(sys.argv[1], Settings(coordinator=sys.argv[2])) as device:
    print("acquired", time.monotonic() - began, flush=True)
    session = Session(device.port, 115200, explain=device.explain)
    session.repl()
    session.exec("print(6*7)")
    print("executed", time.monotonic() - began, flush=True)
    time.sleep(float(sys.argv[3]))
    session.close()
"""


@contextmanager
def laboratory() -> Iterator[str]:
    """The address of a coordinator that has the place, as long as the context lasts."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        server.close()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        program = find_environment().program("labgrid-coordinator")
        start(stack, folder, "listening on", program, "-l", address)
        serve = ("lab", "serve", "--virtual", "1", "--name", "bench", "--hil-coordinator", address)
        start(stack, folder, "Ctrl-C ends it", sys.executable, "-m", "camrig", *serve)
        yield address


def start(stack: ExitStack, folder: str, ready: str, *command: str) -> None:
    log = Path(folder) / f"{Path(command[0]).name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    stack.callback(process.wait)
    stack.callback(process.send_signal, signal.SIGTERM)
    end = time.monotonic() + SECONDS
    while ready not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{command[0]} did not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.05)


def run(address: str, seconds: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", RUN, f"labgrid:{PLACE}", address, str(seconds)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(process: subprocess.Popen[str], word: str) -> float:
    """The seconds that a run gives for ``word``. Ends the benchmark if it never gets there."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(word):
            return float(line.split()[1])
    assert process.stderr is not None
    raise SystemExit(f"a run ended: {process.stderr.read()[-800:]}")


def holder(connection: Connection) -> str:
    (place,) = [place for place in connection.request("places")["places"] if place["name"] == PLACE]
    return str(place["by"])


def starts(address: str) -> bool:
    seconds = []
    for _ in range(STARTS):
        with run(address, 0) as process:
            seconds.append(until(process, "executed"))
    median = statistics.median(seconds)
    print(
        f"acquire to first exec: median {median:.2f} s of {STARTS}, at most {max(seconds):.2f} s ({START_LIMIT:g} s)"
    )
    return median < START_LIMIT


def kills(address: str, count: int) -> bool:
    """Kill each run at a moment of its own, before it has the place or later, and start the next at once."""
    chance = random.Random(7)
    free, following = [], []
    with closing(Connection(address)) as connection:
        for _ in range(count):
            process = run(address, SECONDS)
            if word := chance.choice(("", "acquired", "executed")):
                until(process, word)
            time.sleep(chance.random() * (0.2 if word else 2.0))
            process.send_signal(signal.SIGKILL)
            killed = time.monotonic()
            successor = run(address, 0)
            process.wait()
            until(successor, "acquired")
            following.append(time.monotonic() - killed)
            successor.communicate(timeout=SECONDS)
            free.append(successor.returncode == 0 and not holder(connection))
        stale = free.count(False)
        held, _ = lock.inspect(place_key(address, PLACE))
        left = processes(address)
    median, slowest = statistics.median(following), max(following)
    print(f"killed runs: {count}, stale places: {stale}, held locks: {int(held is not None)}, processes left: {left}")
    print(f"the next run has the place after: median {median:.2f} s, at most {slowest:.2f} s ({NEXT_LIMIT:g} s)")
    return not stale and held is None and not left and median < NEXT_LIMIT


def processes(address: str) -> int:
    """The processes of labgrid's side for this coordinator, except those of ``camrig lab serve`` and of this one."""
    names = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    return max(0, sum(b"labgrid_side" in name and address.encode() in name for name in names) - 2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100, metavar="N")
    arguments = parser.parse_args()
    try:
        with laboratory() as address:
            results = [starts(address), kills(address, arguments.kills)]
    except LabError as error:
        print(error)
        return error.exit_code
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
