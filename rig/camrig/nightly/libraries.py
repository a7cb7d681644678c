"""Both libraries of a step: this night's and the one before, from the copies that nights keep, or from git."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path

from camrig.bringup.surroundings import git_output
from camrig.deploy.folders import library_modules, read_source
from camrig.errors import CamrigError
from camrig.nightly.prune import LIBRARIES

SECONDS_FOR_GIT = 20.0  # an archive takes longer than a question
_DIGITS = 16


def keep_library(results: Path, library: Path, source_sha256: str, built_sha256: str) -> None:
    """Keep a copy of ``library`` while it is still the one that was deployed. Raises OSError and CamrigError."""
    if not re.fullmatch(r"[0-9a-f]{64}", built_sha256):
        return
    target = results / LIBRARIES / built_sha256[:_DIGITS]
    if target.is_dir():
        os.utime(target)
        return
    modules = library_modules(library)
    if source_sha256 not in {hashlib.sha256(read_source(path)).hexdigest() for path in modules.values()}:
        return  # changed since
    part = target.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    for name, path in modules.items():
        copy = part / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    part.replace(target)


def kept_library(results: Path, built_sha256: str) -> Path | None:
    """The copy of a library, by the hash of its built module; None if none was kept."""
    folder = results / LIBRARIES / built_sha256[:_DIGITS]
    return folder if re.fullmatch(r"[0-9a-f]{64}", built_sha256) and _is_library(folder) else None


def library_of_commit(library: Path, commit: str, into: Path) -> Path | None:
    """The folder ``library`` as it was in ``commit``, written into ``into``; None where git does not have it."""
    if not re.fullmatch(r"[0-9a-f]{40,64}", commit):
        return None
    place = git_output(library, "rev-parse", "--show-toplevel", "--show-prefix", seconds=SECONDS_FOR_GIT)
    if place is None:
        return None
    top, _, inside = os.fsdecode(place).rstrip("\n").partition("\n")
    archive = git_output(
        Path(top), "archive", "--format=tar", f"{commit}:{inside.rstrip('/')}", seconds=SECONDS_FOR_GIT
    )
    if archive is None:
        return None
    with suppress(tarfile.TarError, OSError, ValueError), tarfile.open(fileobj=io.BytesIO(archive)) as file:
        _unpack(file, into)
        return into if _is_library(into) else None
    return None


def _unpack(file: tarfile.TarFile, into: Path) -> None:
    """Plain files only, none of which leaves the folder."""
    for member in file.getmembers():
        target = into / member.name
        source = file.extractfile(member) if member.isfile() else None
        if source is not None and target.resolve().is_relative_to(into.resolve()):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read())


def _is_library(folder: Path) -> bool:
    try:
        return bool(library_modules(folder))
    except (CamrigError, OSError):
        return False
