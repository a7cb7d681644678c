"""The files of a deploy, built for a board, and the paths that would hide them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Any, TypeVar

from camrig.board.identity import MpyVersion
from camrig.deploy.compile import CompileError, check_compiles, check_mpy, compile_mpy, compiler
from camrig.deploy.folders import read_source
from camrig.deploy.layers import APPLICATION, LIBRARY, MODULE_SUFFIXES, Layers, is_module
from camrig.errors import LibraryError, SettingsError

COMPILERS = 4  # that run at once
T = TypeVar("T")
SOURCE_ONLY = ("/boot.py", "/main.py")  # MicroPython starts these by name, and only from source


@dataclass(frozen=True)
class File:
    """One file as it should be on the board. Its bytes, which may be secret, are in no representation."""

    target: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def build_files(sources: Mapping[str, Path], version: MpyVersion | None, settings: Iterable[File]) -> list[File]:
    """The files to deploy, built for ``version`` (None: the firmware loads only source), main.py last."""

    def build(target: str, source: Path) -> File:
        data = read_source(source)
        if not is_module(target):
            return File(target, data)
        if target.endswith(".mpy"):
            check_mpy(data, source, version)
            return File(target, data)
        if version is None or target in SOURCE_ONLY:
            return File(target, data)
        mpy = str(PurePosixPath(target).with_suffix(".mpy"))
        return File(mpy, compile_mpy(source, target.lstrip("/"), version))

    if version is not None:
        compiler(version)  # before there are threads, so that it is looked for once
    built = _in_parallel(build, sources.keys(), sources.values())
    built += settings
    return sorted(built, key=lambda file: (file.target == "/main.py", file.target))


def _in_parallel(work: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
    """What ``work`` returns for each row, by several threads, each of which waits for a process.

    Raises what the first row raised that failed.
    """
    rows = list(zip(*columns, strict=True))
    results: dict[int, T] = {}
    errors: dict[int, Exception] = {}
    numbers = iter(range(len(rows)))  # next() of it is one step, whichever thread takes it

    def take_rows() -> None:
        for number in numbers:
            try:
                results[number] = work(*rows[number])
            except Exception as error:
                errors[number] = error

    threads = [Thread(target=take_rows, daemon=True) for _ in range(min(COMPILERS, len(rows)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[min(errors)]
    return [results[number] for number in range(len(rows))]


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
    files = {
        target.lstrip("/"): source
        for layer in (LIBRARY, APPLICATION)
        for target, source in layers[layer].items()
        if target.endswith(".py")
    }
    with faults_of(layers):
        _in_parallel(check_compiles, files.values(), files.keys())


def hiding_paths(targets: Iterable[str]) -> list[str]:
    """Paths that would be imported in place of a deployed module, if they were on the board.

    MicroPython looks in ``/`` before ``/lib``, and in one folder takes a package before ``.py`` before ``.mpy``
    (py/builtinimport.c), so a forgotten ``/microdot.py`` would be measured instead of the library.
    """
    deployed = set(targets)
    hiding = set()
    for target in deployed:
        path = PurePosixPath(target)
        if path.suffix not in MODULE_SUFFIXES:
            continue
        stem = str(path.with_suffix(""))
        hiding |= {stem + ".py"} if path.suffix == ".mpy" else set()
        hiding |= {stem} if path.stem != "__init__" and target not in SOURCE_ONLY else set()
        if path.parts[1] == "lib":
            top = PurePosixPath(path.parts[2]).stem
            hiding |= {f"/{top}", f"/{top}.py", f"/{top}.mpy"}
    return sorted(hiding - deployed)
