"""Settings: one frozen dataclass, resolved once. A flag wins over the environment, which wins over the config file.

The config file is the nearest ``camrig.toml``, from the folder where the command was given upward to the root of its
repository; its keys are the names of the fields below. Wi-Fi settings come from ``CAMRIG_WIFI_SSID`` and
``CAMRIG_WIFI_PASSWORD``, or from the nearest ``camrig.wifi.toml``, which is untracked.
"""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from camrig.board.line_profiles import DEVKIT, LineProfile, find_profile
from camrig.errors import SettingsError
from camrig.settings.options import OPTIONS, Option

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CONFIG_FILE = "camrig.toml"
WIFI_FILE = "camrig.wifi.toml"
WIRING = "wiring"  # the config file's tables of control-line profiles
LIMITS = "limits"  # the config file's table of limits
VIRTUAL = "sim"


@dataclass(frozen=True)
class Wifi:
    """An access point. The password is in no representation of the object."""

    ssid: str
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class Settings:
    """Everything a run can be told. Times are seconds."""

    device: tuple[str, ...] = (VIRTUAL,)
    url: tuple[str, ...] = ()
    lib: Path = Path("lib")
    app: Path = Path("device")
    agent: Path = Path("device/rig_agent.py")
    results: Path = Path("results")
    sim_heap: str = "4M"
    baud: int = 115200
    port: int = 8080
    boot_timeout: float = 40.0
    lines: LineProfile = DEVKIT
    fast: int | None = None
    wait: float = 0.0
    require: str = "any"
    elf: Path | None = None
    firmware: Path | None = None
    wifi: Wifi | None = None
    save: str | None = None
    compare: str | None = None
    compare_anyway: bool = False
    evidence: Path | None = None
    baselines: Path = Path("results/baselines")
    limits: Mapping[str, Any] = field(default_factory=dict)  # as the config file has them
    config: Path | None = None  # the config file, where there is one

    def url_of(self, spec: str) -> str | None:
        """Where the server of the device ``spec`` is reached, None for where the board says."""
        return self.url[self.device.index(spec)] if self.url and spec in self.device else None

    @property
    def source(self) -> str:
        """Which file the settings and the limits are of, for a person."""
        if self.config is None:
            return f"the usual limits, as there is no {CONFIG_FILE}"
        return (
            f"settings and limits of {self.config}" if self.limits else f"the usual limits, settings of {self.config}"
        )

    @property
    def boots_in(self) -> float:
        """Seconds from a reset to MicroPython's prompt at most; the rest of a boot is the application's."""
        return max(8.0, self.boot_timeout / 2)


