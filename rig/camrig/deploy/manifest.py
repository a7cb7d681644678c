"""What should be on the board, what is left out, and why.

On the board, in layers of which the later replaces the earlier:

- the modules of the pinned microdot package that a camera server uses, in ``/lib/microdot``;
- the library under test, in ``/lib``;
- the application, in ``/``;
- the rig's agent, unless the deploy is for production.

Left out:

- the other modules of microdot: a camera server does not use them, and they take flash;
- ``__pycache__`` and everything whose name begins with a dot: MicroPython does not import it;
- the ``.mpy`` file beside a ``.py`` file of the same name: MicroPython would import the source;
- a ``rig_agent`` in the application's folder: whether the agent is on the board is the deploy's decision.
"""

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

MICRODOT = ("__init__.py", "microdot.py", "cors.py")
AGENT = "rig_agent"
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


def sources(lib: Path, app: Path, agent: Path | None) -> dict[str, Path]:
    """Target path on the board to source on the host, before compiling.

    Raises DeployError for a folder that cannot be an application or a library.
    """
    if not (app / "main.py").is_file():
        raise DeployError(f"{app} is not an application: it has no main.py", hint="point --hil-app at its folder")
    library = {f"/lib/{name}": path for name, path in _modules(lib)}
    if not library:
        raise DeployError(f"{lib} holds no Python files", hint="point --hil-lib at the library's folder")
    microdot = {f"/lib/microdot/{name}": path for name, path in _pinned_microdot().items()}
    application = {f"/{name}": path for name, path in _modules(app) if PurePosixPath(name).stem != AGENT}
    merged: dict[str, Path] = {}
    for layer in (microdot, library, application, {} if agent is None else {f"/{AGENT}.py": agent}):
        for target, path in layer.items():
            merged.pop(_twin(target), None)
            merged[target] = path
    return merged


def build_files(sources: Mapping[str, Path], version: MpyVersion | None, settings: Iterable[File]) -> list[File]:
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
        compiler(version)  # before there are threads, so that it is looked for once
    with ThreadPoolExecutor(COMPILERS) as pool:  # each waits for a process
        built = list(pool.map(build, sources.keys(), sources.values()))
    built += settings
    return sorted(built, key=lambda file: (file.target == "/main.py", file.target))


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
    return {name: Path(str(package.locate_file(f"microdot/{name}"))) for name in MICRODOT}


def _modules(folder: Path) -> list[tuple[str, Path]]:
    """Every module below ``folder`` with its name relative to it, but for those that are left out."""
    modules = []
    for path in sorted([*folder.rglob("*.py"), *folder.rglob("*.mpy")]):
        name = path.relative_to(folder)
        if any(part.startswith((".", "__pycache__")) for part in name.parts):
            continue
        if path.suffix == ".py" or not path.with_suffix(".py").exists():
            modules.append((name.as_posix(), path))
    return modules


def _twin(target: str) -> str:
    """The same module as bytecode instead of source, or the other way round."""
    path = PurePosixPath(target)
    return str(path.with_suffix(".py" if path.suffix == ".mpy" else ".mpy"))
