"""The commands of a night for each board: the suite, with the gate where there is a baseline, and the soak."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.compare.stored import stored_baselines
from camrig.errors import CamrigError
from camrig.gate.baseline import Baseline
from camrig.lab import lock
from camrig.lab.device_spec import find_port
from camrig.lab.usb_ports import lock_key
from camrig.nightly.stage import Stage
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings, is_virtual

SUITE, SOAK = "suite", "soak"
SECONDS_OF_SUITE = 4 * 3600.0  # after which it hangs
SECONDS_BESIDE_SOAK = 1800.0  # for its deploy, its recoveries and its end
EVIDENCE = "evidence-{stamp}-{board}.zip"
# Options of a night's command line that its commands get as they are; others it sets for each board itself.
_OF_ALL = ("baud", "port", "sim_heap", "boot_timeout", "require", "lines", "fast", "wait", "app")
OF_SUITE = (*_OF_ALL, "lib", "baselines", "compare_anyway", "elf", "firmware")
OF_SOAK = (*_OF_ALL, "lib", "firmware")
OF_AB = (*_OF_ALL, "baselines")


@dataclass(frozen=True)
class Gate:
    """The baseline that a board is compared with, None without one, and why."""

    baseline: str | None
    reason: str


def forwarded(flags: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The options with these ``names``, as they stood on the night's own command line."""
    words: list[str] = []
    for option in OPTIONS:
        value = flags.get(option.name)
        if value is not None and option.name in names:
            words += [option.long_flag] if option.switch else [f"{option.long_flag}={value}"]
    return words


def gate_of(spec: str, settings: Settings) -> Gate:
    """Which baseline the suite on the board ``spec`` is compared with: the one that is set, else the latest."""
    if settings.compare is not None:
        return Gate(settings.compare, "set")
    entries = stored_baselines(settings.baselines)
    stored = {name: entry.provenance for name, entry in entries.items() if isinstance(entry, Baseline)}
    if not stored:
        return Gate(None, "no baseline is stored")
    mac = known_mac(spec)
    if not mac:
        return Gate(None, "which baseline is its own is known once it has been seen")
    own = {name: provenance.taken for name, provenance in stored.items() if provenance.mac == mac}
    if not own:
        return Gate(None, f"none of {len(stored)} baselines is of this board")
    return Gate(max(own, key=lambda name: (own[name], name)), "its latest")


def known_mac(spec: str) -> str:
    """What provenances call the board ``spec``, from when it was last seen; empty if it was not."""
    if is_virtual(spec):
        return f"virtual on {platform.machine()}, {os.cpu_count()} cores"
    try:
        _, record = lock.inspect(lock_key(find_port(spec)))
    except CamrigError:
        return ""
    return record.mac if record is not None else ""


def stages(
    settings: Settings, flags: Mapping[str, Any], tests: Sequence[str], gates: Mapping[str, Gate], stamp: str
) -> list[Stage]:
    """The suite on each board, one board after the other."""
    made = []
    for spec in settings.device:
        words = ["pytest", *tests, *words_of_board(spec, settings), *forwarded(flags, OF_SUITE)]
        if (baseline := gates[spec].baseline) is not None:
            words += [f"--hil-compare={baseline}", f"--hil-evidence={evidence_of(spec, settings, stamp)}"]
        made.append(Stage(SUITE, spec, words, SECONDS_OF_SUITE))
    return made


def evidence_of(spec: str, settings: Settings, stamp: str) -> Path:
    """The evidence of a comparison on a board."""
    return settings.results / EVIDENCE.format(stamp=stamp, board=file_name(spec))


def soaks(settings: Settings, flags: Mapping[str, Any], seconds: float) -> list[Stage]:
    """The soak of each board, all at once."""
    return [
        Stage(
            SOAK,
            spec,
            ["camrig", "soak", f"--time={seconds:.3f}s", *words_of_board(spec, settings), *forwarded(flags, OF_SOAK)],
            seconds + SECONDS_BESIDE_SOAK,
        )
        for spec in settings.device
    ]


def file_name(spec: str) -> str:
    """A board's specification as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9]+", "_", spec).strip("_")[-40:] or "board"


def words_of_board(spec: str, settings: Settings) -> list[str]:
    """The options of a command for one board and one folder of results."""
    url = settings.url_of(spec)
    return [f"--hil-device={spec}", *([f"--hil-url={url}"] if url else []), f"--hil-results={settings.results}"]