def cargo() -> Path:
    """The folder that holds camrig's own ``lib/`` and ``device/``: inside an installed package, else the checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "cargo"
    return shipped if shipped.is_dir() else package.parent.parent


def _upward(folder: Path) -> Iterator[Path]:
    """``folder`` and those above it, no further than the root of its repository."""
    here = folder.absolute()
    for one in (here, *here.parents):
        yield one
        if os.path.exists(one / ".git"):
            return


def _nearest(name: str, folders: Sequence[Path]) -> Path | None:
    """The file ``name`` that is nearest to the first of ``folders`` that has one above it."""
    return next((one / name for folder in folders for one in _upward(folder) if os.path.isfile(one / name)), None)


def _base(config: Path | None, folders: Sequence[Path]) -> Path:
    """Where results go: beside the config file, else into the root of the repository, else into the last folder."""
    if config is not None:
        return config.parent
    return next((one for one in _upward(folders[0]) if os.path.exists(one / ".git")), folders[-1])


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name} is not valid TOML: {error}", hint="mend that line") from None
    return found


def _unknown(key: str, known: list[str], where: str) -> SettingsError:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "known are " + ", ".join(sorted(known))
    return SettingsError(f"{where} has no setting {key!r}, {hint}")


def _wifi(env: Mapping[str, str], path: Path | None) -> Wifi | None:
    ssid, password = env.get("CAMRIG_WIFI_SSID"), env.get("CAMRIG_WIFI_PASSWORD")
    if ssid:
        return Wifi(ssid, password or "")
    if password:
        raise SettingsError("CAMRIG_WIFI_PASSWORD is set without CAMRIG_WIFI_SSID", hint="set both, or neither")
    if path is None:
        return None
    found = _read_toml(path)
    for key, value in found.items():
        if key not in ("ssid", "password"):
            raise _unknown(key, ["ssid", "password"], WIFI_FILE)
        if not isinstance(value, str):
            raise SettingsError(f"{key} in {WIFI_FILE} is not a text", hint="put it in quotes")
    if not found.get("ssid"):
        raise SettingsError(f"{WIFI_FILE} names no ssid", hint='add a line: ssid = "…"')
    return Wifi(found["ssid"], found.get("password", ""))


def resolve(flags: Mapping[str, Any], env: Mapping[str, str], folder: Path, *tests: Path) -> Settings:
    """Settings out of ``flags`` (field name to text, list of texts, or None), ``env`` and files.

    The files are those nearest to ``folder``, where the command was given, or if it has none, to one of ``tests``.
    Raises SettingsError, naming the flag, variable or file that is wrong.
    """
    own = cargo()
    folders = (folder, *tests)
    config_file = _nearest(CONFIG_FILE, folders)
    base = _base(config_file, folders)
    config = _read_toml(config_file) if config_file else {}
    names = [option.name for option in OPTIONS]
    own_wiring = config.pop(WIRING, {})
    if not isinstance(own_wiring, dict):
        raise SettingsError(f"{WIRING} in {CONFIG_FILE} is no table", hint=f"write [{WIRING}.NAME]")
    limits = config.pop(LIMITS, {})
    if not isinstance(limits, dict):
        raise SettingsError(f"{LIMITS} in {CONFIG_FILE} is no table", hint=f"write [{LIMITS}], and a line for each")
    for key in config:
        if key.replace("-", "_") not in names:
            raise _unknown(key, names, CONFIG_FILE)
    config = {key.replace("-", "_"): value for key, value in config.items()}
    values: dict[str, Any] = {
        "lib": own / "lib",
        "app": own / "device",
        "agent": own / "device" / "rig_agent.py",
        "results": base / "results",
        "limits": limits,
        "config": config_file,
    }
    for option in OPTIONS:
        source, raw = _find(option, flags, env, config)
        if raw is None:
            continue
        texts = [str(item) for item in (raw if isinstance(raw, (list, tuple)) else [raw])]
        if not texts or not all(text.strip() for text in texts):  # such as a variable that a script forgot to set
            raise SettingsError(f"{source}: {option.name} is empty", hint="give it a value, or leave it out")
        if source == CONFIG_FILE and option.is_path:
            texts = [str(base / Path(text).expanduser()) for text in texts]
        try:
            parsed = [option.parse(text) for text in texts]
        except ValueError as error:
            raise SettingsError(f"{source}: {', '.join(map(repr, texts))} {error}") from None
        values[option.name] = tuple(parsed) if option.many else parsed[-1]
    values["lines"] = find_profile(values.get("lines", DEVKIT.name), own_wiring, CONFIG_FILE)
    values.setdefault("baselines", values["results"] / "baselines")
    found = Settings(**values, wifi=_wifi(env, _nearest(WIFI_FILE, folders)))
    if twice := next((spec for spec in found.device if found.device.count(spec) > 1), None):
        raise SettingsError(f"--device {twice} is given more than once", hint="name each board once")
    if len(found.url) not in (0, len(found.device)):
        raise SettingsError(
            f"--hil-url is given {len(found.url)} times for {len(found.device)} devices",
            hint="give it once for each --device, in the same order",
        )
    return found


def _find(
    option: Option, flags: Mapping[str, Any], env: Mapping[str, str], config: Mapping[str, Any]
) -> tuple[str, Any]:
    if flags.get(option.name) is not None:
        return option.flag, flags[option.name]
    for name in option.env:
        if env.get(name):
            return name, env[name]
    return CONFIG_FILE, config.get(option.name)
