"""The Wi-Fi network that boards join: ``CAMRIG_WIFI_SSID`` and ``CAMRIG_WIFI_PASSWORD``, or a file of its own.

The file is the nearest ``camrig.wifi.toml``, which git ignores: a password never stands in ``camrig.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from camrig.errors import SettingsError
from camrig.redaction import register
from camrig.settings.config_file import read_toml, unknown_key

WIFI_FILE = "camrig.wifi.toml"
_KEYS = ("ssid", "password")
_MAX_SSID, _MAX_PASSWORD = 32, 64


@dataclass(frozen=True)
class Wifi:
    """An access point. The password is in no representation of the object, and hidden wherever camrig prints.

    Raises SettingsError for a name or a password that is longer than any.
    """

    ssid: str
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.ssid) > _MAX_SSID or len(self.password) > _MAX_PASSWORD:
            raise SettingsError(
                "the Wi-Fi settings cannot be right",
                hint=f"a network's name has at most {_MAX_SSID} characters, a password {_MAX_PASSWORD}",
            )
        register(self.password)


def resolve_wifi(env: Mapping[str, str], path: Path | None) -> Wifi | None:
    """The network that ``env`` or else the file ``path`` names, None if neither does. Raises SettingsError."""
    ssid, password = env.get("CAMRIG_WIFI_SSID"), env.get("CAMRIG_WIFI_PASSWORD")
    if ssid:
        return Wifi(ssid, password or "")
    if password:
        raise SettingsError("CAMRIG_WIFI_PASSWORD is set without CAMRIG_WIFI_SSID", hint="set both, or neither")
    if path is None:
        return None
    table = read_toml(path)
    for key, value in table.items():
        if key not in _KEYS:
            raise unknown_key(key, list(_KEYS), WIFI_FILE)
        if not isinstance(value, str):
            raise SettingsError(f"{key} in {WIFI_FILE} is not a text", hint="put it in quotes")
    if not table.get("ssid"):
        raise SettingsError(f"{WIFI_FILE} names no ssid", hint='add a line: ssid = "…"')
    return Wifi(table["ssid"], table.get("password", ""))
