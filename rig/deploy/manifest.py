"""What should be on the board: the library over the pinned microdot, the application, and the rig's agent or not."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from rig.board.identity import MpyVersion
from rig.deploy.build import compile_mpy
from rig.errors import DeployError

# The parts of microdot that a camera server needs on a board; the rest of the package is for hosts.
MICRODOT = ("__init__.py", "microdot.py", "cors.py")
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
        raise DeployError(f"{app} is not an application: it has no main.py", next="point --hil-app at its folder")
    found = {f"/lib/microdot/{name}": path for name, path in _pinned_microdot().items()}
    library = {f"/lib/{name}": path for name, path in _tree(lib)}
    if not library:
        raise DeployError(f"{lib} holds no Python files", next="point --hil-lib at the library's folder")
    found.update(library)
    found.update({f"/{name}": path for name, path in _tree(app) if name != "rig_agent.py"})
    if agent is not None:
        found["/rig_agent.py"] = agent
    return found


def files(found: Mapping[str, Path], version: MpyVersion | None, settings: Iterable[File]) -> list[File]:
    """The files to deploy, built for ``version`` (None: the firmware loads only source), main.py last."""
    built = []
    for target, source in found.items():
        if version is None or target in SOURCE_ONLY:
            built.append(File(target, source.read_bytes()))
        else:
            mpy = str(PurePosixPath(target).with_suffix(".mpy"))
            built.append(File(mpy, compile_mpy(source, target.lstrip("/"), version)))
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


def _pinned_microdot() -> dict[str, Path]:
    try:
        package = importlib.metadata.distribution("microdot")
    except importlib.metadata.PackageNotFoundError:
        raise DeployError("the microdot package is not installed", next="install camrig again with pip") from None
    return {name: Path(str(package.locate_file(f"microdot/{name}"))) for name in MICRODOT}


def _tree(folder: Path) -> list[tuple[str, Path]]:
    """Every Python file below ``folder`` with its name relative to it; caches and hidden files are left out."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        if not any(part.startswith((".", "__pycache__")) for part in name.parts):
            found.append((name.as_posix(), path))
    return found
