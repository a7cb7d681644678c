"""The layers of a deploy, and which of their files cannot be on one board.

Each module is in one file of one layer, so that no file takes the place of another and what is judged is what was
named. The library may replace modules of the pinned package, in the same place: that is what it is for. Everything
else that would be imported under a name which another file has is refused, also when both have the same content, and
so are two files of one path. Names that differ only in case count as one, because FAT does not tell them apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path, PurePosixPath

from camrig.deploy.board_scripts import RIG_FOLDER
from camrig.errors import SettingsError

MICRODOT, LIBRARY, APPLICATION, AGENT = "the pinned Microdot", "the library", "the application", "the rig's agent"
CORS_MODULE = "/lib/microdot/cors"
MODULE_SUFFIXES = (".py", ".mpy")
AGENT_MODULES = ("rig_agent", "rig_agent_parts")
SETTINGS_FILE = "/camrig.json"  # which the application's own is merged into
TOKEN_FILE = "/camrig_rig.json"

Layers = Mapping[str, Mapping[str, Path]]  # name of the layer: target path on the board: source on the host


@dataclass(frozen=True)
class Claim:
    """A file that a name leads to: at ``place`` on the board, a file or a folder that contains it."""

    place: str
    target: str
    layer: str
    source: Path


def is_module(target: str) -> bool:
    """Whether MicroPython can import the file; where case does not count, it imports ``X.PY`` too."""
    return PurePosixPath(target).suffix.casefold() in MODULE_SUFFIXES


def stem(target: str) -> str:
    """A module's path without ``.py`` or ``.mpy``; that of any other file as it is."""
    return str(PurePosixPath(target).with_suffix("")) if is_module(target) else target


def is_reserved(target: str) -> bool:
    """Whether only the rig may write the file, or leave it out."""
    path = target.casefold()
    return (
        path in (SETTINGS_FILE, TOKEN_FILE, RIG_FOLDER)
        or path.startswith(f"{RIG_FOLDER}/")
        or (is_module(target) and PurePosixPath(path).stem in AGENT_MODULES)
    )


def merge(layers: Layers) -> dict[str, Path]:
    """The files of all layers, target to source. Pure.

    Raises SettingsError, naming both files, when two of them would be imported under one name, or have one path.
    """
    replaced = {stem(target) for target in layers.get(LIBRARY, {}) if is_module(target)}
    claims: dict[str, list[Claim]] = {}
    merged: dict[str, Path] = {}
    for layer, files in layers.items():
        for target, source in sorted(files.items()):
            if layer == MICRODOT and stem(target) in replaced:
                continue
            merged[target] = source
            for name, place in (*_import_names(target), *_paths(target)):
                claims.setdefault(name, []).append(Claim(place, target, layer, source))
    clashes = [
        (name, first, second)
        for name, claimants in claims.items()
        if len(claimants) > 1 and _may_clash(claimants)
        for first, second in combinations(claimants, 2)
        if _clash(name, first, second)
    ]
    if clashes:
        raise clash_error(*min(clashes, key=lambda clash: _distance_from_library(*clash)))
    return merged


def _import_names(target: str) -> Iterator[tuple[str, str]]:
    """The names, without case, of the packages that contain the file at ``target``, and of itself if it is a module.

    With each the place.

    A path in ``/lib`` is imported by the same names as one in ``/``, where MicroPython looks first. A folder is a
    package even without ``__init__``, and is imported in place of a module of its name beside it.
    """
    parts = PurePosixPath(stem(target)).parts[1:]
    start = 1 if len(parts) > 1 and parts[0].casefold() == "lib" and parts[1] != "__init__" else 0
    for end in range(start + 1, len(parts) + is_module(target)):
        place = target if end == len(parts) else "/" + "/".join(parts[:end])
        yield "/".join(parts[start:end]).casefold(), place


def _paths(target: str) -> Iterator[tuple[str, str]]:
    """The paths, without case, of the file and of the folders that contain it, and their places."""
    for path in (target, *map(str, PurePosixPath(target).parents)):
        if path != "/":
            yield path.casefold(), path


def _may_clash(claimants: Sequence[Claim]) -> bool:
    """False for what most names are, those of folders with several files, so that not all pairs are looked at."""
    return len({claim.place for claim in claimants}) > 1 or any(claim.place == claim.target for claim in claimants)


def _clash(name: str, first: Claim, second: Claim) -> bool:
    """Whether both cannot be on one board. Files of one folder share its place, but never their own."""
    if not name.startswith("/"):
        modules = [claim for claim in (first, second) if is_module(claim.target)]
        # Nobody imports a folder of pages, unless it is found before the module.
        if not modules or (len(modules) == 1 and _in_lib(first) != _in_lib(second) and not _in_lib(modules[0])):
            return False
    return first.place != second.place or first.place in (first.target, second.target)


def _in_lib(claim: Claim) -> bool:
    return claim.place.casefold().startswith("/lib/")


def _distance_from_library(name: str, first: Claim, second: Claim) -> tuple[object, ...]:
    """The clash to report is that of the CORS module, then one with the library, then of the longest name."""
    targets = [stem(claim.target) == CORS_MODULE for claim in (first, second)]
    return (
        name.startswith("/"),
        LIBRARY not in (first.layer, second.layer),
        -sum(targets),
        -name.count("/"),
        first.target,
        second.target,
    )


def clash_error(name: str, first: Claim, second: Claim) -> SettingsError:
    """The error for two files with one ``name``: that of a module, or a path."""
    label = name if name.startswith("/") else name.removesuffix("/__init__").replace("/", ".")
    case = ", where case does not count" if first.place.casefold() == second.place.casefold() else ""
    case = case if first.place != second.place else ""
    kind = "file" if name.startswith("/") else "module"
    if first.layer == second.layer:
        whose, hint = f", both of {first.layer}, are", "keep one of them"
    else:
        whose = " are"
        foreign = second if second.layer == APPLICATION else first if first.layer == APPLICATION else second
        hint = f"remove {foreign.source}, or rename it: each {kind} may come from one place only"
    files = [
        f"{claim.source}" + ("" if first.layer == second.layer else f" of {claim.layer}") for claim in (first, second)
    ]
    return SettingsError(f"{files[0]} and {files[1]}{whose} both {label} on the board{case}", hint=hint)
