"""``make bench-deploy``: the time of a deploy beside ``mpremote fs cp -r``, and boards after power cuts in it.

Both tools put the same application on a virtual board behind a line of a real one's speed. The goals are for the
copying alone: each tool has its connection open, and camrig's time includes the build. The times of the whole
commands are shown beside it, with the start of Python, the connection and the restart of the interpreter on the
board. Exit code 1 when a goal is missed.
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

from camrig.deploy.manifest import build_files, sources
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
TIMES = 5  # repetitions of the short deploys; the median counts
GOALS = {"full": {"py": 1 / 4, "mpy": 1 / 2}, "same": {"py": 1 / 5, "mpy": 1 / 5}, "one": {"py": 1 / 3, "mpy": 1 / 3}}
CALLED = {"full": "everything", "same": "nothing changed", "one": "one file changed"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=200, help="power cuts (200)")
    parser.add_argument("--no-times", action="store_true", help="only the power cuts")
    options = parser.parse_args()
    console, met = Console(width=120), True
    with tempfile.TemporaryDirectory(prefix="camrig-bench-") as folder:
        if not options.no_times:
            for baud in BAUDS:
                met &= compare(console, baud, Path(folder) / str(baud))
        if options.cuts:
            old, new = (cargo(Path(folder) / name) for name in ("old", "new"))
            for part in (old, new):
                (part / "device" / "old_part.py").write_text("OLD = True\n")
            change_all(new)
            met &= cuts(console, options.cuts, Path(folder), settings(old), settings(new))
    return 0 if met else 1


@contextmanager
def camrig(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    with open_board(port, settings(source)) as board:
        yield board.deploy


@contextmanager
def camrig_command(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    yield lambda: _run("benchmarks.application", port, str(source))


@contextmanager
def mpremote(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    state = State()
    state.transport = SerialTransport(port)
    state.transport.enter_raw_repl()
    state._auto_soft_reset = False

    def copy() -> None:
        names = [str(path) for path in sorted(tree.iterdir())]
        arguments = argparse.Namespace(command=["cp"], path=[*names, ":"], recursive=True, force=False, verbose=None)
        with redirect_stdout(StringIO()):
            do_filesystem(state, arguments)

    yield copy
    state.transport.close()


@contextmanager
def mpremote_command(port: str, source: Path, tree: Path) -> Iterator[Callable[[], object]]:
    names = [str(path) for path in sorted(tree.iterdir())]
    yield lambda: _run("mpremote", "connect", port, "fs", "cp", "-r", *names, ":")


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, check=True, capture_output=True, timeout=300)


def write_tree(tree: Path, source: Path, kind: str) -> None:
    """Write the tree that mpremote copies: camrig's files, as source or for the board's .mpy version."""
    resolved = settings(source)
    paths = sources(resolved.lib, resolved.app, resolved.agent)
    with VirtualBoard.start(VirtualConfig()) as virtual, open_board(virtual.path, resolved) as board:
        built = build_files(paths, board.identity.mpy if kind == "mpy" else None, [])
    for file in built:
        path = tree / file.target.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != file.data:
            path.write_bytes(file.data)


def times(tool: Callable[..., object], kind: str, baud: int, home: Path) -> dict[str, float]:
    """Seconds for each situation, on a separate board and line."""
    source, tree = cargo(home / "source"), home / "tree"
    write_tree(tree, source, kind)

    def once(work: Callable[[], object]) -> float:
        start = time.monotonic()
        work()
        return time.monotonic() - start

    def changed(work: Callable[[], object]) -> float:
        change_library(source)
        write_tree(tree, source, kind)
        return once(work)

    with (
        VirtualBoard.start(VirtualConfig()) as virtual,
        Throttle(virtual.path, baud) as line,
        tool(line.path, source, tree) as work,
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
    copied = times(camrig, "mpy", baud, home / "camrig")
    ran = times(camrig_command, "mpy", baud, home / "camrig-command")
    for kind in ("py", "mpy"):
        theirs = times(mpremote, kind, baud, home / f"mpremote-{kind}")
        their_commands = times(mpremote_command, kind, baud, home / f"mpremote-command-{kind}")
        for situation, goals in GOALS.items():
            ratio, whole = copied[situation] / theirs[situation], ran[situation] / their_commands[situation]
            met &= ratio <= goals[kind]
            table.add_row(
                CALLED[situation],
                f".{kind} tree",
                *(f"{value:.2f}" for value in (theirs[situation], copied[situation], ratio, goals[kind])),
                "met" if ratio <= goals[kind] else "[red]missed",
                *(f"{value:.2f}" for value in (their_commands[situation], ran[situation], whole)),
            )
    console.print(table)
    return met


if __name__ == "__main__":
    sys.exit(main())
