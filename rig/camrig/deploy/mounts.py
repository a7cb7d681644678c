"""Files and folders that the config file puts in a place of their own on the board."""

from __future__ import annotations

from pathlib import Path

from camrig.deploy.file_walk import FileWalk, demand_size, is_one_line
from camrig.deploy.layers import APPLICATION, Claim, clash_error, is_reserved
from camrig.deploy.left_out import LeftOut
from camrig.deploy.rules import DeployRules
from camrig.errors import SettingsError

_MAX_NAME = 255  # bytes, on littlefs and FAT


def mounted_files(rules: DeployRules) -> tuple[dict[str, Path], list[LeftOut]]:
    """Target on the board to source of all mounts, and what is left out of their folders. Raises SettingsError."""
    mounted: dict[str, Path] = {}
    left_out: list[LeftOut] = []
    for place, source in rules.mount.items():
        files, rest = _files(_normal(place), source, rules)
        for target, path in files.items():
            if is_reserved(target):
                raise SettingsError(
                    f"[deploy] mount: {target} on the board belongs to the rig", hint="choose another place"
                )
            if target in mounted:
                raise clash_error(
                    target, *(Claim(target, target, APPLICATION, file) for file in (mounted[target], path))
                )
            mounted[target] = path
        left_out += [LeftOut(str(source / entry.path) + "/" * entry.is_folder, entry.reason) for entry in rest]
    return mounted, left_out


def _files(place: str, source: Path, rules: DeployRules) -> tuple[dict[str, Path], list[LeftOut]]:
    if source.is_dir():
        walk = FileWalk(source, rules=rules)
        files = {f"{place.rstrip('/')}/{name}": path for name, path in walk}
        if not files:
            raise SettingsError(
                f"[deploy] mount: {source} for {place} holds no file to deploy", hint="build it first, or correct it"
            )
        return files, walk.left_out
    if not source.exists():
        raise SettingsError(
            f"[deploy] mount: {source} for {place} does not exist",
            hint="build it first, or correct it: it is relative to camrig.toml",
        )
    if not source.is_file():
        raise SettingsError(f"[deploy] mount: {source} for {place} is not a regular file", hint="correct it")
    demand_size(source)
    return {place + source.name if place.endswith("/") else place: source}, []


def _normal(place: str) -> str:
    """The path on the board without what changes nothing; a / at its end stays. Raises SettingsError."""
    parts = [part for part in place.split("/") if part]
    if not place.startswith("/") or ".." in parts or "." in parts:
        problem, hint = "is not a path on the board", 'begin it with /, as in "/www"'
    elif not is_one_line(place):
        problem, hint = "has a control character in it", "remove it"
    elif any(len(part.encode()) > _MAX_NAME for part in parts):
        problem, hint = "has a name that is too long for a board", "shorten it"
    else:
        return "/" + "/".join(parts) + ("/" if parts and place.endswith("/") else "")
    raise SettingsError(f"[deploy] mount: {place!r} {problem}", hint=hint)
