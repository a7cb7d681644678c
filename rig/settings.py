"""Settings: one frozen dataclass, resolved once. A flag wins over the environment, which wins over the config file.

The config file is ``camrig.toml`` beside the tests, its keys are the names of the fields below. Wi-Fi settings
come from ``CAMRIG_WIFI_SSID`` and ``CAMRIG_WIFI_PASSWORD``, or from the untracked file ``camrig.wifi.toml``.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rig.errors import SettingsError
from rig.lines import DEVKIT, PROFILES, Profile, profile

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
    url: str | None = None
    lib: Path = Path("lib")
    app: Path = Path("device")
    agent: Path = Path("device/rig_agent.py")
    results: Path = Path("results")
    sim_heap: str = "4M"
    baud: int = 115200
    port: int = 8080
    boot_timeout: float = 40.0
    lines: Profile = DEVKIT
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


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("may not be empty")
    return value.strip()


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", value):
        raise ValueError("is no name: use letters, digits and . _ + -")
    return value


def _yes(value: str) -> bool:
    if value.lower() not in ("yes", "true", "1", "no", "false", "0"):
        raise ValueError("is neither yes nor no")
    return value.lower() in ("yes", "true", "1")


def _size(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d{0,9}[KkMm]?", value):
        raise ValueError("is no size: give bytes, or a number with K or M, such as 128K or 4M")
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    try:
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_ok = False
    if parts.scheme != "http" or not parts.hostname or not port_ok or parts.path.strip("/") or parts.query:
        raise ValueError("wants http://HOST:PORT, nothing behind it")
    return value.rstrip("/")


def _folder(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_dir():
        raise ValueError("is not a folder")
    return path


def _file(value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_file():
        raise ValueError("is not a file")
    return path


def _between(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ValueError("is not a whole number") from None
        if not low <= number <= high:
            raise ValueError(f"is not between {low} and {high}")
        return number

    return parse


def _seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not 0 < number <= 3600:
        raise ValueError("is not between 0 and 3600 seconds")
    return number


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError("is none of " + ", ".join(choices))
        return value

    return parse


@dataclass(frozen=True)
class Option:
    """One setting: its field, its flag, the variables that mirror the flag, how its text is read, its help.

    ``switch``: the flag takes no value.
    """

    name: str
    flag: str
    env: tuple[str, ...]
    parse: Callable[[str], Any]
    metavar: str
    help: str
    many: bool = False
    switch: bool = False

    @property
    def argument(self) -> dict[str, Any]:
        """What ``add_argument`` wants besides the flag and ``dest``."""
        if self.switch:
            return {"action": "store_const", "const": "yes", "help": self.help}
        return {"action": "append" if self.many else "store", "metavar": self.metavar, "help": self.help}


OPTIONS = (
    Option(
        "device",
        "--device",
        ("CAMRIG_DEVICE", "ESPPORT"),
        _text,
        "SPEC",
        "the board: sim (the virtual board, the default), a path or COM port, auto, id:USBSERIAL, "
        "rfc2217://HOST:PORT, socket://HOST:PORT; may be given more than once",
        many=True,
    ),
    Option(
        "url",
        "--hil-url",
        ("CAMRIG_URL",),
        _url,
        "URL",
        "where the board's server is reached, when not at the address that the board reports (a port forward)",
    ),
    Option("lib", "--hil-lib", ("CAMRIG_LIB",), _folder, "DIR", "the library under test, laid over /lib"),
    Option("app", "--hil-app", ("CAMRIG_APP",), _folder, "DIR", "the application with boot.py and main.py"),
    Option("results", "--hil-results", ("CAMRIG_RESULTS",), Path, "DIR", "where results are written (results/)"),
    Option("sim_heap", "--hil-sim-heap", ("CAMRIG_SIM_HEAP",), _size, "SIZE", "the virtual board's heap (4M)"),
    Option(
        "baud",
        "--hil-baud",
        ("CAMRIG_BAUD", "ESPBAUD"),
        _between(300, 4_000_000),
        "BAUD",
        "speed of the serial line (115200)",
    ),
    Option(
        "port",
        "--hil-port",
        ("CAMRIG_PORT",),
        _between(1, 65535),
        "PORT",
        "TCP port that the board serves on (8080)",
    ),
    Option(
        "boot_timeout",
        "--hil-boot-timeout",
        ("CAMRIG_BOOT_TIMEOUT",),
        _seconds,
        "SECONDS",
        "how long a board may take from reset until it serves (40)",
    ),
    Option(
        "lines",
        "--hil-lines",
        ("CAMRIG_LINES",),
        _text,
        "NAME",
        f"how DTR and RTS are wired: {', '.join(PROFILES)}, or a [wiring.NAME] of the config file (devkit)",
    ),
    Option(
        "fast",
        "--hil-fast",
        ("CAMRIG_FAST",),
        _between(9600, 4_000_000),
        "BAUD",
        "raise the line to this speed while deploying, where the board can; less when the line garbles (off)",
    ),
    Option(
        "wait",
        "--hil-wait",
        ("CAMRIG_WAIT",),
        _seconds,
        "SECONDS",
        "how long to wait for a board that another run uses (not at all)",
    ),
    Option(
        "require",
        "--hil-require",
        ("CAMRIG_REQUIRE",),
        _choice("any", "hardware"),
        "KIND",
        "hardware: refuse the virtual board",
    ),
    Option(
        "elf",
        "--hil-elf",
        ("CAMRIG_ELF",),
        _file,
        "FILE",
        "the firmware's ELF file, to name functions and lines in the backtrace of a panic",
    ),
    Option(
        "firmware",
        "--firmware",
        ("CAMRIG_FIRMWARE",),
        _file,
        "FILE",
        "the firmware to write onto a board that nothing else brings back (needs esptool)",
    ),
    Option(
        "save",
        "--hil-save",
        ("CAMRIG_SAVE",),
        _name,
        "NAME",
        "keep this run's samples as the baseline NAME, if all tests pass",
    ),
    Option(
        "compare",
        "--hil-compare",
        ("CAMRIG_COMPARE",),
        _name,
        "NAME",
        "judge this run's samples against the baseline NAME; each limit is a test of its own",
    ),
    Option(
        "compare_anyway",
        "--hil-compare-anyway",
        ("CAMRIG_COMPARE_ANYWAY",),
        _yes,
        "",
        "compare also with a baseline from another board, firmware, power-save mode or setting",
        switch=True,
    ),
    Option(
        "evidence",
        "--hil-evidence",
        ("CAMRIG_EVIDENCE",),
        Path,
        "FILE.zip",
        "write everything that a verdict rests on into this file; camrig verdict works it out again",
    ),
    Option(
        "baselines",
        "--hil-baselines",
        ("CAMRIG_BASELINES",),
        Path,
        "DIR",
        "where baselines and calibrations are kept (results/baselines/)",
    ),
)


def cargo() -> Path:
    """The folder that holds camrig's own ``lib/`` and ``device/``: the checkout, or where pip put them."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "device" / "rig_agent.py").is_file():
        return checkout
    return Path(sys.prefix) / "share" / "camrig"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path.name} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name} is not valid TOML: {error}", next="mend that line") from None
    return found


