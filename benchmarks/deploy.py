"""``make bench-deploy``: what a deploy costs beside ``mpremote fs cp -r``, and what power cuts in it do to a board.

Both tools put the same application on a virtual board behind a line that is as slow as a real one. The goals are
judged on the copying alone: each tool on a connection that it holds open, ours with the build that goes before.
The whole commands are shown beside it, with the start of Python, the connection and the restart of the interpreter
on the board. Exit code 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

from camrig.deploy.manifest import files, sources
from camrig.virtual.board import VirtualBoard, VirtualConfig
from mpremote.commands import do_filesystem
from mpremote.main import State
from mpremote.transport_serial import SerialTransport
from rich.console import Console
from rich.table import Table

from benchmarks.application import ROOT, cargo, change_all, change_library, open_board, settings
from benchmarks.cuts import cuts
from benchmarks.throttle import Throttle

BAUDS = (115200, 921600)
TIMES = 5  # for what takes a moment; the median counts
GOALS = {"full": {"py": 1 / 4, "mpy": 1 / 2}, "same": {"py": 1 / 5, "mpy": 1 / 5}, "one": {"py": 1 / 3, "mpy": 1 / 3}}
CALLED = {"full": "everything", "same": "nothing changed", "one": "one file changed"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=200, help="power cuts (200)")
    parser.add_argument("--no-times", action="store_true", help="only the power cuts")
    asked = parser.parse_args()
    console, met = Console(width=120), True
    with tempfile.TemporaryDirectory(prefix="camrig-bench-") as folder:
        if not asked.no_times:
            for baud in BAUDS:
                met &= compare(console, baud, Path(folder) / str(baud))
        if asked.cuts:
            old, new = (cargo(Path(folder) / name) for name in ("old", "new"))
            for part in (old, new):
                (part / "device" / "old_part.py").write_text("OLD = True\n")
            change_all(new)
            met &= cuts(console, asked.cuts, Path(folder), settings(old), settings(new))
    return 0 if met else 1


@contextmanager
def ours(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    with open_board(port, settings(source)) as board:
        yield board.deploy


@contextmanager
def our_command(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    yield lambda: _run("benchmarks.application", port, str(source))


@contextmanager
def mpremote(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    state = State()
    state.transport = SerialTransport(port)
    state.transport.enter_raw_repl()
    state._auto_soft_reset = False

    def copy() -> None:
        names = [str(path) for path in sorted(tree.iterdir())]
        asked = argparse.Namespace(command=["cp"], path=[*names, ":"], recursive=True, force=False, verbose=None)
        with redirect_stdout(StringIO()):
            do_filesystem(state, asked)

    yield copy
    state.transport.close()


@contextmanager
def mpremote_command(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    names = [str(path) for path in sorted(tree.iterdir())]
    yield lambda: _run("mpremote", "connect", port, "fs", "cp", "-r", *names, ":")


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=True, capture_output=True, timeout=300)


def plant(tree: Path, source: Path, kind: str) -> None:
    """The tree that mpremote copies: the files of ours, as source or for the board's .mpy version."""
    found = settings(source)
    paths = sources(found.lib, found.app, found.agent)
    with VirtualBoard.start(VirtualConfig()) as virtual, open_board(virtual.path, found) as board:
        built = files(paths, board.identity.mpy if kind == "mpy" else None, [])
    for file in built:
        path = tree / file.target.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != file.data:
            path.write_bytes(file.data)


def times(way: Callable[..., object], kind: str, baud: int, home: Path) -> dict[str, float]:
    """Seconds for each situation, on a board and a line of their own."""
    source, tree = cargo(home / "source"), home / "tree"
    plant(tree, source, kind)

    def once(work: Callable[[], object]) -> float:
        start = time.monotonic()
        work()
        return time.monotonic() - start

    def changed(work: Callable[[], object]) -> float:
        change_library(source)
        plant(tree, source, kind)
        return once(work)

    with (
        VirtualBoard.start(VirtualConfig()) as virtual,
        Throttle(virtual.path, baud) as line,
        way(line.path, source, tree) as work,
    ):
        return {
            "full": once(work),
            "same": statistics.median(once(work) for _ in range(TIMES)),
            "one": statistics.median(changed(work) for _ in range(TIMES)),
        }


def compare(console: Console, baud: int, home: Path) -> bool:
    """One table. True when every goal is met."""
    table, met = Table(title=f"at {baud} baud, seconds"), True
    for name in ("", "beside", "mpremote", "camrig", "ratio", "goal", "", "whole mpremote", "whole camrig", "ratio"):
        table.add_column(name, justify="left" if name in ("", "beside") else "right")
    copied = times(ours, "mpy", baud, home / "ours")
    ran = times(our_command, "mpy", baud, home / "our-command")
    for kind in ("py", "mpy"):
        theirs = times(mpremote, kind, baud, home / f"mpremote-{kind}")
        their_commands = times(mpremote_command, kind, baud, home / f"mpremote-command-{kind}")
        for what, goals in GOALS.items():
            ratio, whole = copied[what] / theirs[what], ran[what] / their_commands[what]
            met &= ratio <= goals[kind]
            table.add_row(
                CALLED[what],
                f".{kind} tree",
                *(f"{value:.2f}" for value in (theirs[what], copied[what], ratio, goals[kind])),
                "met" if ratio <= goals[kind] else "[red]missed",
                *(f"{value:.2f}" for value in (their_commands[what], ran[what], whole)),
            )
    console.print(table)
    return met


if __name__ == "__main__":
    sys.exit(main())
