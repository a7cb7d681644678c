"""The config file's table ``[deploy]``: which files of an application are deployed, and from where else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camrig.errors import SettingsError
from camrig.settings.config_file import CONFIG_FILE, unknown_key

DEPLOY = "deploy"
_PATTERNS = ("include", "exclude")
_MOUNT = "mount"


@dataclass(frozen=True)
class DeployTable:
    """``include`` and ``exclude`` are patterns of files of the application.

    ``mount`` has a file or a folder by its path on the board.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    mount: Mapping[str, Path] = field(default_factory=dict)


def parse_deploy_table(table: Mapping[str, Any], base: Path) -> DeployTable:
    """The table as the config file has it; its paths are relative to ``base``. Raises SettingsError."""
    for key in table:
        if key not in (*_PATTERNS, _MOUNT):
            raise unknown_key(key, [*_PATTERNS, _MOUNT], f"[{DEPLOY}] of {CONFIG_FILE}")
    patterns = {key: _patterns(key, table[key]) for key in _PATTERNS if key in table}
    return DeployTable(**patterns, mount=_mount(table.get(_MOUNT, {}), base))


def _patterns(key: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(pattern, str) and pattern.strip() for pattern in value):
        raise SettingsError(
            f"{CONFIG_FILE}: {DEPLOY}.{key} is not a list of patterns", hint=f'write {key} = ["static/*.html"]'
        )
    return tuple(value)


def _mount(value: Any, base: Path) -> dict[str, Path]:
    if not isinstance(value, dict) or not all(isinstance(path, str) and path.strip() for path in value.values()):
        raise SettingsError(
            f"{CONFIG_FILE}: {DEPLOY}.{_MOUNT} is not a table of paths",
            hint=f'write {_MOUNT} = {{ "/www" = "web/dist" }}, the path on the board first',
        )
    try:
        return {place: base / Path(path).expanduser() for place, path in value.items()}
    except RuntimeError:
        raise SettingsError(f"{CONFIG_FILE}: {DEPLOY}.{_MOUNT} names the home of an unknown user") from None
