"""The folder of a library or of an application, and which one was meant when it is not the right one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from camrig.deploy.file_walk import FileWalk, entries
from camrig.deploy.left_out import LIBRARY_DATA, LeftOut
from camrig.deploy.patterns import Patterns
from camrig.deploy.rules import DeployRules
from camrig.errors import SettingsError

CORS = "microdot/cors"
SUFFIXES = (".py", ".mpy")
SEARCH_DEPTH = 4  # folders below the one that was named, to find the one that was meant


def library_modules(folder: Path) -> dict[str, Path]:
    """The modules of a library by their name relative to ``folder``, which is laid over ``/lib`` on the board.

    Raises SettingsError for a folder that is not a library, naming the one that was meant.
    """
    return library_files(folder)[0]


def library_files(folder: Path, has_cors: bool = True) -> tuple[dict[str, Path], list[LeftOut]]:
    """The modules of a library, and what is left out of its folder. Unless it ``has_cors``, it may be of any kind.

    Raises SettingsError.
    """
    if has_cors and cors_source(folder) is None and not (folder / "microdot").is_symlink():
        raise _not_a_library(folder)
    walk = FileWalk(folder, links=False)
    files = dict(walk)
    modules = {name: path for name, path in files.items() if name.endswith(SUFFIXES)}
    if not modules:
        raise SettingsError(f"{folder} is not a library: it has no module", hint="name the folder that holds it")
    if has_cors and not any(f"{CORS}{suffix}" in modules for suffix in SUFFIXES):  # a host may ignore case
        raise _not_a_library(folder)
    for name in modules:
        if name.endswith(tuple(f"/{CORS}{suffix}" for suffix in SUFFIXES)):
            if cors_source(folder) is None:
                raise _not_a_library(folder)
            raise SettingsError(
                f"{folder} holds two libraries, {cors_source(folder)} and {modules[name]}",
                hint="name the folder of one of them, without the other below it",
            )
    data = [LeftOut(name, LIBRARY_DATA) for name in files if name not in modules]
    left_out = sorted([*walk.left_out, *data], key=lambda entry: entry.path)
    return modules, [LeftOut(str(folder / entry.path) + "/" * entry.is_folder, entry.reason) for entry in left_out]


def application_files(folder: Path, rules: DeployRules) -> tuple[dict[str, Path], list[LeftOut]]:
    """The files of an application by their name relative to ``folder``, and what is left out of it.

    Raises SettingsError, DeployError.
    """
    if not (folder / "main.py").is_file():
        hint = _did_you_mean(folder, "main.py") or "point --hil-app at its folder"
        raise SettingsError(f"{folder} is not an application: it has no main.py", hint=hint)
    include, exclude = Patterns(rules.include, dots=False), Patterns(rules.exclude, dots=True)
    walk = FileWalk(folder, include=include, exclude=exclude, rules=rules)
    files = dict(walk)
    exclude.look_below(folder)
    include.demand_matched("include", folder)
    exclude.demand_matched("exclude", folder)
    if "main.py" not in files:
        raise SettingsError(f"[deploy] exclude leaves out {folder / 'main.py'}", hint="an application needs it")
    return files, walk.left_out


def cors_source(folder: Path) -> Path | None:
    """The CORS module of the library in ``folder``; None if it has none."""
    return next((path for suffix in SUFFIXES if os.path.lexists(path := folder / f"{CORS}{suffix}")), None)


def read_source(path: Path) -> bytes:
    """The bytes of a file. Raises SettingsError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None


def hash_of_files(files: Mapping[str, Path]) -> str:
    """One SHA-256 for files by their names on the board. Raises SettingsError."""
    return hash_of_texts({name: sha256_of(read_source(path)) for name, path in files.items()})


def hash_of_texts(texts: Mapping[str, str]) -> str:
    """One SHA-256 for names with a text each, whatever their order."""
    return sha256_of("".join(f"{name} {texts[name]}\n" for name in sorted(texts)).encode())


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _not_a_library(folder: Path) -> SettingsError:
    package = folder / CORS / "__init__.py"
    if package.is_file():
        return SettingsError(
            f"{package} is a package, and the library has to be the module {folder / CORS}.py",
            hint="move it to that file",
        )
    if not folder.is_dir():
        reason = "there is no such folder"
    elif not entries(folder):
        reason = "it is empty"
    else:
        reason = f"it has no {CORS}.py"
    hint = "name the folder that holds it, as for --hil-lib"
    if any((folder / f"cors{suffix}").is_file() for suffix in SUFFIXES):
        above = folder.absolute().parent if folder.name in ("", "..") else folder.parent
        hint = f"did you mean {above}?" if folder.absolute().name == "microdot" else f"move its cors.py to {CORS}.py"
    else:
        for suffix in SUFFIXES:
            hint = _did_you_mean(folder, f"{CORS}{suffix}") or hint
    return SettingsError(f"{folder} is not a library: {reason}", hint=hint)


def _did_you_mean(folder: Path, name: str) -> str:
    """The question for the folders near ``folder`` that hold the file ``name``; empty if there are none."""
    near = [folder.parent] if (folder.parent / name).is_file() else []
    for path, folders, _ in os.walk(folder):
        depth = len(Path(path).relative_to(folder).parts)
        visible = sorted(child for child in folders if not child.startswith((".", "__pycache__")))
        folders[:] = visible if depth < SEARCH_DEPTH else []
        if depth and (Path(path) / name).is_file():
            near.append(Path(path))
    return f"did you mean {' or '.join(map(str, near[:3]))}?" if near else ""
