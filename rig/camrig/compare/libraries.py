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
    """One side: the name that the user gave, and its folder, laid over ``/lib`` on the board."""

    name: str
    folder: Path


def find_library(name: str, into: Path) -> Library:
    """The library that ``name`` means: a folder with microdot/cors.py, or ``upstream``, copied into ``into``.

    Raises SettingsError for anything else.
    """
    if name == UPSTREAM:
        (into / "microdot").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(upstream_cors(), into / f"{CORS}.py")
        return Library(name, into)
    folder = Path(name).expanduser()
    if _cors_file(folder) is None:
        raise SettingsError(
            f"{name} is not a library: it has no {CORS}.py",
            hint=f"name its folder, as for --hil-lib, or {UPSTREAM}",
        )
    return Library(name, folder)


def module_of(side: str) -> str:
    """The module of the CORS library of ``side`` on a board that holds both."""
    return f"microdot.camrig_{side}"


def side_by_side(first: Library, second: Library, into: Path) -> Path:
    """A folder with both libraries: their CORS modules under names of equal length, their other files merged.

    ``microdot.cors`` itself, which the application imports, is the first one's. Raises SettingsError when any other
    file differs between the two.
    """
    for library in (second, first):  # so that the first one's CORS module overwrites the second's
        for path in sorted([*library.folder.rglob("*.py"), *library.folder.rglob("*.mpy")]):
            name = path.relative_to(library.folder)
            target = into / name
            if any(part.startswith((".", "__pycache__")) for part in name.parts):
                continue
            is_cors = name.with_suffix("").as_posix() == CORS
            if target.exists() and not is_cors and target.read_bytes() != path.read_bytes():
                raise SettingsError(
                    f"both libraries have a file {name}, and they differ",
                    hint="only microdot/cors may differ side by side; compare whole runs with --hil-compare",
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for side, library in zip(SIDES, (first, second), strict=True):
        cors = _cors_file(library.folder)
        assert cors is not None
        shutil.copyfile(cors, (into / module_of(side).replace(".", "/")).with_suffix(cors.suffix))
    return into


def _cors_file(folder: Path) -> Path | None:
    return next((path for suffix in (".py", ".mpy") if (path := folder / f"{CORS}{suffix}").is_file()), None)
