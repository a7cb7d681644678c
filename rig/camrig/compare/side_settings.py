"""The settings of the application that the two sides of a comparison have, and in which of them they differ.

An application declares its settings, with their usual values, in its own ``camrig.json``. A side changes some.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from camrig.byte_order_mark import HINT, byte_order_mark
from camrig.deploy.board_settings import OWN_FILE, merged, own_settings
from camrig.errors import DeployError, SettingsError
from camrig.gate.json_file import parse_json
from camrig.redaction import register, shortened
from camrig.settings.config_file import read_toml, unknown_key
from camrig.settings.deploy_table import OF_THE_BENCH
from camrig.whole_file import read_whole

POLICY = "cors"  # which a comparison sets on the running board, for answers whose right form is known
POWER_SAVE = "power_save"
SHORTEST_SECRET = 4
_MAX_BYTES = 1 << 16
_SECRET_NAME = re.compile(r"pass|psk|pwd|secret|token|key|credential", re.IGNORECASE)


@dataclass(frozen=True)
class SideSettings:
    """One side: the file that the user named, empty for the application's settings as they are.

    ``changes`` is what the file changes, ``values`` are all settings of that side.
    """

    file: str
    changes: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What messages call the side."""
        return f"the settings of {self.file}" if self.file else "the application's own settings"


def find_settings(app: Path, file: str | None, for_both: Mapping[str, Any] | None = None) -> SideSettings:
    """The settings of the application in ``app`` with those of ``file``. Raises SettingsError, without any value.

    ``for_both`` is what the config file changes.
    """
    try:
        own = own_settings(app)
    except DeployError as error:
        raise SettingsError(error.what, hint=error.hint) from None
    own = {name: value for name, value in merged(own or {}, for_both or {}).items() if name not in OF_THE_BENCH}
    if not own:
        raise SettingsError(
            f"the application {app} has no {OWN_FILE} with settings of its own, so there is none to compare",
            hint=f"write {OWN_FILE} into its folder, with every setting and its usual value",
        )
    changes = _read(Path(file).expanduser()) if file is not None else {}
    _check(changes, own, file or "", "")
    values = merged(own, changes)
    for name, value in _leaves(values):
        if _SECRET_NAME.search(name):
            register(*(text for text in _texts_in(value) if len(text) >= SHORTEST_SECRET))
    return SideSettings(file or "", changes, values)


def differing(candidate: SideSettings, baseline: SideSettings) -> dict[str, tuple[Any, Any]]:
    """The settings, as ``camera.frame_size``, that have two values, and these. Raises SettingsError.

    None is an error, and so is a policy of CORS: a comparison sets that on the running board.
    """
    first, second = dict(_leaves(candidate.values)), dict(_leaves(baseline.values))
    names = sorted(name for name in {*first, *second} if _text(first.get(name, ...)) != _text(second.get(name, ...)))
    if not names:
        raise SettingsError(
            f"{candidate.name} and {baseline.name} are the same, so there is nothing to compare",
            hint="change a value in one of them",
        )
    if policy := next((name for name in names if name.split(".")[0] == POLICY), None):
        raise SettingsError(
            f"{policy} cannot be compared: the requests of a comparison need a policy of their own, which is set on "
            "the running board",
            hint=f"leave {POLICY} out of both files",
        )
    return {name: (first.get(name), second.get(name)) for name in names}


def differs_in_power_save(names: Mapping[str, Any]) -> bool:
    """Whether the power save of the radio is among the settings that differ."""
    return any(name.rpartition(".")[2] == POWER_SAVE for name in names)


def shown(value: Any) -> str:
    """A value for a line of the terminal."""
    return "unset" if value is None else shortened(_text(value))


def scalar(value: Any) -> str | int | float | bool | None:
    """A value for a file whose fields are plain."""
    return value if value is None or isinstance(value, (str, int, float, bool)) else _text(value)


def _read(path: Path) -> dict[str, Any]:
    """The object in a file of JSON or TOML. Raises SettingsError."""
    suffix = path.suffix.casefold()
    if suffix not in (".json", ".toml"):
        raise SettingsError(f"{path} is not a file of settings", hint="name a file that ends in .json or .toml")
    try:
        data = read_whole(path, _MAX_BYTES)
    except FileNotFoundError:
        raise SettingsError(f"there is no file of settings {path}", hint="check its name") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="name a file of settings") from None
    if suffix == ".toml":
        return read_toml(path)
    if mark := byte_order_mark(data):
        raise SettingsError(f"{path} {mark}", hint=HINT)
    try:
        values = parse_json(data)
    except ValueError:  # its text may quote the file
        raise SettingsError(f"{path} is not valid JSON", hint="fix it") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is not a JSON object", hint='write it like {"power_save": true}')
    return values


def _check(changes: Mapping[str, Any], own: Mapping[str, Any], file: str, inside: str) -> None:
    """Raise SettingsError for a setting that the application does not have, or that has values of another type."""
    for name, value in changes.items():
        whole = f"{inside}{name}"
        if not inside and name in OF_THE_BENCH:
            register(*(text for _, text in _leaves({name: value}) if isinstance(text, str)))
            raise SettingsError(
                f"{name} in {file} belongs to the bench, and is the same for both sides",
                hint="remove it: Wi-Fi comes from CAMRIG_WIFI_SSID or camrig.wifi.toml, and the port from --hil-port",
            )
        if name not in own:
            if inside and not own:
                _check_plain(value, file, whole)
                continue
            raise unknown_key(whole, [f"{inside}{known}" for known in own], f"{file}: the application")
        usual = own[name]
        if isinstance(usual, Mapping) and isinstance(value, Mapping):
            _check(value, usual, file, f"{whole}.")
            continue
        _check_plain(value, file, whole)
        if usual is not None and _type(value) != _type(usual):
            raise SettingsError(
                f"{whole} in {file} is {_type(value)}, but the application's own is {_type(usual)}",
                hint=f"compare it with the application's {OWN_FILE}",
            )


def _check_plain(value: Any, file: str, name: str) -> None:
    """Raise SettingsError for a value that JSON does not have."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for part in parts:
        _check_plain(part, file, name)
    if not _type(value) or (isinstance(value, float) and not isfinite(value)):
        raise SettingsError(f"{name} in {file} has a value that JSON cannot hold", hint="use a number or a text")


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    types: dict[type, str] = {int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return "null" if value is None else types.get(type(value), "")


def _leaves(values: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is not an object with fields, by its dotted name."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{inside}{name}.")
        else:
            yield f"{inside}{name}", value


def _texts_in(value: Any) -> Iterator[str]:
    """Every text in a value, which may be a list, also one of objects."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from _texts_in(entry)
    elif isinstance(value, str):
        yield value


def _text(value: Any) -> str:
    return "" if value is ... else json.dumps(value, sort_keys=True, ensure_ascii=False)
