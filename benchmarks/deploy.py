"""``make bench-deploy``: the time of a deploy beside mpremote and mpytool, and boards after power cuts in it.

Every tool puts the same application on a virtual board of its own, behind a line of a real board's speed, in turns. A
ratio is the median of the ratios in the rounds: a machine that is busy for a while slows both sides of it.

Whole commands: ``camrig deploy`` builds the files, sends them, reads them back, imports the library, restarts the
board and ends when the application serves. ``mpytool cp`` copies files that are built already, and ends on a stopped
board; its other column adds a reset, and a wait for the same answer. The goals are for that end state, and for the
copying alone.

On an open line the goals are for camrig's build and copying beside mpremote's copying. Exit code 1 when a goal is
missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from camrig.deploy.contents import sources
from camrig.deploy.layers import SETTINGS_FILE, TOKEN_FILE
from camrig.deploy.manifest import build_files
from camrig.virtual.board import VirtualBoard, VirtualConfig
from rich.console import Console
from rich.table import Table

from benchmarks.application import WIFI, cargo, change_all, change_library, open_board, settings
from benchmarks.cuts import cuts
from benchmarks.deploy_tools import (
    START,
    Target,
    Tool,
    Work,
    camrig,
    camrig_open,
    mpremote,
    mpremote_open,
    mpytool,
    mpytool_serving,
)
from benchmarks.throttle import Throttle

BAUDS = (115200, 921600)
SITUATIONS = {"full": "everything", "same": "nothing changed", "one": "one file changed"}
COMMANDS: Mapping[str, Tool] = {
    "mpremote": mpremote,
    "mpytool": mpytool,
    "mpytool until it serves": mpytool_serving,
    "camrig": camrig,
}
OPEN: Mapping[str, Tool] = {
    "mpremote .py": mpremote_open("py"),
    "mpremote .mpy": mpremote_open("mpy"),
    "camrig": camrig_open,
}
OPEN_GOALS = {
    "full": {"mpremote .py": 1 / 4, "mpremote .mpy": 1 / 2},
    "same": {"mpremote .py": 1 / 5, "mpremote .mpy": 1 / 5},
    "one": {"mpremote .py": 1 / 3, "mpremote .mpy": 1 / 3},
}
COPYING = "camrig without the start"
RATIOS = (  # ours, theirs, and the goal of it
    ("camrig", "mpytool until it serves", 1.0),
    (COPYING, "mpytool", 1.0),
    ("camrig", "mpytool", None),
    ("camrig", "mpremote", None),
)

Round = dict[str, float]  # seconds by tool


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=200, help="power cuts (200)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each situation (5)")
    parser.add_argument("--baud", type=int, nargs="*", default=BAUDS, help="speeds of the line (115200 921600)")
    parser.add_argument("--no-open", action="store_true", help="only whole commands")
    parser.add_argument("--no-times", action="store_true", help="only the power cuts")
    options = parser.parse_args()
    console, met = Console(width=120), True
    with tempfile.TemporaryDirectory(prefix="camrig-bench-") as folder:
        for baud in () if options.no_times else options.baud:
            met &= show_commands(console, baud, measure(COMMANDS, baud, options.rounds, Path(folder) / f"c{baud}"))
            if not options.no_open:
                met &= show_open(console, baud, measure(OPEN, baud, options.rounds, Path(folder) / f"o{baud}"))
        if options.cuts:
            old, new = (cargo(Path(folder) / name) for name in ("old", "new"))
            for part in (old, new):
                (part / "device" / "old_part.py").write_text("OLD = True\n")
            change_all(new)
            met &= cuts(console, options.cuts, Path(folder), settings(old), settings(new))
    return 0 if met else 1


class Trees:
    """What mpremote and mpytool copy: camrig's files, as source and for the .mpy version of the virtual board."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source = folder, source
        self._settings = settings(source)
        with VirtualBoard.start(VirtualConfig()) as virtual, open_board(virtual.path, self._settings) as board:
            self._version = board.identity.mpy
            generated = [file for file in board.deployment.files() if file.target in (SETTINGS_FILE, TOKEN_FILE)]
        self._generated = generated
        self.write()

    def write(self) -> None:
        paths = sources(self._settings.lib, self._settings.app, self._settings.agent)
        for kind, version in (("py", None), ("mpy", self._version)):
            for file in build_files(paths, version, self._generated):
                path = self.folder / kind / file.target.lstrip("/")
                path.parent.mkdir(parents=True, exist_ok=True)
                if not path.exists() or path.read_bytes() != file.data:
                    path.write_bytes(file.data)

    def change(self) -> None:
        """Change one file."""
        change_library(self.source)
        self.write()


