"""What should be on the board: the library over the pinned microdot, the application, and the rig's agent or not."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from camrig.board.identity import MpyVersion
from camrig.deploy.compile import check_mpy, compile_mpy, compiler
from camrig.errors import DeployError

# The parts of microdot that a camera server needs on a board; the rest of the package is for hosts.
MICRODOT = ("__init__.py", "microdot.py", "cors.py")
COMPILERS = 4  # at once
SOURCE_ONLY = ("/boot.py", "/main.py")  # MicroPython starts these by name, and only from source


@dataclass(frozen=True)
class File:
    """One file as it should stand on the board. The bytes of a secret one are in no representation."""

    target: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def sources(lib: Path, app: Path, agent: Path | None) -> dict[str, Path]:
    """Target path on the board to source on the host, before compiling.

    Later layers hide earlier ones: pinned microdot, then the library under test, then the application.
    Raises DeployError for a folder that cannot be an application or a library.
    """
    if not (app / "main.py").is_file():
        raise DeployError(f"{app} is not an application: it has no main.py", hint="point --hil-app at its folder")
    found = {f"/lib/microdot/{name}": path for name, path in _pinned_microdot().items()}
    library = {f"/lib/{name}": path for name, path in _tree(lib)}
    if not library:
        raise DeployError(f"{lib} holds no Python files", hint="point --hil-lib at the library's folder")
    own = {f"/{name}": path for name, path in _tree(app) if PurePosixPath(name).stem != "rig_agent"}
    for layer in (library, own, {} if agent is None else {"/rig_agent.py": agent}):
        for target, path in layer.items():
            found.pop(_twin(target), None)
            found[target] = path
    return found


def files(found: Mapping[str, Path], version: MpyVersion | None, settings: Iterable[File]) -> list[File]:
    """The files to deploy, built for ``version`` (None: the firmware loads only source), main.py last."""

    def build(target: str, source: Path) -> File:
        data = source.read_bytes()
        if source.suffix == ".mpy":
            check_mpy(data, source, version)
            return File(target, data)
        if version is None or target in SOURCE_ONLY:
            return File(target, data)
        mpy = str(PurePosixPath(target).with_suffix(".mpy"))
        return File(mpy, compile_mpy(source, target.lstrip("/"), version))

    if version is not None:
        compiler(version)  # found once, or not at all, before there are threads
    with ThreadPoolExecutor(COMPILERS) as pool:  # each waits for a process
        built = list(pool.map(build, found.keys(), found.values()))
    built += settings
    return sorted(built, key=lambda file: (file.target == "/main.py", file.target))


def hiding(targets: Iterable[str]) -> list[str]:
    """Paths that would be imported in place of a deployed module, if they were on the board.

    MicroPython looks in ``/`` before ``/lib``, and in one folder takes a package before ``.py`` before ``.mpy``
    (py/builtinimport.c), so a forgotten ``/microdot.py`` would be measured instead of the library.
    """
    mine = set(targets)
    hidden = set()
    for target in mine:
        path = PurePosixPath(target)
        if path.suffix not in (".py", ".mpy"):
            continue
        stem = str(path.with_suffix(""))
        hidden |= {stem + ".py"} if path.suffix == ".mpy" else set()
        hidden |= {stem} if path.stem != "__init__" and target not in SOURCE_ONLY else set()
        if path.parts[1] == "lib":
            top = PurePosixPath(path.parts[2]).stem
            hidden |= {f"/{top}", f"/{top}.py", f"/{top}.mpy"}
    return sorted(hidden - mine)


def upstream_cors() -> Path:
    """The CORS library of the pinned microdot package. Raises DeployError."""
    return _pinned_microdot()["cors.py"]


def _pinned_microdot() -> dict[str, Path]:
    try:
        package = importlib.metadata.distribution("microdot")
    except importlib.metadata.PackageNotFoundError:
        raise DeployError("the microdot package is not installed", hint="install camrig again with pip") from None
    return {name: Path(str(package.locate_file(f"microdot/{name}"))) for name in MICRODOT}


def _tree(folder: Path) -> list[tuple[str, Path]]:
    """Every module below ``folder`` with its name relative to it; caches and hidden files are left out.

    Of a module that is there as source and as bytecode, MicroPython would take the source, and so does this.
    """
    found = []
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.mpy")]):
        name = path.relative_to(folder)
        if any(part.startswith((".", "__pycache__")) for part in name.parts):
            continue
        if path.suffix == ".py" or not path.with_suffix(".py").exists():
            found.append((name.as_posix(), path))
    return found


def _twin(target: str) -> str:
    """The same module as bytecode instead of source, or the other way round."""
    path = PurePosixPath(target)
    return str(path.with_suffix(".py" if path.suffix == ".mpy" else ".mpy"))
