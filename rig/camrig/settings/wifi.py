"""The Wi-Fi networks that boards join: ``CAMRIG_WIFI_SSID`` and ``CAMRIG_WIFI_PASSWORD``, or a file of its own.

The file is the nearest ``camrig.wifi.toml``, which git ignores: a password never stands in ``camrig.toml``. It has
the network of all boards, and a table ``[network.NAME]`` for each network that only some boards join.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camrig.errors import SettingsError
from camrig.redaction import register
from camrig.settings.config_file import read_toml, unknown_key

WIFI_FILE = "camrig.wifi.toml"
NETWORK = "network"  # the tables of further networks
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


@dataclass(frozen=True)
class Networks:
    """The network of all boards, None if none is configured, and others by their names.

    ``is_set`` is true for one that variables have set: that is every board's.
    """

    common: Wifi | None = None
    named: Mapping[str, Wifi] = field(default_factory=dict)
    is_set: bool = False

    def of(self, name: str, where: str) -> Wifi | None:
        """The network ``name``, which ``where`` asks for, or the common one if it is empty. Raises SettingsError."""
        if self.is_set or not name:
            return self.common
        if (wifi := self.named.get(name)) is not None:
            return wifi
        if self.common is not None and self.common.ssid == name:
            return self.common
        close = difflib.get_close_matches(name, self.named, n=1)
        hint = f"did you mean {close[0]}?" if close else f"write [{NETWORK}.{name}] with ssid and password into it"
        raise SettingsError(f"{where}.wifi: {WIFI_FILE} has no network {name!r}", hint=hint)


def resolve_networks(env: Mapping[str, str], path: Path | None) -> Networks:
    """The networks that ``env`` or else the file ``path`` has. Raises SettingsError."""
    ssid, password = env.get("CAMRIG_WIFI_SSID"), env.get("CAMRIG_WIFI_PASSWORD")
    if ssid:
        return Networks(Wifi(ssid, password or ""), is_set=True)
    if password:
        raise SettingsError("CAMRIG_WIFI_PASSWORD is set without CAMRIG_WIFI_SSID", hint="set both, or neither")
    if path is None:
        return Networks()
    table = read_toml(path)
    tables = table.pop(NETWORK, {})
    if not isinstance(tables, dict) or not all(isinstance(entry, dict) for entry in tables.values()):
        raise SettingsError(f"{NETWORK} in {WIFI_FILE} is not a table of networks", hint=f"write [{NETWORK}.NAME]")
    named = {name: _network(entry, f"[{NETWORK}.{name}] of {WIFI_FILE}") for name, entry in tables.items()}
    return Networks(_network(table, WIFI_FILE) if table or not named else None, named)


def _network(table: Mapping[str, Any], where: str) -> Wifi:
    for key, value in table.items():
        if key not in _KEYS:
            raise unknown_key(key, [*_KEYS, *([NETWORK] if where == WIFI_FILE else [])], where)
        if not isinstance(value, str):
            raise SettingsError(f"{key} in {where} is not a text", hint="put it in quotes")
    if not table.get("ssid"):
        raise SettingsError(f"{where} names no ssid", hint='add a line: ssid = "…"')
    return Wifi(table["ssid"], table.get("password", ""))
