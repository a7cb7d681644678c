"""``camrig sim``: a virtual board in the foreground, or one that is kept for many runs."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from camrig.cli.command import Command, add_options
from camrig.errors import EXIT_BLOCKED, SettingsError
from camrig.lab import kept_boards
from camrig.settings.resolve import Settings
from camrig.virtual.command import run_in_foreground, show
from camrig.virtual.config import CAMERAS
from camrig.virtual.faults import catalogue
from camrig.virtual.kept import UNUSED_SECONDS
from camrig.virtual.profiles import NO_COSTS, PROFILES, find_costs


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_options(parser, "sim_heap")
    parser.add_argument(
        "--flash", type=Path, metavar="FILE", help="keep the board's flash in this image (default: a fresh one)"
    )
    parser.add_argument("--profile", metavar="NAME", help=f"make the board slow: {', '.join(PROFILES)} (not slow)")
    parser.add_argument(
        "--camera",
        metavar="FIRMWARE",
        help=f"give its firmware a camera module: {', '.join(CAMERAS[1:])} ({CAMERAS[0]}); not with --keep",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="FAULT",
        help="make the board misbehave, such as garble@0.01 or guru@ready+0.5; may be given more than once; "
        "help lists all faults",
    )
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--keep",
        action="store_true",
        help="start the board in the background, or show it: --device sim uses it from now on, until it is ended or "
        f"unused for {UNUSED_SECONDS / 3600:g} hours",
    )
    kept.add_argument("--end", action="store_true", help="end the boards that are kept")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if "help" in arguments.fault:
        print(catalogue())
        return 0
    if arguments.end:
        return _end()
    costs = find_costs(arguments.profile) if arguments.profile else NO_COSTS
    if arguments.keep and arguments.camera:
        raise SettingsError(
            "a virtual board that is kept has no camera module",
            hint="leave out --keep, and give --device the path that is printed",
        )
    camera = arguments.camera or CAMERAS[0]
    config = kept_boards.board_config(settings, costs, arguments.fault, arguments.flash, camera)
    if not arguments.keep:
        return run_in_foreground(config)
    board, started = kept_boards.keep(config)
    config = replace(config, wifi_ssid=board.ssid, wifi_password=board.password)
    show(config, board.path, board.address, secret=not board.generated)
    print(f"{'started now' if started else f'kept since {board.since}'}; camrig sim --end ends it.")
    return 0


def _end() -> int:
    ended, busy = kept_boards.end_all()
    for sentence in busy:
        print(f"camrig: {sentence}.", file=sys.stderr)
    if ended or not busy:
        print(f"ended {ended} kept virtual board{'s' * (ended != 1)}" if ended else "no virtual board is kept")
    return EXIT_BLOCKED if busy else 0


SIM = Command("sim", "run a virtual board, and print the path to connect to", _add_arguments, _run)
