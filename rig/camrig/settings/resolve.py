"""Settings: one frozen dataclass, resolved once. A flag wins over the environment, which wins over the config file.

The config file is the nearest ``camrig.toml``, from the folder where the command was given upward to the root of its
repository; its keys are the names of the fields below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from camrig.board.line_profiles import DEVKIT, LineProfile, find_profile
from camrig.errors import SettingsError
from camrig.settings.bench import ALL, BOARD, MAC, Bench, BoardEntry, normal_spec, parse_bench, unknown_board
from camrig.settings.bench import VIRTUAL as VIRTUAL
from camrig.settings.bench import is_virtual as is_virtual
from camrig.settings.byte_size import ByteSize
from camrig.settings.config_file import CONFIG_FILE, base_folder, nearest, read_toml, unknown_key
from camrig.settings.deploy_table import DEPLOY, DeployTable, parse_deploy_table
from camrig.settings.options import OPTIONS, Option
from camrig.settings.wifi import WIFI_FILE, Networks, Wifi, resolve_networks

WIRING = "wiring"  # the config file's tables of control-line profiles
LIMITS = "limits"  # the config file's table of limits
SIM_HEAP = ByteSize.parse("4M")
_WORD = re.compile(r"[A-Za-z0-9_-]+")  # a name, or a file of the current folder


@dataclass(frozen=True)
class Settings:
    """Every setting of a run. Times are seconds."""

    device: tuple[str, ...] = (VIRTUAL,)
    url: tuple[str, ...] = ()
    lib: Path = Path("lib")
    app: Path = Path("device")
    agent: Path = Path("device/rig_agent.py")
    results: Path = Path("results")
    sim_heap: ByteSize = SIM_HEAP
    baud: int = 115200
    port: int = 8080
    boot_timeout: float = 40.0
    lines: LineProfile = DEVKIT
    fast: int | None = None
    wait: float = 0.0
    coordinator: str = ""  # of labgrid; empty for its usual address
    require: str = "any"
    browser: str | None = None  # that decides, too
    elf: Path | None = None
    firmware: Path | None = None
    wifi: Wifi | None = None
    save: str | None = None
    compare: str | None = None
    compare_anyway: bool = False
    evidence: Path | None = None
    report: Path | None = None  # the page of the run; None for one beside the results
    baselines: Path = Path("results/baselines")
    deploy: DeployTable = field(default_factory=DeployTable)
    verbose: bool = False
    ready: re.Pattern[str] | None = None  # of the line by which an application without a server says that it is up
    limits: Mapping[str, Any] = field(default_factory=dict)  # as the config file has them
    config: Path | None = None  # the config file, where there is one
    bench: Bench = field(default_factory=dict)  # its boards by name
    _of_boards: dict[str, Settings] = field(default_factory=dict, init=False, repr=False, compare=False)

    def board(self, spec: str) -> BoardEntry:
        """What is known of the board that ``--device`` calls ``spec``: its entry of the bench, else that alone."""
        mac = spec[len(MAC) :] if spec.startswith(MAC) else ""
        return self.bench.get(spec) or BoardEntry(spec, spec, mac=mac)

    def of_board(self, spec: str) -> Settings:
        """The settings of one board: its own of the bench, and the common ones. The same object at every call."""
        own = {name: value for name, value in self.board(spec).own.items() if name != "url"}
        if own and spec not in self._of_boards:
            self._of_boards[spec] = replace(self, **own)
        return self._of_boards.get(spec, self)

    def is_virtual(self, spec: str) -> bool:
        """Whether ``spec`` is a virtual board that is started for the run."""
        return is_virtual(self.board(spec).device)

    def access_point(self, spec: str) -> str:
        """What names the air that the board ``spec`` shares: its access point, else the name of its network."""
        wifi = self.of_board(spec).wifi
        return self.board(spec).access_point or (wifi.ssid if wifi else "")

    def name_of(self, spec: str, mac: str) -> str:
        """The name on the bench of the board ``spec`` that has reported ``mac``; empty if it is not on the bench."""
        if spec in self.bench:
            return spec
        return next((entry.name for entry in self.bench.values() if mac and entry.mac == mac.lower()), "")

    def url_of(self, spec: str) -> str | None:
        """Where the server of the device ``spec`` is reached, None for where the board says."""
        if self.url and spec in self.device:
            return self.url[self.device.index(spec)]
        url: str | None = self.board(spec).own.get("url")
        return url

    def requires(self, kind: str) -> bool:
        """Whether a run without ``kind`` is blocked: ``hardware`` or ``browser``."""
        return kind in self.require.split(",")

    @property
    def asks_browser(self) -> bool:
        """Whether a browser is to decide, too."""
        return self.browser is not None or self.requires("browser")

    @property
    def source(self) -> str:
        """Which file the settings and the limits come from, in words."""
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


def resolve(flags: Mapping[str, Any], env: Mapping[str, str], folder: Path, *tests: Path) -> Settings:
    """Settings out of ``flags`` (field name to text, list of texts, or None), ``env`` and files.

    The files are those nearest to ``folder``, where the command was given, or if it has none, to one of ``tests``.
    Raises SettingsError, naming the flag, variable or file that is wrong.
    """
    folders = (folder, *tests)
    config_file = nearest(CONFIG_FILE, folders)
    base = base_folder(config_file, folders)
    config = read_toml(config_file) if config_file else {}
    wiring = _table(config, WIRING, f"write [{WIRING}.NAME]")
    limits = _table(config, LIMITS, f"write [{LIMITS}], and a line for each")
    deploy = _table(config, DEPLOY, f"write [{DEPLOY}], and include, exclude, mount or settings")
    boards = _table(config, BOARD, f"write [{BOARD}.NAME]")
    names = [option.name for option in OPTIONS]
    for key in config:
        if key.replace("-", "_") not in names:
            raise unknown_key(key, [*names, BOARD, DEPLOY, LIMITS, WIRING], CONFIG_FILE)
    config = {key.replace("-", "_"): value for key, value in config.items()}
    shipped = cargo()
    values: dict[str, Any] = {
        "lib": shipped / "lib",
        "app": shipped / "device",
        "agent": shipped / "device" / "rig_agent.py",
        "results": base / "results",
        "deploy": parse_deploy_table(deploy, base),
        "limits": limits,
        "config": config_file,
    }
    overruled = []  # what is the same for every board, whatever the bench says
    for option in OPTIONS:
        source, raw = _lookup(option, flags, env, config)
        if raw is not None:
            values[option.name] = _parse(option, source, raw, base)
            overruled += [option.name] if source != CONFIG_FILE else []
    values["lines"] = find_profile(values.get("lines", DEVKIT.name), wiring, CONFIG_FILE)
    values.setdefault("baselines", values["results"] / "baselines")
    values["bench"] = bench = parse_bench(boards, wiring, overruled)
    values["device"] = _devices(values.get("device", (VIRTUAL,)), bench)
    networks = resolve_networks(env, nearest(WIFI_FILE, folders))
    values["bench"] = _with_networks(bench, values["device"], networks)
    settings = Settings(**values, wifi=networks.common)
    if ALL not in settings.device:
        check_devices(settings)
    return settings


def _devices(specs: tuple[str, ...], bench: Bench) -> tuple[str, ...]:
    """The boards that ``specs`` name, with ``all`` as the boards of the bench. Raises SettingsError."""
    specs = tuple(map(normal_spec, specs))
    for spec in specs:
        if bench and spec not in (*bench, VIRTUAL, ALL) and _WORD.fullmatch(spec) and not _is_port(spec):
            raise unknown_board(spec, bench)
    if ALL not in specs or not bench:
        return specs
    return with_all(specs, bench)


def with_all(specs: tuple[str, ...], boards: Iterable[str]) -> tuple[str, ...]:
    """``specs`` with ``all`` as these ``boards``, of which it names each only once. Raises SettingsError."""
    if specs.count(ALL) > 1:
        raise SettingsError(f"--device {ALL} is given more than once", hint="give it once")
    others = {spec for spec in specs if spec != ALL}
    boards = [board for board in boards if board not in others]
    return tuple(spec for place in specs for spec in (boards if place == ALL else [place]))


def _is_port(spec: str) -> bool:
    return spec == "auto" or re.fullmatch(r"COM\d{1,3}", spec, re.IGNORECASE) is not None or Path(spec).exists()


def _with_networks(bench: Bench, specs: Iterable[str], networks: Networks) -> Bench:
    """The bench with the networks of the boards that are used: of others the file of passwords need not know."""
    entries = dict(bench)
    for spec in specs:
        if spec in bench and bench[spec].network:
            wifi = networks.of(bench[spec].network, f"{CONFIG_FILE}: {BOARD}.{spec}")
            entries[spec] = replace(bench[spec], own={**bench[spec].own, "wifi": wifi})
    return entries


def _table(config: dict[str, Any], name: str, hint: str) -> dict[str, Any]:
    """The table ``name``, taken out of ``config``."""
    table = config.pop(name, {})
    if not isinstance(table, dict):
        raise SettingsError(f"{name} in {CONFIG_FILE} is not a table", hint=hint)
    return table


def _lookup(
    option: Option, flags: Mapping[str, Any], env: Mapping[str, str], config: Mapping[str, Any]
) -> tuple[str, Any]:
    """Where the option was given first, in order of precedence, and its raw value; None if nowhere."""
    if flags.get(option.name) is not None:
        return option.flag, flags[option.name]
    for name in option.env:
        if env.get(name):
            return name, env[name]
    return CONFIG_FILE, config.get(option.name)


def _parse(option: Option, source: str, raw: Any, base: Path) -> Any:
    """The value that ``raw`` spells; paths of the config file are relative to ``base``."""
    texts = [str(item) for item in (raw if isinstance(raw, (list, tuple)) else [raw])]
    where = f"{CONFIG_FILE}: {option.name}" if source == CONFIG_FILE else source
    if not texts or not all(text.strip() for text in texts):  # such as a variable that a script forgot to set
        raise SettingsError(f"{where} is empty", hint="give it a value, or leave it out")
    try:
        if source == CONFIG_FILE and option.is_path:
            texts = [text if text.startswith("~") else str(base / text) for text in texts]
        values = tuple(option.parse(text) for text in texts)
    except ValueError as error:
        shown = ", ".join(repr(text) if len(text) <= 200 else repr(text[:200]) + "…" for text in texts[:20])
        raise SettingsError(f"{where}: {shown} {error}") from None
    return values if option.many else values[-1]


def check_devices(settings: Settings) -> None:
    """Raises SettingsError for a board that is named twice, and for addresses that are not one for each board."""
    devices, urls = settings.device, settings.url
    if duplicate := next((spec for spec in devices if devices.count(spec) > 1), None):
        raise SettingsError(f"--device {duplicate} is given more than once", hint="name each board once")
    places: dict[str, str] = {}
    for spec in devices:
        first = places.setdefault(settings.board(spec).device, spec)
        if first != spec and not settings.is_virtual(spec):
            raise SettingsError(f"--device {first} and --device {spec} are one board", hint="name each board once")
    if len(urls) not in (0, len(devices)):
        raise SettingsError(
            f"--hil-url is given {len(urls)} times for {len(devices)} devices",
            hint="give it once for each --device, in the same order",
        )
