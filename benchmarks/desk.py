"""``make bench-desk``: how long an answer takes at the desk, beside ``mpremote run`` of the same test.

A small library is tested on a virtual board: a ring of values, filled and read back on the board. camrig does so with
pytest in three ways: on a fresh board, on a kept one, and with ``camrig watch``, from the save to its line. mpremote
copies the module and runs the same test as a script, on a board that is up already, which flatters it beside the
fresh one. Every way takes its turn in each round, and each time the module has been saved before. Exit code 1
when a way of camrig's takes longer than its goal.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from camrig.report.text_table import text_table
from camrig.virtual.board import VirtualBoard, VirtualConfig

GOAL = 1.0  # seconds for an answer, on an idle machine
MODULE = """class Ring:
    def __init__(self, size):
        self.values, self.size = [], size

    def push(self, value):
        self.values.append(value)
        del self.values[: -self.size]
"""
MODULE_FILE, RUN = "lib/ring.py", ("run", "script.py")
STEPS = "from ring import Ring\nring = Ring(3)\nfor value in range(5):\n    ring.push(value)\n"
TEST = f"""STEPS = {STEPS!r}


def test_ring(board):
    board.exec(STEPS)
    assert board.eval('ring.values') == [2, 3, 4]
"""
SCRIPT = f"{STEPS}assert ring.values == [2, 3, 4]\n"
NAMES = {
    "fresh": "camrig: pytest, fresh board",
    "kept": "camrig: pytest, kept board",
    "watch": "camrig watch: save to answer",
    "copy and run": "mpremote cp, run",
    "run": "mpremote run, nothing copied",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="answers of each way (10)")
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="camrig-desk-")))
        own, watched = (write_repository(folder / name) for name in ("own", "watched"))
        # The kept board of whoever measures is out of reach, and the fresh one meets none.
        with_kept, without = (environment(folder / name) for name in ("kept", "fresh"))
        board = stack.enter_context(VirtualBoard.start(VirtualConfig()))
        command([sys.executable, "-m", "camrig", "sim", "--keep"], own, with_kept)
        stack.callback(command, [sys.executable, "-m", "camrig", "sim", "--end"], own, with_kept)
        pytest = [sys.executable, "-m", "pytest", "-q", "tests"]
        mpremote = [sys.executable, "-m", "mpremote", "connect", board.path]
        ways = {
            "fresh": lambda: command(pytest, own, without),
            "kept": lambda: command(pytest, own, with_kept),
            "watch": stack.enter_context(watching(watched, with_kept)),
            "copy and run": lambda: command([*mpremote, "cp", MODULE_FILE, ":ring.py", "+", *RUN], own, without),
            "run": lambda: command([*mpremote, *RUN], own, without),
        }
        times = measure(ways, rounds, own)
    return report(times)


def write_repository(folder: Path) -> Path:
    """A folder with a library, an application that prints a line, a test of the library, and the test as a script."""
    for name in ("lib", "firmware", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / MODULE_FILE).write_text(MODULE)
    (folder / "firmware" / "main.py").write_text("print('ready')\n")
    (folder / "camrig.toml").write_text('lib = "lib"\napp = "firmware"\nready = "^ready$"\n')
    (folder / "tests" / "test_ring.py").write_text(TEST)
    (folder / "script.py").write_text(SCRIPT)
    return folder


def environment(runtime: Path) -> dict[str, str]:
    """That of a user: compiled modules are kept, and nothing is set for camrig."""
    runtime.mkdir()
    hidden = ("CAMRIG_", "ESP", "PYTEST_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)} | {
        "XDG_RUNTIME_DIR": str(runtime)
    }


def command(words: list[str], folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stdout}{done.stderr}")


@contextmanager
def watching(folder: Path, env: dict[str, str]) -> Iterator[Callable[[], None]]:
    """A running ``camrig watch``: a call saves the module, and returns when the line of that cycle is there."""
    words = [sys.executable, "-u", "-m", "camrig", "watch", "tests"]
    with subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def answer(saved: str) -> None:
            assert process.stdout is not None
            for line in process.stdout:
                if f"  {saved}: 1 passed" in line:
                    return
            raise SystemExit("camrig watch has ended")

        def save() -> None:
            edit(folder)
            answer(MODULE_FILE)

        try:
            answer("start")
            process.stdout.readline()  # that it watches
            yield save
        finally:
            process.terminate()


def edit(folder: Path) -> None:
    (folder / MODULE_FILE).write_text(MODULE + f"\n\nEDITED = {time.time_ns()}\n")


def measure(ways: dict[str, Callable[[], None]], rounds: int, folder: Path) -> dict[str, list[float]]:
    """The seconds of each way in each round, in turns, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            if name != "watch":  # which saves by itself
                edit(folder)
            started = time.perf_counter()
            way()
            if number:
                times[name].append(time.perf_counter() - started)
    return times


def report(times: dict[str, list[float]]) -> int:
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    rows = [
        (
            NAMES[name],
            f"{min(seconds):.2f}",
            f"{medians[name]:.2f}",
            f"{max(seconds):.2f}",
            f"{medians[name] / medians['copy and run']:.2f} ×",
        )
        for name, seconds in times.items()
    ]
    print(text_table(("answer", "shortest", "median", "longest", "of mpremote cp, run"), rows, ("answer",)))
    missed = [NAMES[name] for name in ("fresh", "kept", "watch") if medians[name] > GOAL]
    print(f"more than {GOAL:g} s: {', '.join(missed)}" if missed else f"each answer within {GOAL:g} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
