"""What should be on the board, what is refused, and what is left out.

On the board, in layers (see ``layers``):

- of the pinned microdot package, in ``/lib/microdot``, what is imported, and what every camera server needs;
- the modules of the library under test, in ``/lib``;
- the application, in ``/``, with its pages, pictures and whatever else is in its folder;
- the rig's agent, unless the deploy is for production.

Left out is what a firmware never needs (see ``left_out``), what the user excludes, and a file of the application that
is the library's own file, where the library lies in the application's folder.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from camrig.deploy.folders import application_files, cors_source, library_files
from camrig.deploy.imports import module_name, modules_by_name, reach
from camrig.deploy.layers import (
    AGENT,
    AGENT_MODULES,
    APPLICATION,
    CORS_MODULE,
    LIBRARY,
    MICRODOT,
    SETTINGS_FILE,
    Claim,
    clash_error,
    is_module,
    is_reserved,
    merge,
    stem,
)
from camrig.deploy.left_out import RIG_FILE, TESTS, LeftOut
from camrig.deploy.mounts import mounted_files
from camrig.deploy.rules import DeployRules
from camrig.errors import DeployError

STARTED_BY_NAME = ("boot", "main")
_CORE = ("__init__.py", "microdot.py", "cors.py")  # of Microdot
_USUAL = DeployRules()


@dataclass(frozen=True)
class Contents:
    """What is to be on a board. ``missing`` is a sentence for each package that Microdot needs and nobody has."""

    layers: dict[str, dict[str, Path]]
    left_out: tuple[LeftOut, ...]
    missing: tuple[str, ...]

    @property
    def cors(self) -> Path | None:
        """The source of the CORS library that answers the application's requests; None if it has none."""
        return next((path for target, path in self.layers[LIBRARY].items() if stem(target) == CORS_MODULE), None)


def sources(lib: Path, app: Path, agent: Path | None, rules: DeployRules = _USUAL) -> dict[str, Path]:
    """Target path on the board to source on the host, before compiling.

    Raises SettingsError for a folder that cannot be an application or a library, and for files of one name.
    """
    return merge(read_contents(lib, app, agent, rules).layers)


def read_contents(
    lib: Path, app: Path, agent: Path | None, rules: DeployRules = _USUAL, named: bool = True
) -> Contents:
    """The files of each layer. Raises SettingsError for what cannot be deployed at all; see also ``merge``.

    A library that nobody has ``named`` is deployed where the application imports CORS. Without Microdot in the
    application there is nothing that an agent could be attached to; who names a CORS library has it in mind.
    """
    files, left_out = application_files(app, rules)
    mounted, left_out_of_mounts = mounted_files(rules)
    own = {f"/{name}": path for name, path in files.items()}
    named_cors = named and cors_source(lib) is not None
    serves_microdot, uses_cors = (True, True) if named_cors else _uses(own | mounted, lib)
    modules, left_out_of_library = library_files(lib, uses_cors) if named or uses_cors else ({}, [])
    library = {f"/lib/{name}": path for name, path in modules.items()}
    application, left_behind = _application(own, mounted, library)
    left_out += left_behind + left_out_of_mounts
    if not serves_microdot:
        agent = None
    if Path(os.path.realpath(app)) not in (real := Path(os.path.realpath(lib)), *real.parents):
        left_out += left_out_of_library  # else the application has it
    layers = {
        MICRODOT: {},
        LIBRARY: library,
        APPLICATION: application,
        AGENT: {f"/{name}.py": agent.with_name(f"{name}.py") for name in AGENT_MODULES if agent is not None},
    }
    tests = _imported_tests(app, layers, left_out)
    application.update(tests)
    missing = _add_microdot(layers) if serves_microdot else ()
    return Contents(layers, tuple(entry for entry in left_out if f"/{entry.path}" not in tests), missing)


def _uses(own: Mapping[str, Path], lib: Path) -> tuple[bool, bool]:
    """Whether the application's files import Microdot, or the agent, which needs it; and whether its CORS module."""
    library = {f"/lib/{path.relative_to(lib).as_posix()}": path for path in sorted(lib.rglob("*.py"))}
    agent = {f"/{name}.py": Path(os.devnull) for name in AGENT_MODULES}
    modules = modules_by_name({**agent, **_pinned_microdot(), **library, **own})
    reached = reach(modules, map(module_name, own)).modules
    return not reached.isdisjoint(("microdot", *AGENT_MODULES)), "microdot.cors" in reached


