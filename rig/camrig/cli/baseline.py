"""``camrig baseline``: the stored baselines, what is in one, and the removal of one."""

from __future__ import annotations

import argparse

from camrig.cli.command import Command, add_options
from camrig.compare.stored import stored_baselines
from camrig.errors import BaselineError
from camrig.gate.looks import looks_path
from camrig.report.baseline_table import render_baseline, render_baselines
from camrig.settings.resolve import Settings

_ACTIONS = {
    "list": "list the baselines of this bench",
    "show": "show the sessions of a baseline, and what they measured",
    "remove": "remove a baseline with all its sessions",
}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for action, text in _ACTIONS.items():
        subparser = actions.add_parser(action, help=text)
        if action != "list":
            subparser.add_argument("name", metavar="NAME", help="what --hil-save named")
        add_options(subparser, "baselines", "results")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    baselines = stored_baselines(settings.baselines)
    if arguments.action == "list":
        print(render_baselines(baselines))
        return 0
    name: str = arguments.name
    if name not in baselines:
        hint = f"it holds {', '.join(baselines)}" if baselines else "save one with --hil-save"
        raise BaselineError(f"there is no baseline {name} in {settings.baselines}", hint=hint)
    baseline = baselines[name]
    if arguments.action == "remove":
        path = settings.baselines / f"{name}.json"
        try:
            path.unlink()
            looks_path(settings.baselines, name).unlink(missing_ok=True)
        except OSError as error:
            raise BaselineError(f"the baseline {path} cannot be removed: {error.strerror}") from None
        print(f"baseline {name}: removed")
        return 0
    if isinstance(baseline, BaselineError):
        raise baseline
    print(render_baseline(name, baseline))
    return 0


BASELINE = Command("baseline", "list, show and remove the baselines of this bench", _add_arguments, _run)
