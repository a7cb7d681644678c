"""The commands of a night for each board: the suite, with the gate where there is a baseline, and the soak."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from camrig.compare.stored import stored_baselines
from camrig.gate.baseline import Baseline
from camrig.settings.resolve import Settings
from camrig.stages.stage import Stage
from camrig.stages.words import (
    OF_ALL,
    OF_SOAK,
    OF_SUITE,
    SECONDS_BESIDE_SOAK,
    SECONDS_OF_SUITE,
    file_name,
    forwarded,
    known_mac,
    words_of_board,
)

SUITE, SOAK = "suite", "soak"
EVIDENCE = "evidence-{stamp}-{board}.zip"
OF_AB = (*OF_ALL, "baselines")


@dataclass(frozen=True)
class Gate:
    """The baseline that a board is compared with, None without one, and why."""

    baseline: str | None
    reason: str


def gate_of(spec: str, settings: Settings) -> Gate:
    """Which baseline the suite on the board ``spec`` is compared with: the one that is set, else the latest."""
    if settings.compare is not None:
        return Gate(settings.compare, "set")
    entries = stored_baselines(settings.baselines)
    stored = {name: entry.provenance for name, entry in entries.items() if isinstance(entry, Baseline)}
    if not stored:
        return Gate(None, "no baseline is stored")
    mac = known_mac(settings.board(spec).device, settings.coordinator)
    if not mac:
        return Gate(None, "which baseline is its own is known once it has been seen")
    own = {name: provenance.taken for name, provenance in stored.items() if provenance.mac == mac}
    if not own:
        return Gate(None, f"none of {len(stored)} baselines is of this board")
    return Gate(max(own, key=lambda name: (own[name], name)), "its latest")


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
