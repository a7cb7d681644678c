"""The config file's table ``[deploy]``: which files are deployed with an application, and with which settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.errors import SettingsError
from camrig.settings.config_file import CONFIG_FILE, unknown_key

DEPLOY = "deploy"
_PATTERNS = ("include", "exclude")
_MOUNT = "mount"
_SETTINGS = "settings"
OF_THE_BENCH = ("wifi", "port")  # settings of an application that the rig writes, whatever anybody else says


@dataclass(frozen=True)
class DeployTable:
    """``include`` and ``exclude`` are patterns of files of the application.

    ``mount`` has a file or a folder by its path on the board. ``settings`` change those of the application.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    mount: Mapping[str, Path] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


def parse_deploy_table(table: Mapping[str, Any], base: Path) -> DeployTable:
    """The table as the config file has it; its paths are relative to ``base``. Raises SettingsError."""
    for key in table:
        if key not in (*_PATTERNS, _MOUNT, _SETTINGS):
            raise unknown_key(key, [*_PATTERNS, _MOUNT, _SETTINGS], f"[{DEPLOY}] of {CONFIG_FILE}")
    patterns = {key: _patterns(key, table[key]) for key in _PATTERNS if key in table}
    changes = _settings(table.get(_SETTINGS, {}))
    return DeployTable(**patterns, mount=_mount(table.get(_MOUNT, {}), base), settings=changes)


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


def _settings(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SettingsError(
            f"{CONFIG_FILE}: {DEPLOY}.{_SETTINGS} is not a table of settings of the application",
            hint=f"write {_SETTINGS}.camera = false",
        )
    for name in OF_THE_BENCH:
        if name in value:
            raise SettingsError(
                f"{CONFIG_FILE}: {DEPLOY}.{_SETTINGS}.{name} belongs to the bench",
                hint="remove it: Wi-Fi comes from CAMRIG_WIFI_SSID or camrig.wifi.toml, and the port from --hil-port",
            )
    for name, part in value.items():
        _check_plain(part, name)
    return value


def _check_plain(value: Any, name: str) -> None:
    """Raise SettingsError for a value that JSON, and so the board, does not have: a date, or an infinite number."""
    if isinstance(value, dict):
        for key, part in value.items():
            _check_plain(part, f"{name}.{key}")
    elif isinstance(value, list):
        for part in value:
            _check_plain(part, name)
    elif not isinstance(value, (str, int, float)) or (isinstance(value, float) and not isfinite(value)):
        raise SettingsError(
            f"{CONFIG_FILE}: {DEPLOY}.{_SETTINGS}.{name} has a value that JSON cannot hold",
            hint="use a number or a text",
        )
