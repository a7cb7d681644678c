"""The Python modules in a folder of the user's, and which folder was meant when it is not the right one.

Left out is what MicroPython does not import: ``__pycache__`` and everything whose name begins with a dot.

Symbolic links: an application may have them, and what they lead to is deployed. A library may not, because the file
that is judged has to be the one that was named. A link that leads nowhere, or back into a folder above itself, is
an error in both.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from camrig.errors import DeployError, SettingsError

CORS = "microdot/cors"
SUFFIXES = (".py", ".mpy")
SEARCH_DEPTH = 4  # folders below the one that was named, to find the one that was meant


def library_modules(folder: Path) -> dict[str, Path]:
    """The modules of a library by their name relative to ``folder``, which is laid over ``/lib`` on the board.

    Raises SettingsError for a folder that is not a library, naming the one that was meant.
    """
    if cors_source(folder) is None and not (folder / "microdot").is_symlink():
        raise _not_a_library(folder)
    modules = dict(_modules(folder, library=True))
    if not any(f"{CORS}{suffix}" in modules for suffix in SUFFIXES):  # a host may ignore case, the board does not
        raise _not_a_library(folder)
    for name in modules:
        if name.endswith(tuple(f"/{CORS}{suffix}" for suffix in SUFFIXES)):
            raise SettingsError(
                f"{folder} holds two libraries, {cors_source(folder)} and {modules[name]}",
                hint="name the folder of one of them, without the other below it",
            )
    return modules


def application_modules(folder: Path) -> dict[str, Path]:
    """The modules of an application by their name relative to ``folder``. Raises SettingsError, DeployError."""
    if not (folder / "main.py").is_file():
        hint = _did_you_mean(folder, "main.py") or "point --hil-app at its folder"
        raise SettingsError(f"{folder} is not an application: it has no main.py", hint=hint)
    return dict(_modules(folder, library=False))


def cors_source(folder: Path) -> Path | None:
    """The CORS module of the library in ``folder``; None if it has none."""
    return next((path for suffix in SUFFIXES if os.path.lexists(path := folder / f"{CORS}{suffix}")), None)


def read_source(path: Path) -> bytes:
    """The bytes of a file. Raises SettingsError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}") from None


def _modules(folder: Path, library: bool) -> Iterator[tuple[str, Path]]:
    """Every module below ``folder``, in the order of the names. Raises SettingsError, DeployError."""

    def walk(path: Path, above: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
        for entry in _entries(path):
            child = path / entry.name
            if entry.name.startswith((".", "__pycache__")):
                continue
            is_module = entry.name.endswith(SUFFIXES)
            if is_module or entry.is_dir():
                _demand_utf8(child)
            if entry.is_symlink():
                target = os.path.realpath(child)
                if not os.path.exists(target):
                    raise SettingsError(
                        f"{child} is a symbolic link to {os.readlink(child)}, which does not exist",
                        hint="remove or correct the link",
                    )
                if library and (is_module or os.path.isdir(target)):
                    raise SettingsError(
                        f"{child} is a symbolic link to {target}, so another file than the named one would be judged",
                        hint="name a folder that holds the file itself",
                    )
            if entry.is_dir():
                real = os.path.realpath(child)
                if real in above:
                    raise SettingsError(
                        f"{child} is a symbolic link back to {real}, which contains it", hint="remove the link"
                    )
                yield from walk(child, (*above, real))
            elif is_module and not stat.S_ISREG(child.stat().st_mode):
                raise SettingsError(f"{child} is not a regular file", hint="remove it")
            elif is_module:
                yield child.relative_to(folder).as_posix(), child

    return walk(folder, (os.path.realpath(folder),))


def _demand_utf8(path: Path) -> None:
    """Raises DeployError for a name that a board could not be sent, and no import could name."""
    try:
        os.fsencode(path.name).decode()
    except UnicodeDecodeError:
        raise DeployError(
            f"{os.fsencode(path).decode('utf-8', 'backslashreplace')} has a name that is not UTF-8",
            hint="rename it, or remove it",
        ) from None


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise SettingsError(f"{folder} cannot be read: {error.strerror}") from None


def _not_a_library(folder: Path) -> SettingsError:
    package = folder / CORS / "__init__.py"
    if package.is_file():
        return SettingsError(
            f"{package} is a package, and the library has to be the module {folder / CORS}.py",
            hint="move it to that file",
        )
    if not folder.is_dir():
        reason = "there is no such folder"
    elif not _entries(folder):
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
