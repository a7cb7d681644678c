"""The options of a run: the name, the flag and the variables of each, how its text is parsed, and its help.

pytest and the command ``camrig`` both take them from here, and ``camrig.settings.resolve`` parses their values.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from camrig.board.line_profiles import PROFILES
from camrig.settings.byte_size import ByteSize


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("may not be empty")
    return value.strip()


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}", value):
        raise ValueError("is not a name: use letters, digits and . _ + -")
    return value


def _yes(value: str) -> bool:
    if value.lower() not in ("yes", "true", "1", "no", "false", "0"):
        raise ValueError("is neither yes nor no")
    return value.lower() in ("yes", "true", "1")


def board_url(value: str) -> str:
    """The URL of a board's server. Raises ValueError."""
    parts = urlsplit(value)
    try:
        port_ok = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        port_ok = False
    if parts.scheme != "http" or not parts.hostname or not port_ok or parts.path.strip("/") or parts.query:
        raise ValueError("must be http://HOST:PORT, without a path")
    return value.rstrip("/")


def _pattern(value: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(value, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    from camrig.board.expect import check_pattern

    check_pattern(pattern, name="")
    return pattern


def _folder(value: str) -> Path:
    path = _path(value)
    if not os.path.isdir(path):
        raise ValueError("is not a folder")
    return path


def _file(value: str) -> Path:
    path = _path(value)
    if not os.path.isfile(path):
        raise ValueError("is not a file")
    return path


def _path(value: str) -> Path:
    if "\0" in value:
        raise ValueError("is not a path")
    try:
        path = Path(value).expanduser()
        os.lstat(path)
    except RuntimeError:
        raise ValueError("begins with the name of an unknown user") from None
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.ELOOP):
            raise ValueError(f"cannot be used: {error.strerror}") from None
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


def seconds(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        raise ValueError("is not a number of seconds") from None
    if not 0 < number <= 3600:
        raise ValueError("must be more than 0 and at most 3600 seconds")
    return number


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in choices:
            raise ValueError("is not one of: " + ", ".join(choices))
        return value

    return parse


def _kinds(*kinds: str) -> Callable[[str], str]:
    """Of ``any`` or some of ``kinds`` with commas between them."""

    def parse(value: str) -> str:
        named = {kind.strip() for kind in value.split(",")}
        if value == "any":
            return value
        if not named <= {*kinds}:
            raise ValueError(f"is not one of: any, {', '.join(kinds)}; or several of them with commas")
        return ",".join(kind for kind in kinds if kind in named)

    return parse


@dataclass(frozen=True)
class Option:
    """One setting: its field, its flag, the variables that mirror the flag, how its text is parsed, its help.

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
    def long_flag(self) -> str:
        """The flag by a name that no other plugin of pytest has."""
        return self.flag if self.flag.startswith("--hil-") else f"--hil-{self.flag[2:]}"

    @property
    def is_path(self) -> bool:
        """Whether a relative value depends on the folder from which it is read."""
        return self.parse in (_path, _folder, _file)

    @property
    def argument(self) -> dict[str, Any]:
        """The arguments of ``add_argument`` besides the flag and ``dest``."""
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
        "the board: sim (the virtual board, the default; sim:slow-chip is a slow one, sim:2 one more), a path or "
        "COM port, auto, id:USBSERIAL, rfc2217://HOST:PORT, socket://HOST:PORT; may be given more than once",
        many=True,
    ),
    Option(
        "url",
        "--hil-url",
        ("CAMRIG_URL",),
        board_url,
        "URL",
        "where the board's server is reached, when not at the address that the board reports (a port forward); with "
        "several devices once for each, in their order",
        many=True,
    ),
    Option("lib", "--hil-lib", ("CAMRIG_LIB",), _folder, "DIR", "the library under test, laid over /lib"),
    Option("app", "--hil-app", ("CAMRIG_APP",), _folder, "DIR", "the application with boot.py and main.py"),
    Option("results", "--hil-results", ("CAMRIG_RESULTS",), _path, "DIR", "where results are written (results/)"),
    Option(
        "sim_heap",
        "--hil-sim-heap",
        ("CAMRIG_SIM_HEAP",),
        ByteSize.parse,
        "SIZE",
        "the virtual board's heap (4M)",
    ),
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
        seconds,
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
        seconds,
        "SECONDS",
        "how long to wait for a board that another run uses (not at all)",
    ),
    Option(
        "require",
        "--hil-require",
        ("CAMRIG_REQUIRE",),
        _kinds("hardware", "browser"),
        "KIND",
        "any (the default), hardware: refuse the virtual board, and pictures that no camera took, unless the "
        'application says "camera": false in its camrig.json, browser: a browser must judge, too; both as '
        "hardware,browser",
    ),
    Option(
        "browser",
        "--hil-browser",
        (),  # CAMRIG_BROWSER names its program
        _choice("chromium"),
        "NAME",
        "chromium: let this browser decide against the board, too (found on PATH, or by CAMRIG_BROWSER)",
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
        "the firmware that must run: written first unless the board has exactly this image (needs esptool)",
    ),
    Option(
        "save",
        "--hil-save",
        ("CAMRIG_SAVE",),
        _name,
        "NAME",
        "add this run's samples to the sessions of the baseline NAME, if all tests pass",
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
        _path,
        "FILE.zip",
        "write samples, settings and verdict into this file; camrig verdict recomputes the verdict from it",
    ),
    Option(
        "baselines",
        "--hil-baselines",
        ("CAMRIG_BASELINES",),
        _path,
        "DIR",
        "where baselines and calibrations are kept (results/baselines/)",
    ),
    Option(
        "ready",
        "--hil-ready",
        ("CAMRIG_READY",),
        _pattern,
        "PATTERN",
        "the application is up once it prints a line in which this regular expression matches, without a server",
    ),
    Option(
        "report",
        "--hil-report",
        ("CAMRIG_REPORT",),
        _path,
        "FILE.html",
        "write the page of this run into this file (beside the results, unless only a part of the tests is selected)",
    ),
    Option(
        "verbose",
        "--hil-verbose",
        ("CAMRIG_VERBOSE",),
        _yes,
        "",
        "show all metrics at the end of a run, not only the main ones",
        switch=True,
    ),
)
