"""The bench file: a table ``[board.NAME]`` of the config file for each board of a bench. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from camrig.board.line_profiles import LineProfile, find_profile
from camrig.errors import SettingsError
from camrig.settings.config_file import CONFIG_FILE, unknown_key
from camrig.settings.known_issues import KnownIssue, parse_known_issues
from camrig.settings.options import OPTIONS

BOARD = "board"
ALL, AUTO, VIRTUAL = "all", "auto", "sim"
MAC, SERIAL = "mac:", "id:"
NO_POWER = "none"
IDENTITY = ("mac", "serial", "device")
OF_OPTIONS = ("lines", "baud", "fast", "port", "boot_timeout", "url")  # settings that a board may have of its own
KEYS = (*IDENTITY, *OF_OPTIONS, "wifi", "access_point", "power", "notes", "known_issues")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_COM = re.compile(r"COM\d+", re.IGNORECASE)
_HUB_PORT = re.compile(r"\d+-\d+(\.\d+)*")
_WRITE = 'write mac = "24:6f:28:aa:10:c4", serial = "0001" or device = "/dev/ttyUSB0"'

Power = (
    str | tuple[str, ...]
)  # a port of a hub, NO_POWER, a command, or empty for the hub's port that the board is on


@dataclass(frozen=True)
class BoardEntry:
    """One board of the bench: its name, which ``device`` that is, and what is different with it.

    ``mac`` is what the board has to report, empty if any may. ``own`` are settings that replace the common ones, and
    ``network`` is the name of its Wi-Fi network, empty for the common one.
    """

    name: str
    device: str
    mac: str = ""
    access_point: str = ""
    network: str = ""
    power: Power = ""
    notes: str = ""
    known_issues: tuple[KnownIssue, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)


Bench = Mapping[str, BoardEntry]


def normal_mac(text: str) -> str:
    """A MAC as boards report it, ``24:6f:28:aa:10:c4``; empty for a text that is not one."""
    digits = re.sub(r"[:.-]", "", text.strip()).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        return ""
    return ":".join(digits[start : start + 2] for start in range(0, 12, 2))


def normal_spec(spec: str) -> str:
    """A specification with its MAC as boards report it. Raises SettingsError for one that is not a MAC address."""
    if not spec.startswith(MAC):
        return spec
    if mac := normal_mac(spec[len(MAC) :]):
        return MAC + mac
    raise SettingsError(f"--device {spec[:60]} is not a MAC address", hint="write --device mac:24:6f:28:aa:10:c4")


def parse_bench(
    tables: Mapping[str, Any], wiring: Mapping[str, Any], overruled: Collection[str] = ()
) -> dict[str, BoardEntry]:
    """The boards of the config file's ``tables`` by name. Raises SettingsError.

    Settings that a flag or a variable has ``overruled`` are checked, and not kept.
    """
    bench: dict[str, BoardEntry] = {}
    for name, table in tables.items():
        where = f"{CONFIG_FILE}: {BOARD}.{name[:60]}"
        _check_name(name, where, bench)
        if not isinstance(table, dict):
            raise SettingsError(f"{where} is not a table", hint=f"write [{BOARD}.NAME], and a line for each setting")
        values = {key.replace("-", "_"): value for key, value in table.items()}
        for key in values:
            if key not in KEYS:
                raise unknown_key(key, list(KEYS), f"[{BOARD}.{name}] of {CONFIG_FILE}")
        bench[name] = _entry(name, values, where, wiring, overruled)
    _check_identities(bench.values())
    return bench


def unknown_board(name: str, bench: Iterable[str]) -> SettingsError:
    """The error for a ``name`` that is neither a board of the bench nor a port."""
    names = sorted(bench)
    close = difflib.get_close_matches(name, [*names, VIRTUAL, AUTO, ALL], n=1)
    hint = f"did you mean {close[0]}?" if close else f"boards are {', '.join(names[:20])}"
    return SettingsError(f"--device {name} names neither a board of {CONFIG_FILE} nor a port", hint=hint)


def _check_name(name: str, where: str, bench: Bench) -> None:
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where!r} is not a name for a board", hint="use at most 40 letters, digits, - and _, a letter first"
        )
    if name.lower() in (ALL, AUTO, VIRTUAL, "labgrid", "socket", "rfc2217") or _COM.fullmatch(name):
        raise SettingsError(
            f"{where}: {name} has a meaning of its own for --device", hint="give the board another name"
        )
    same = [known for known in bench if _alike(known) == _alike(name)]
    if same:  # names of files would be the same
        raise SettingsError(f"{where}: {same[0]} and {name} are too much alike", hint="give one of them another name")


def _alike(name: str) -> str:
    return name.lower().replace("-", "_")


def _entry(
    name: str, values: Mapping[str, Any], where: str, wiring: Mapping[str, Any], overruled: Collection[str]
) -> BoardEntry:
    device, mac = _identity(values, where)
    if is_virtual(device) and "power" in values:
        raise SettingsError(f"{where}.power: a virtual board switches its power itself", hint="leave it out")
    own = {}
    for option in OPTIONS:
        if option.name in OF_OPTIONS and option.name in values:
            value = _value(option.parse, values[option.name], f"{where}.{option.name}")
            own[option.name] = _lines(value, wiring, where) if option.name == "lines" else value
    return BoardEntry(
        name=name,
        device=device,
        mac=mac,
        access_point=_text(values, "access_point", where),
        network=_text(values, "wifi", where),
        power=_power(values.get("power", ""), where),
        notes=_text(values, "notes", where),
        known_issues=parse_known_issues(values.get("known_issues", []), where),
        own={key: value for key, value in own.items() if key not in overruled},
    )


def _identity(values: Mapping[str, Any], where: str) -> tuple[str, str]:
    """The device of a board, and the MAC that it has to report."""
    texts = {key: _text(values, key, where) for key in IDENTITY}
    if texts["mac"] and not normal_mac(texts["mac"]):
        raise SettingsError(f"{where}.mac: {texts['mac'][:60]!r} is not a MAC address", hint=_WRITE)
    mac = normal_mac(texts["mac"])
    if texts["serial"] and texts["device"]:
        raise SettingsError(f"{where} has both serial and device", hint="keep one of them")
    device = texts["device"] or (SERIAL + texts["serial"] if texts["serial"] else MAC + mac if mac else "")
    if not device:
        raise SettingsError(f"{where} does not say which board it is", hint=_WRITE)
    if device in (ALL, AUTO):
        raise SettingsError(f"{where}.device: {device} is not one certain board", hint=_WRITE)
    if device.startswith(MAC):
        other_mac = normal_mac(device[len(MAC) :])
        if not other_mac or (mac and mac != other_mac):
            raise SettingsError(f"{where}.device: {device[:60]!r} is not its MAC address", hint=_WRITE)
        device, mac = MAC + other_mac, other_mac
    if mac and is_virtual(device):
        raise SettingsError(f"{where}: a virtual board has another MAC in each run", hint="leave mac out")
    return device, mac


def is_virtual(device: str) -> bool:
    """Whether a device is a virtual board that is started for the run: ``sim``, or ``sim:PROFILE``."""
    return device.partition(":")[0] == VIRTUAL


def _text(values: Mapping[str, Any], key: str, where: str) -> str:
    """A text in one line; empty where the key is missing."""
    if key not in values:
        return ""
    value = values[key]
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise SettingsError(f"{where}.{key} is not a text", hint=f'write {key} = "…", or leave it out')
    return " ".join(value.split())


def _value(parse: Callable[[str], Any], raw: Any, where: str) -> Any:
    try:
        return parse(str(raw))
    except ValueError as error:
        raise SettingsError(f"{where}: {str(raw)[:200]!r} {error}") from None


def _lines(name: str, wiring: Mapping[str, Any], where: str) -> LineProfile:
    try:
        return find_profile(name, wiring, CONFIG_FILE)
    except SettingsError as error:
        raise error.amended(what=f"{where}.lines: {error.what}") from None


def _power(value: Any, where: str) -> Power:
    if (
        isinstance(value, list)
        and value
        and all(isinstance(word, str) and word and "\0" not in word for word in value)
    ):
        return tuple(value)
    if value == "usb":
        return ""
    if isinstance(value, str) and (value in ("", NO_POWER) or _HUB_PORT.fullmatch(value)):
        return value
    raise SettingsError(
        f"{where}.power is nothing that switches power",
        hint='write "usb", the port of a hub such as "1-1.4", "none", or a command as a list of its words',
    )


def _check_identities(entries: Iterable[BoardEntry]) -> None:
    """Raise SettingsError for two names of one board."""
    known: dict[str, str] = {}
    for entry in entries:
        for identity in {entry.device, MAC + entry.mac} - {MAC}:
            if is_virtual(identity):
                continue
            if (name := known.setdefault(identity, entry.name)) != entry.name:
                raise SettingsError(
                    f"{CONFIG_FILE} names one board twice: {name} and {entry.name} are both {identity}",
                    hint="remove one of them",
                )
