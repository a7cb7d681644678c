"""What should be on the board, what is refused, and what is left out.

On the board, in layers:

- the modules of the pinned microdot package that a camera server uses, in ``/lib/microdot``;
- the library under test, in ``/lib``;
- the application, in ``/``;
- the rig's agent, unless the deploy is for production.

Each module is in one file of one layer, so that no file takes the place of another and what is judged is what was
named. The library may replace modules of the pinned package, in the same place: that is what it is for. Everything
else that would be imported under a name which another file has is refused, also when both have the same content,
and names that differ only in case count as one, because FAT does not tell them apart.

Left out:

- the other modules of microdot: a camera server does not use them, and they take flash;
- what MicroPython does not import (see ``folders``);
- a ``rig_agent`` in the application's folder: whether the agent is on the board is the deploy's decision;
- a file of the application that is the library's own file, where the library lies in the application's folder.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path, PurePosixPath

from camrig.board.identity import MpyVersion
from camrig.deploy.compile import CompileError, check_compiles, check_mpy, compile_mpy, compiler
from camrig.deploy.folders import application_modules, library_modules, read_source
from camrig.errors import DeployError, LibraryError, SettingsError

MICRODOT, LIBRARY, APPLICATION, AGENT = "the pinned Microdot", "the library", "the application", "the rig's agent"
MICRODOT_MODULES = ("__init__.py", "microdot.py", "cors.py")
AGENT_MODULE = "rig_agent"
CORS_MODULE = "/lib/microdot/cors"
COMPILERS = 4  # that run at once
SOURCE_ONLY = ("/boot.py", "/main.py")  # MicroPython starts these by name, and only from source


@dataclass(frozen=True)
class File:
    """One file as it should be on the board. Its bytes, which may be secret, are in no representation."""

    target: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


Layers = Mapping[str, Mapping[str, Path]]  # name of the layer: target path on the board: source on the host


@dataclass(frozen=True)
class Claim:
    """A file that an import of some module or package finds: at ``place`` on the board, a file or a folder."""

    place: str
    target: str
    layer: str
    source: Path


def sources(lib: Path, app: Path, agent: Path | None) -> dict[str, Path]:
    """Target path on the board to source on the host, before compiling.

    Raises SettingsError for a folder that cannot be an application or a library, and for files of one name.
    """
    return merge(read_layers(lib, app, agent))


def read_layers(lib: Path, app: Path, agent: Path | None) -> dict[str, dict[str, Path]]:
    """The files of each layer. Raises SettingsError for a folder that cannot be an application or a library."""
    application = {f"/{name}": path for name, path in application_modules(app).items()}
    library = {f"/lib/{name}": path for name, path in library_modules(lib).items()}
    return {
        MICRODOT: {f"/lib/microdot/{name}": path for name, path in _pinned_microdot().items()},
        LIBRARY: library,
        APPLICATION: {
            target: path
            for target, path in application.items()
            if PurePosixPath(target).stem != AGENT_MODULE
            and not (target in library and os.path.samefile(path, library[target]))
        },
        AGENT: {} if agent is None else {f"/{AGENT_MODULE}.py": agent},
    }


def merge(layers: Layers) -> dict[str, Path]:
    """The files of all layers, target to source. Pure.

    Raises SettingsError, naming both files, when two of them would be imported under one name.
    """
    replaced = {_stem(target) for target in layers.get(LIBRARY, {})}
    claims: dict[str, list[Claim]] = {}
    merged: dict[str, Path] = {}
    for layer, files in layers.items():
        for target, source in sorted(files.items()):
            if layer == MICRODOT and _stem(target) in replaced:
                continue
            merged[target] = source
            for name, place in _names(target):
                claims.setdefault(name, []).append(Claim(place, target, layer, source))
    clashes = [
        (name, first, second)
        for name, claimants in claims.items()
        if any(_clash(claimants[0], claim) for claim in claimants[1:])
        for first, second in combinations(claimants, 2)
        if _clash(first, second)
    ]
    if clashes:
        raise _clash_error(*min(clashes, key=lambda clash: _distance_from_library(*clash)))
    return merged


def _names(target: str) -> Iterator[tuple[str, str]]:
    """The names, without case, of the packages that contain the module at ``target`` and of itself, and their places.

    A path in ``/lib`` is imported by the same names as one in ``/``, where MicroPython looks first. A folder is a
    package even without ``__init__``, and is imported in place of a module of its name beside it.
    """
    parts = PurePosixPath(_stem(target)).parts[1:]
    start = 1 if len(parts) > 1 and parts[0].casefold() == "lib" and parts[1] != "__init__" else 0
    for end in range(start + 1, len(parts) + 1):
        place = target if end == len(parts) else "/" + "/".join(parts[:end])
        yield "/".join(parts[start:end]).casefold(), place


def _clash(first: Claim, second: Claim) -> bool:
    """Whether both cannot be on one board. Modules of one folder share its place, but never their own."""
    return first.place != second.place or first.place == first.target


def _distance_from_library(name: str, first: Claim, second: Claim) -> tuple[object, ...]:
    """The clash to report is that of the CORS module, then one with the library, then of the longest name."""
    targets = [_stem(claim.target) == CORS_MODULE for claim in (first, second)]
    return LIBRARY not in (first.layer, second.layer), -sum(targets), -name.count("/"), first.target, second.target


def _clash_error(name: str, first: Claim, second: Claim) -> SettingsError:
    module = name.removesuffix("/__init__").replace("/", ".")
    case = ", where case does not count" if first.place.casefold() == second.place.casefold() else ""
    case = case if first.place != second.place else ""
    if first.layer == second.layer:
        whose, hint = f", both of {first.layer}, are", "keep one of them"
    else:
        whose = " are"
        foreign = second if second.layer == APPLICATION else first if first.layer == APPLICATION else second
        hint = f"remove {foreign.source}, or rename it: each module may come from one place only"
    files = [
        f"{claim.source}" + ("" if first.layer == second.layer else f" of {claim.layer}") for claim in (first, second)
    ]
    return SettingsError(f"{files[0]} and {files[1]}{whose} both {module} on the board{case}", hint=hint)


def build_files(sources: Mapping[str, Path], version: MpyVersion | None, settings: Iterable[File]) -> list[File]:
    """The files to deploy, built for ``version`` (None: the firmware loads only source), main.py last."""

    def build(target: str, source: Path) -> File:
        data = read_source(source)
        if source.suffix == ".mpy":
            check_mpy(data, source, version)
            return File(target, data)
        if version is None or target in SOURCE_ONLY:
            return File(target, data)
        mpy = str(PurePosixPath(target).with_suffix(".mpy"))
        return File(mpy, compile_mpy(source, target.lstrip("/"), version))

    if version is not None:
        compiler(version)  # before there are threads, so that it is looked for once
    with ThreadPoolExecutor(COMPILERS) as pool:  # each waits for a process
        built = list(pool.map(build, sources.keys(), sources.values()))
    built += settings
    return sorted(built, key=lambda file: (file.target == "/main.py", file.target))


@contextmanager
def faults_of(layers: Layers) -> Iterator[None]:
    """Code under test that does not compile has failed: a CompileError within is raised as what its layer makes it.

    Raises LibraryError for the library, SettingsError for the application.
    """
    try:
        yield
    except CompileError as error:
        if error.source in layers[LIBRARY].values():
            raise LibraryError(f"the library: {error.what}", hint=error.hint, details=error.details) from None
        if error.source in layers[APPLICATION].values():
            raise SettingsError(f"the application: {error.what}", hint=error.hint, details=error.details) from None
        raise


def check_sources(layers: Layers) -> None:
    """Compile library and application, before a board is looked for. Raises LibraryError, SettingsError."""
    files = [
        source for layer in (LIBRARY, APPLICATION) for source in layers[layer].values() if source.suffix == ".py"
    ]
    with faults_of(layers), ThreadPoolExecutor(COMPILERS) as pool:
        list(pool.map(check_compiles, files))


def hiding_paths(targets: Iterable[str]) -> list[str]:
    """Paths that would be imported in place of a deployed module, if they were on the board.

    MicroPython looks in ``/`` before ``/lib``, and in one folder takes a package before ``.py`` before ``.mpy``
    (py/builtinimport.c), so a forgotten ``/microdot.py`` would be measured instead of the library.
    """
    deployed = set(targets)
    hiding = set()
    for target in deployed:
        path = PurePosixPath(target)
        if path.suffix not in (".py", ".mpy"):
            continue
        stem = str(path.with_suffix(""))
        hiding |= {stem + ".py"} if path.suffix == ".mpy" else set()
        hiding |= {stem} if path.stem != "__init__" and target not in SOURCE_ONLY else set()
        if path.parts[1] == "lib":
            top = PurePosixPath(path.parts[2]).stem
            hiding |= {f"/{top}", f"/{top}.py", f"/{top}.mpy"}
    return sorted(hiding - deployed)


def upstream_cors() -> Path:
    """The CORS library of the pinned microdot package. Raises DeployError."""
    return _pinned_microdot()["cors.py"]


def _pinned_microdot() -> dict[str, Path]:
    try:
        package = importlib.metadata.distribution("microdot")
    except importlib.metadata.PackageNotFoundError:
        raise DeployError("the microdot package is not installed", hint="install camrig again with pip") from None
    return {name: Path(str(package.locate_file(f"microdot/{name}"))) for name in MICRODOT_MODULES}


def _stem(target: str) -> str:
    """A module's path without ``.py`` or ``.mpy``."""
    return str(PurePosixPath(target).with_suffix(""))