def _unknown(key: str, known: list[str], where: str) -> SettingsError:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "known are " + ", ".join(sorted(known))
    return SettingsError(f"{where} has no setting {key!r}, {hint}")


def _wifi(env: Mapping[str, str], root: Path) -> Wifi | None:
    ssid, password = env.get("CAMRIG_WIFI_SSID"), env.get("CAMRIG_WIFI_PASSWORD")
    if ssid:
        return Wifi(ssid, password or "")
    if password:
        raise SettingsError("CAMRIG_WIFI_PASSWORD is set without CAMRIG_WIFI_SSID", next="set both, or neither")
    path = root / WIFI_FILE
    if not path.exists():
        return None
    found = _read_toml(path)
    for key, value in found.items():
        if key not in ("ssid", "password"):
            raise _unknown(key, ["ssid", "password"], WIFI_FILE)
        if not isinstance(value, str):
            raise SettingsError(f"{key} in {WIFI_FILE} is not a text", next="put it in quotes")
    if not found.get("ssid"):
        raise SettingsError(f"{WIFI_FILE} names no ssid", next='add a line: ssid = "…"')
    return Wifi(found["ssid"], found.get("password", ""))


def resolve(flags: Mapping[str, Any], env: Mapping[str, str], root: Path) -> Settings:
    """Settings out of ``flags`` (field name to text, list of texts, or None), ``env`` and the files in ``root``.

    Raises SettingsError, naming the flag, variable or file that is wrong.
    """
    own = cargo()
    config = _read_toml(root / CONFIG_FILE)
    names = [option.name for option in OPTIONS]
    own_wiring = config.pop(WIRING, {})
    if not isinstance(own_wiring, dict):
        raise SettingsError(f"{WIRING} in {CONFIG_FILE} is no table", next=f"write [{WIRING}.NAME]")
    limits = config.pop(LIMITS, {})
    if not isinstance(limits, dict):
        raise SettingsError(f"{LIMITS} in {CONFIG_FILE} is no table", next=f"write [{LIMITS}], and a line for each")
    for key in config:
        if key.replace("-", "_") not in names:
            raise _unknown(key, names, CONFIG_FILE)
    config = {key.replace("-", "_"): value for key, value in config.items()}
    values: dict[str, Any] = {
        "lib": own / "lib",
        "app": own / "device",
        "agent": own / "device" / "rig_agent.py",
        "results": root / "results",
        "limits": limits,
    }
    for option in OPTIONS:
        source, raw = _find(option, flags, env, config)
        if raw is None:
            continue
        texts = [str(item) for item in (raw if isinstance(raw, (list, tuple)) else [raw])]
        try:
            parsed = [option.parse(text) for text in texts]
        except ValueError as error:
            raise SettingsError(f"{source}: {', '.join(map(repr, texts))} {error}") from None
        values[option.name] = tuple(parsed) if option.many else parsed[-1]
        if source == CONFIG_FILE and isinstance(values[option.name], Path):
            values[option.name] = root / values[option.name]
    values["lines"] = profile(values.get("lines", DEVKIT.name), own_wiring, CONFIG_FILE)
    values.setdefault("baselines", values["results"] / "baselines")
    return Settings(**values, wifi=_wifi(env, root))


def _find(
    option: Option, flags: Mapping[str, Any], env: Mapping[str, str], config: Mapping[str, Any]
) -> tuple[str, Any]:
    if flags.get(option.name):
        return option.flag, flags[option.name]
    for name in option.env:
        if env.get(name):
            return name, env[name]
    return CONFIG_FILE, config.get(option.name)
