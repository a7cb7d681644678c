"""``camrig quarantine``: the boards that no run uses, or that could not be brought back; sets and clears that."""

from __future__ import annotations

import argparse
import json

from camrig.cli.command import Command, add_options
from camrig.errors import SettingsError
from camrig.lab import health_files, lock
from camrig.lab.health import BY_HAND, BoardHealth, as_data
from camrig.redaction import visible
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("reason", nargs="*", metavar="REASON", help="quarantine the boards of --device, and say why")
    parser.add_argument("--clear", action="store_true", help="let runs use the boards of --device again")
    parser.add_argument("--json", action="store_true", help="list as JSON, with the last runs of every known board")
    add_options(parser, "device")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    reason = " ".join(arguments.reason).strip()
    if not reason and not arguments.clear:
        if arguments.reason or (arguments.device and not arguments.json):
            raise SettingsError("a quarantine needs a reason", hint="write it behind the board, or give --clear")
        print(_as_json() if arguments.json else _as_lines())
        return 0
    if reason and arguments.clear:
        raise SettingsError("a reason sets a quarantine, and --clear ends it", hint="leave out one of them")
    if not arguments.device:
        raise SettingsError("no board is named", hint="name it with --device")
    boards = {spec: health_files.keys_of(spec, settings) for spec in settings.device}
    for spec, keys in boards.items():
        print(f"{visible(spec)}: {_clear(keys) if arguments.clear else _set_aside(spec, keys, reason)}")
    return 0


def _clear(keys: list[str]) -> str:
    states = health_files.clear(keys)
    return f"was {', '.join(states)}; cleared" if states else "nothing to clear"


def _set_aside(spec: str, keys: list[str], reason: str) -> str:
    def act(health: BoardHealth) -> BoardHealth:
        return health.set_aside(lock.now(), lock.command_line(), reason)

    health = health_files.change(keys[0], act, spec)
    return f"{health.state}; no run uses it until camrig doctor finds it sound, or --clear"


def _as_lines() -> str:
    lines = [
        f"{health.name or key}{f' ({health.mac})' if health.mac else ''}: {health.state}"
        f"{', by hand' if mark.by == BY_HAND else ''}: {mark.reason}{f' [{health.record}]' if health.runs else ''}"
        for key, health in health_files.listed()
        if (mark := health.quarantined or health.wedged) is not None
    ]
    return "\n".join(lines) or "no board is quarantined, and every one could be brought back by its last run"


def _as_json() -> str:
    return json.dumps(
        [{"key": key, "state": health.state, **as_data(health)} for key, health in health_files.listed()], indent=2
    )


QUARANTINE = Command("quarantine", "list, set and clear boards that no run uses", _add_arguments, _run)