def measure(tools: Mapping[str, Tool], baud: int, rounds: int, home: Path) -> dict[str, list[Round]]:
    """Seconds in each situation and round. Each tool has a board of its own; each full deploy has an empty one."""
    trees = Trees(home / "trees", cargo(home / "source"))
    times: dict[str, list[Round]] = {situation: [] for situation in SITUATIONS}
    for number in range(rounds):
        with ExitStack() as stack:
            works = {name: stack.enter_context(_ready(tool, baud, trees)) for name, tool in tools.items()}
            order = list(works)[number % len(works) :] + list(works)[: number % len(works)]
            times["full"].append(_round(works, order))
            times["same"].append(_round(works, order))
            trees.change()
            times["one"].append(_round(works, order))
    return times


@contextmanager
def _ready(tool: Tool, baud: int, trees: Trees) -> Iterator[Work]:
    config = VirtualConfig(wifi_ssid=WIFI.ssid, wifi_password=WIFI.password)
    with (
        VirtualBoard.start(config) as virtual,
        Throttle(virtual.path, baud) as line,
        tool(Target(line.path, virtual.address, trees.source, trees.folder)) as work,
    ):
        yield work


def _round(works: Mapping[str, Work], order: Sequence[str]) -> Round:
    seconds: Round = {}
    for name in order:
        start = time.monotonic()
        own = works[name]()
        seconds[name] = time.monotonic() - start
        if START in own:
            seconds[COPYING] = seconds[name] - own[START]
    return seconds


def _median(rounds: Sequence[Round], name: str) -> str:
    return f"{statistics.median(round[name] for round in rounds):.2f}"


def _ratio(rounds: Sequence[Round], ours: str, theirs: str) -> float:
    return statistics.median(round[ours] / round[theirs] for round in rounds)


def show_commands(console: Console, baud: int, times: Mapping[str, Sequence[Round]]) -> bool:
    """True when every goal is met."""
    columns = (*COMMANDS, COPYING)
    table = Table(title=f"whole commands at {baud} baud: median seconds")
    table.add_column("")
    for name in columns:
        table.add_column(name, justify="right")
    ratios, met = Table(title=f"whole commands at {baud} baud: ratios"), True
    ratios.add_column("")
    for ours, theirs, _ in RATIOS:
        ratios.add_column(f"{ours} to {theirs}", justify="right")
    for situation, rounds in times.items():
        table.add_row(SITUATIONS[situation], *(_median(rounds, name) for name in columns))
        cells = []
        for ours, theirs, goal in RATIOS:
            ratio = _ratio(rounds, ours, theirs)
            missed = goal is not None and ratio > goal
            met &= not missed
            cells.append(f"[red]{ratio:.2f}" if missed else f"{ratio:.2f}")
        ratios.add_row(SITUATIONS[situation], *cells)
    console.print(table)
    console.print(ratios)
    return met


def show_open(console: Console, baud: int, times: Mapping[str, Sequence[Round]]) -> bool:
    """True when every goal is met."""
    table, met = Table(title=f"on an open line at {baud} baud: median seconds"), True
    for name in ("", "beside", "its time", "camrig", "ratio", "goal", ""):
        table.add_column(name, justify="left" if name in ("", "beside") else "right")
    for situation, goals in OPEN_GOALS.items():
        for name, goal in goals.items():
            rounds = times[situation]
            ratio = _ratio(rounds, "camrig", name)
            met &= ratio <= goal
            cells = (_median(rounds, name), _median(rounds, "camrig"), f"{ratio:.2f}", f"{goal:.2f}")
            table.add_row(SITUATIONS[situation], name, *cells, "met" if ratio <= goal else "[red]missed")
    console.print(table)
    return met


if __name__ == "__main__":
    sys.exit(main())
