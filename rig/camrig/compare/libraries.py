"""The two libraries of a comparison as folders that can be deployed, each alone and both side by side."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from camrig.deploy.manifest import upstream_cors
from camrig.errors import SettingsError
from camrig.probe.interleaved import SIDES

UPSTREAM = "upstream"
CORS = "microdot/cors"


@dataclass(frozen=True)
class Library:
    """One side: what the user calls it, and its folder, laid over ``/lib``."""

    name: str
    folder: Path


def library(name: str, into: Path) -> Library:
    """What ``name`` means: a folder that holds microdot/cors.py, or ``upstream``, copied into ``into``.

    Raises SettingsError for anything else.
    """
    if name == UPSTREAM:
        (into / "microdot").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(upstream_cors(), into / f"{CORS}.py")
        return Library(name, into)
    folder = Path(name).expanduser()
    if _cors(folder) is None:
        raise SettingsError(
            f"{name} is no library: it has no {CORS}.py", hint=f"name its folder, as for --hil-lib, or {UPSTREAM}"
        )
    return Library(name, folder)


def module(side: str) -> str:
    """The module that the CORS library of ``side`` is on the board, where both are there."""
    return f"microdot.camrig_{side}"


def side_by_side(first: Library, second: Library, into: Path) -> Path:
    """A folder with both libraries: their CORS under names of equal length, the rest of each laid together.

    ``microdot.cors`` itself, which the application wants, is the first's. Raises SettingsError when the two have
    different files of one name besides.
    """
    for found in (second, first):  # the first one's CORS ends on top
        for path in sorted([*found.folder.rglob("*.py"), *found.folder.rglob("*.mpy")]):
            target = into / path.relative_to(found.folder)
            if any(part.startswith((".", "__pycache__")) for part in target.relative_to(into).parts):
                continue
            own = target.relative_to(into).with_suffix("").as_posix() == CORS
            if target.exists() and not own and target.read_bytes() != path.read_bytes():
                raise SettingsError(
                    f"both libraries have a file {target.relative_to(into)}, and they differ",
                    hint="only microdot/cors may differ side by side; compare whole runs with --hil-compare",
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for side, found in zip(SIDES, (first, second), strict=True):
        cors = _cors(found.folder)
        assert cors is not None
        shutil.copyfile(cors, (into / module(side).replace(".", "/")).with_suffix(cors.suffix))
    return into


def _cors(folder: Path) -> Path | None:
    return next((path for suffix in (".py", ".mpy") if (path := folder / f"{CORS}{suffix}").is_file()), None)
