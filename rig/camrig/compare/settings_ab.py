"""``camrig ab --candidate-settings``: two settings of one application on one board, with the same library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from camrig.bringup.board import Board
from camrig.bringup.in_force import run_header
from camrig.compare.alternating import AlternatingSession
from camrig.compare.finish import finish
from camrig.compare.quiet_steps import steps_of_first_boots
from camrig.compare.side_settings import SideSettings, differing, differs_in_power_save, find_settings, scalar, shown
from camrig.compare.whole_boot import WholeBoots
from camrig.compare.whole_metrics import whole_limits
from camrig.errors import BlockedError
from camrig.gate.comparison import Comparison
from camrig.gate.evidence import demand_writable, remove_older
from camrig.gate.limits import Limit
from camrig.gate.provenance import Provenance
from camrig.gate.verdict import GateVerdict
from camrig.probe.interleaved import SIDES
from camrig.settings.resolve import Settings

PREFIX = "app."  # of an application's setting among the facts that a comparison rests on


def run_settings_ab(
    settings: Settings,
    candidate: str | None,
    baseline: str | None,
    seconds: float,
    seed: int,
    show: Callable[[Comparison, GateVerdict], None],
) -> GateVerdict:
    """Compare the application with the settings of the file ``candidate`` and with those of ``baseline``.

    None is for the settings as they are. Raises CamrigError. ``show`` gets the verdict before evidence is written.
    """
    if settings.evidence:
        demand_writable(settings.evidence)
    of_sides = (find_settings(settings.app, file, settings.deploy.settings) for file in (candidate, baseline))
    sides = dict(zip(SIDES, of_sides, strict=True))
    differences = differing(*sides.values())
    limits = whole_limits(settings, print)
    print("\n".join([run_header(settings, limits), *difference_lines(sides, differences)]))
    if settings.evidence:
        remove_older(settings.evidence)
    with Board(settings.device[0], settings, steps_of_first_boots()) as board:
        boots = settings_boots(board, sides, differences, limits, seed)
        session = settings_session(boots, differences, limits, seconds=seconds, seed=seed)
        record = {
            "seed": seed,
            "seconds": seconds,
            "settings": {side: {"file": sides[side].file} for side in SIDES},
            "differing": {name: [scalar(value) for value in values] for name, values in differences.items()},
        }
        return finish(board, session, boots, show, record)


def difference_lines(sides: Mapping[str, SideSettings], differences: Mapping[str, tuple[Any, Any]]) -> list[str]:
    """What is compared, a line for each setting."""
    names = [sides[side].name for side in SIDES]
    return [f"compares {names[0]} with {names[1]}:"] + [
        f"  {name}  {shown(candidate)} instead of {shown(baseline)}"
        for name, (candidate, baseline) in differences.items()
    ]


def settings_boots(
    board: Board,
    sides: Mapping[str, SideSettings],
    differences: Mapping[str, tuple[Any, Any]],
    limits: Mapping[str, Limit],
    seed: int = 0,
) -> WholeBoots:
    """Boots of ``board`` with the settings of either side, which are the same in all but these ``differences``."""

    def prepare(side: str) -> None:
        board.deploy(changes=sides[side].changes, measure_imports=False)

    provenances: dict[str, Provenance] = {}
    return WholeBoots(
        board,
        {side: sides[side].name for side in SIDES},
        prepare,
        limits,
        seed=seed,
        provenances=provenances,
        proof=partial(demand_power_save, provenances, differences, board.spec),
    )


def settings_session(
    boots: WholeBoots,
    differences: Mapping[str, tuple[Any, Any]],
    limits: Mapping[str, Limit],
    *,
    seconds: float = 300.0,
    seed: int = 0,
    pairs: int | None = None,
) -> AlternatingSession:
    """A session of ``boots`` in which exactly what differs is compared."""
    saves = differs_in_power_save(differences)
    return AlternatingSession(
        boots,
        limits,
        (*(f"{PREFIX}{name}" for name in differences), *(["power_save"] if saves else [])),
        {
            side: {f"{PREFIX}{name}": scalar(values[number]) for name, values in differences.items()}
            for number, side in enumerate(SIDES)
        },
        seconds=seconds,
        pairs=pairs,
        seed=seed,
        demanded=bool(boots.board.settings.limits),
        say=boots.board.steps.say,
    )


def demand_power_save(
    provenances: Mapping[str, Provenance], differences: Mapping[str, tuple[Any, Any]], board: str
) -> None:
    """Raise BlockedError unless the radio sleeps on one side only, where that is compared, and alike where not."""
    modes = [provenances[side].power_save for side in SIDES]
    words = " and ".join("unknown" if mode is None else str(mode) for mode in modes)
    if differs_in_power_save(differences):
        if modes[0] == modes[1] or None in modes:
            raise BlockedError(
                f"the settings differ in power save, but the board reports the modes {words} of its radio",
                board=board,
                hint="use firmware that can switch it (WLAN.config(pm=...)), or compare another setting",
            )
    elif modes[0] != modes[1]:
        raise BlockedError(
            f"the power save of the radio differs (modes {words}), although no setting power_save does",
            board=board,
            hint="name the application's setting power_save if it is to be compared, or keep it as it is",
        )
