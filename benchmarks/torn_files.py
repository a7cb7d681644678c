"""Writers that are killed at any moment: how many files are torn, and what is left behind?

``python benchmarks/torn_files.py`` kills a writer 200 times, in each of the ways in which camrig writes: results (a
name of their own), baselines (replaced), evidence (private). It prints a table and exits 1 for a file that is not
whole, one that others can read although it is private, and parts or folders that the next writer leaves.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from camrig.whole_file import temporary_folder, write_whole

WAYS = {"results": "replace=False", "baseline": "", "evidence": "private=True"}
SIZE = 40_000  # numbers in a file
WRITER = """
import json, os, sys
from itertools import count
from pathlib import Path
from camrig.whole_file import temporary_folder, write_whole
os.umask(0)
folder = Path(sys.argv[1])
with temporary_folder() as temporary:
    (temporary / "file").touch()
    print("ready", flush=True)
    for number in count():
        name = f"{os.getpid()}-{number % 50}" if "replace" in "WAY" else "file"
        try:
            write_whole(folder / name, json.dumps([number] * SIZE).encode(), WAY)
        except FileExistsError:
            (folder / name).unlink()
"""


def kill_writer(folder: Path, way: str, chance: random.Random, environment: dict[str, str]) -> None:
    code = WRITER.replace("WAY", WAYS[way]).replace("SIZE", str(SIZE))
    with subprocess.Popen(
        [sys.executable, "-S", "-c", code, str(folder)], stdout=subprocess.PIPE, env=environment
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0, 0.15))
        writer.send_signal(signal.SIGKILL)


def torn(path: Path) -> bool:
    try:
        numbers = json.loads(path.read_bytes())
    except ValueError:
        return True
    return len(numbers) != SIZE or len(set(numbers)) != 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=200, help="writers that are killed (200)")
    number = parser.parse_args().number
    chance, failed = random.Random(0), False
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        (temporary := top / "tmp").mkdir()
        environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
        whole = broken = readable = parts = 0
        for case in range(number):
            way = list(WAYS)[case % len(WAYS)]
            folder = top / way
            folder.mkdir(exist_ok=True)
            kill_writer(folder, way, chance, environment)
            for path in folder.iterdir():
                if path.name.startswith("."):
                    parts += 1
                    readable += bool(path.stat().st_mode & 0o077) and way == "evidence"
                else:
                    broken += torn(path)
                    whole += not torn(path)
                    readable += bool(path.stat().st_mode & 0o077) and way == "evidence"
                    with contextlib.suppress(OSError):
                        path.unlink()
        folders = len(list(temporary.iterdir()))
        tempfile.tempdir = str(temporary)
        with temporary_folder():
            folders_left = len(list(temporary.iterdir())) - 1
        for way in WAYS:
            write_whole(top / way / "file", b"")
        parts_left = sum(len(list((top / way).glob(".*"))) for way in WAYS)
        tempfile.tempdir = None
    failed = bool(broken or readable or folders_left or parts_left)
    print(
        f"{number} writers killed: {whole} whole files, {broken} torn, {readable} private ones that others can read"
    )
    print(f"parts seen after a kill: {parts}, left by the next writer: {parts_left}")
    print(f"temporary folders that ended with the kill: {folders}, left by the next run: {folders_left}")
    return int(failed or not whole)


if __name__ == "__main__":
    sys.exit(main())
