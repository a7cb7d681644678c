"""The words of the commands that stages run: options passed on, and those that name one board."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from typing import Any

from camrig.errors import CamrigError
from camrig.lab import lock
from camrig.lab.device_spec import find_port
from camrig.lab.labgrid.place_spec import is_place, parse_place, place_key
from camrig.lab.usb_ports import lock_key
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings, is_virtual

# Options of a command line that the stages get as they are; others are set for each board.
OF_ALL = ("coordinator", "baud", "port", "sim_heap", "boot_timeout", "require", "lines", "fast", "wait", "app")
OF_SUITE = (*OF_ALL, "lib", "baselines", "compare_anyway", "elf", "firmware", "browser")
OF_SOAK = (*OF_ALL, "lib", "firmware")
SECONDS_OF_SUITE = 4 * 3600.0  # after which it hangs
SECONDS_BESIDE_SOAK = 1800.0  # for its deploy, its recoveries and its end


def forwarded(flags: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The options with these ``names``, as they stood on a command line."""
    words: list[str] = []
    for option in OPTIONS:
        value = flags.get(option.name)
        if value is not None and option.name in names:
            words += [option.long_flag] if option.switch else [f"{option.long_flag}={value}"]
    return words


def words_of_board(spec: str, settings: Settings) -> list[str]:
    """The options of a command for one board and one folder of results."""
    url = settings.url_of(spec)
    return [f"--hil-device={spec}", *([f"--hil-url={url}"] if url else []), f"--hil-results={settings.results}"]


def file_name(spec: str) -> str:
    """A board's specification as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", spec).strip("_")[-40:] or "board"


def known_mac(spec: str, coordinator: str = "") -> str:
    """What provenances call the board ``spec``, from when it was last seen; empty if it was not.

    ``coordinator`` is the one of a place.
    """
    if is_virtual(spec):
        return f"virtual on {platform.machine()}, {os.cpu_count()} cores"
    try:
        name = parse_place(spec).name if is_place(spec) else ""
        _, record = lock.inspect(place_key(coordinator, name) if name else lock_key(find_port(spec)))
    except CamrigError:
        return ""
    return record.mac if record is not None else ""
