"""``camrig deploy``: library and application onto a board, without the suite."""

from __future__ import annotations

import argparse

from camrig.bringup.board import Board
from camrig.bringup.in_force import run_header
from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.deploy.plan import describe
from camrig.deploy.progress import progress_bar
from camrig.errors import SettingsError
from camrig.settings.resolve import Settings
from camrig.steps import Steps


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--production", action="store_true", help="leave out the rig's agent, and remove it if it is on the board"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only list what would be sent, removed and kept; restart the board as it is",
    )
    add_options(parser, *BOARD_OPTIONS, "lib", "app")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("deploy takes one --device")
    print(run_header(settings, None, agent=not arguments.production))
    with Board(settings.device[0], settings, Steps(print)) as board:
        if arguments.dry_run:
            print(describe(*board.plan(arguments.production)))
            board.session.restart()
            return 0
        with progress_bar() as progress:
            board.deploy(production=arguments.production, progress=progress)
        print(f"{board.spec} serves at {board.boot(arguments.production).url}")
    return 0


DEPLOY = Command("deploy", "put the library and the application on a board and start it", _add_arguments, _run)
