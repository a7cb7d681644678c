"""The two libraries of a comparison: found, named in header and evidence, and deployed alone and side by side."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from camrig.bringup.in_force import run_header
from camrig.compare.limits import limits_of
from camrig.deploy.contents import upstream_cors
from camrig.deploy.folders import CORS, SUFFIXES, library_modules, read_source
from camrig.deploy.hang import Hang, stem_of
from camrig.errors import SettingsError
from camrig.probe.interleaved import SIDES
from camrig.settings.resolve import Settings

UPSTREAM = "upstream"


@dataclass(frozen=True)
class Library:
    """One side: the name that the user gave, its folder, laid over ``/lib`` on the board, and its CORS module.

    ``sha256`` is that of the module's source.
    """

    name: str
    folder: Path
    cors: Path
    sha256: str


def find_library(name: str, into: Path) -> Library:
    """The library that ``name`` means: a folder with microdot/cors.py, or ``upstream``, copied into ``into``.

    Raises SettingsError for anything else.
    """
    if name == UPSTREAM:
        folder, cors = into, upstream_cors()
        (into / "microdot").mkdir(parents=True, exist_ok=True)
        shutil.copyfile(cors, into / f"{CORS}.py")
    else:
        folder = Path(name).expanduser()
        modules = library_modules(folder)
        cors = next(path for suffix in SUFFIXES if (path := modules.get(f"{CORS}{suffix}")))
    return Library(name, folder, cors, hashlib.sha256(read_source(cors)).hexdigest())


def ab_header(settings: Settings, candidate: Library, baseline: Library) -> str:
    """The header of a comparison of two libraries; the last line says if they are the same. Raises SettingsError."""
    header = run_header(
        settings,
        limits_of(settings, paired=True),
        {
            label: (library.folder, library.cors if library.name == UPSTREAM else None)
            for label, library in (("candidate", candidate), ("baseline", baseline))
        },
    )
    if candidate.sha256 != baseline.sha256:
        return header
    return f"{header}\n{candidate.cors} and {baseline.cors} have the same content: a library is compared with itself"


def libraries_record(candidate: Library, baseline: Library, built: Mapping[str, str]) -> dict[str, Any]:
    """Both libraries for evidence; ``built`` has the SHA-256 of each side's module, read back from the board."""
    return {
        "libraries": {
            side: {
                "name": library.name,
                "source": str(library.cors),
                "source_sha256": library.sha256,
                "sha256": built.get(side, ""),
            }
            for side, library in zip(SIDES, (candidate, baseline), strict=True)
        },
        "same_content": candidate.sha256 == baseline.sha256,
    }


def module_of(side: str) -> str:
    """The module of the CORS library of ``side`` on a board that holds both."""
    return f"microdot.camrig_{side}"


def owner_of(hang: Hang) -> str:
    """The side whose library hangs on a board that holds both; empty if it is neither's, or of a file of both."""
    names = {module_of(side).replace(".", "/"): side for side in SIDES}
    return next((side for name, side in names.items() if stem_of(hang.frame.file).endswith(name)), "")


def side_by_side(first: Library, second: Library, into: Path) -> Path:
    """A folder with both libraries: their CORS modules under names of equal length, their other files merged.

    ``microdot.cors`` itself, which the application imports, is the first one's. Raises SettingsError when any other
    file differs between the two, or a CORS module is no longer what it was when its library was found.
    """
    merged: dict[str, str] = {}  # name without suffix to the whole name
    for side, library in zip(SIDES, (first, second), strict=True):
        for name, path in library_modules(library.folder).items():
            stem = str(PurePosixPath(name).with_suffix(""))
            if stem == CORS and side != SIDES[0]:
                continue
            target = into / name
            if merged.setdefault(stem, name) != name or (
                target.exists() and read_source(target) != read_source(path)
            ):
                raise SettingsError(
                    f"both libraries have a file {name}, and they differ",
                    hint="only microdot/cors may differ side by side; compare whole runs with --hil-compare",
                )
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for side, library in zip(SIDES, (first, second), strict=True):
        copy = (into / module_of(side).replace(".", "/")).with_suffix(library.cors.suffix)
        if copy.relative_to(into).with_suffix("").as_posix() in merged:
            raise SettingsError(f"a library has a file {copy.name}, which the comparison itself uses")
        shutil.copyfile(library.cors, copy)
        if hashlib.sha256(read_source(copy)).hexdigest() != library.sha256:
            raise SettingsError(f"{library.cors} has changed since the comparison began", hint="run it again")
    return into
