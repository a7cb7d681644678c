"""The application that the benchmarks deploy: a copy of the repository's own, and ways to change it."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from camrig.bringup.board import Board
from camrig.settings.resolve import Settings, resolve
from camrig.settings.wifi import Wifi

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "lib/microdot/cors.py"
TOKEN = "0" * 32  # the same in every deploy: a new one would be a change
WIFI = Wifi("bench", "bench password")


def cargo(folder: Path) -> Path:
    """A fresh copy in ``folder``."""
    for name in ("lib", "device"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def settings(folder: Path) -> Settings:
    """The settings that deploy the application in ``folder``."""
    return replace(resolve({"lib": str(folder / "lib"), "app": str(folder / "device")}, {}, folder), wifi=WIFI)


def change_library(folder: Path) -> None:
    """Change one file."""
    path = folder / LIBRARY
    path.write_text(path.read_text() + f"_CHANGED = {time.monotonic_ns()}\n")


def change_all(folder: Path) -> None:
    """Change every file, remove one and add one."""
    for path in [*(folder / "lib").rglob("*.py"), *(folder / "device").glob("*.py")]:
        path.write_text(path.read_text() + "\n_NEW = True\n")
    (folder / "device" / "old_part.py").unlink()
    (folder / "device" / "new_part.py").write_text("NEW = True\n")


def open_board(port: str, settings: Settings) -> Board:
    return Board(port, settings, token=TOKEN)
