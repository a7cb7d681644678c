"""``camrig deploy``: library and application onto a board, without the suite."""

from __future__ import annotations

import argparse
from dataclasses import replace

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.errors import SettingsError
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--production", action="store_true", help="leave out the rig's agent, and remove it if it is on the board"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="only list what would be sent, removed, kept and left out; restart the board as it is",
    )
    add_options(parser, *BOARD_OPTIONS, "lib", "app", "firmware")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("deploy takes one --device")
    from camrig.bringup.board import Board
    from camrig.bringup.contents import contents_for
    from camrig.bringup.in_force import run_header
    from camrig.deploy.left_out import rows
    from camrig.deploy.plan import describe
    from camrig.release_stage import is_stage
    from camrig.steps import printed_steps

    if arguments.dry_run:
        settings = replace(settings, firmware=None)  # it would be installed
    print(run_header(settings, None, agent=not arguments.production))
    with Board(settings.device[0], settings, printed_steps()) as board:
        if arguments.dry_run:
            plan = describe(*board.plan(arguments.production))
            print("\n".join([*rows(contents_for(settings).left_out), plan]))
            board.session.restart()
            return 0
        board.deploy(production=arguments.production, measure_imports=False)  # nothing is judged here
        dut = board.boot(confirm=not is_stage())  # in a release the suite has to pass first
        state = f"serves at {dut.url}" if settings.ready is None else "runs"
        print(
            "the virtual board ran, and ends here"
            if board.settings.is_virtual(board.spec)
            else f"{board.spec} {state}"
        )
    return 0


DEPLOY = Command("deploy", "put the library and the application on a board and start it", _add_arguments, _run)