def upstream_cors() -> Path:
    """The CORS library of the pinned microdot package. Raises DeployError."""
    return _pinned_microdot()["/lib/microdot/cors.py"]


def _application(
    own: Mapping[str, Path], mounted: Mapping[str, Path], library: Mapping[str, Path]
) -> tuple[dict[str, Path], list[LeftOut]]:
    """The files of the application that are deployed, and those that only the rig writes. Raises SettingsError."""
    application: dict[str, Path] = {}
    left_out: list[LeftOut] = []
    of_library = {os.path.abspath(path) for path in library.values()}
    for target, path in own.items():
        if os.path.abspath(path) in of_library or (target in library and os.path.samefile(path, library[target])):
            continue
        if not is_reserved(target):
            application[target] = path
        elif target != SETTINGS_FILE:
            left_out.append(LeftOut(target[1:], RIG_FILE))
    for target, path in mounted.items():
        if target in application:
            claims = (Claim(target, target, APPLICATION, source) for source in (application[target], path))
            raise clash_error(target, *claims)
    return {**application, **mounted}, left_out


def _imported_tests(app: Path, layers: dict[str, dict[str, Path]], left_out: Iterable[LeftOut]) -> dict[str, Path]:
    """What is left out as a test, and is imported all the same, as a ``test_pattern.py`` of a camera may be."""
    tests = {
        f"/{name}": app / name
        for entry in left_out
        if entry.reason == TESTS and (entry.is_folder or is_module(entry.path))
        for name in _modules(app, entry.path)
    }
    if not tests:
        return {}
    own = {target: path for files in layers.values() for target, path in files.items()}
    reached = reach(modules_by_name(own | tests), STARTED_BY_NAME).modules
    return {target: path for target, path in tests.items() if module_name(target) in reached}


def _modules(app: Path, path: str) -> list[str]:
    """The modules of the application at ``path``, a file or a folder, without links."""
    files = [app / path]
    if path.endswith("/"):
        files = [Path(folder, name) for folder, _, names in os.walk(app / path) for name in names]
    regular = [file for file in files if is_module(file.name) and file.is_file() and not file.is_symlink()]
    names = [file.relative_to(app).as_posix() for file in regular]
    return [name for name in names if all(part.isidentifier() for part in PurePosixPath(name).with_suffix("").parts)]


def _add_microdot(layers: dict[str, dict[str, Path]]) -> tuple[str, ...]:
    """Add the modules of the pinned package that are imported, and say what these import that is nowhere."""
    pinned = _pinned_microdot()
    own = {target: path for files in layers.values() for target, path in files.items()}
    core = {f"/lib/microdot/{name}": pinned.pop(f"/lib/microdot/{name}") for name in _CORE}  # imports no extension
    modules = modules_by_name(pinned | own)
    # An application may bring an extension of its own, but not what is judged.
    imported = reach(modules, map(module_name, own)).modules - modules_by_name(own).keys()
    layers[MICRODOT] = core | {target: path for target, path in pinned.items() if module_name(target) in imported}
    needed = reach(modules, [*STARTED_BY_NAME, *map(module_name, layers[LIBRARY])])
    return tuple(
        f"{importer} imports {package}, which neither the application nor the library has: "
        "unless the firmware has it, that import fails"
        for package, importer in sorted(needed.missing.items())
        if modules[importer][0] in layers[MICRODOT] and package not in {"microdot", *sys.stdlib_module_names}
    )


def _pinned_microdot() -> dict[str, Path]:
    """All modules of the pinned package, by their place on the board. Raises DeployError."""
    folder = _installed("microdot")
    return {f"/lib/microdot/{path.name}": path for path in sorted(folder.glob("*.py"))}


def _installed(package: str) -> Path:
    """The folder of an installed package, whose module may be hidden by a file of the user's. Raises DeployError."""
    for entry in sys.path:  # where pip has put it, without the parser of its description
        if any(Path(entry).glob(f"{package}-*.dist-info")) and (Path(entry) / package).is_dir():
            return Path(entry) / package
    import importlib.metadata

    try:
        return Path(str(importlib.metadata.distribution(package).locate_file(package)))
    except importlib.metadata.PackageNotFoundError:
        raise DeployError(f"the {package} package is not installed", hint="install camrig again with pip") from None
