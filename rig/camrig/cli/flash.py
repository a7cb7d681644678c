"""``camrig flash``: firmware onto a board, checked before and proven after."""

from __future__ import annotations

import argparse
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

from camrig.cli.command import Command, add_options
from camrig.errors import BoardBusyError, CamrigError, PortError, SettingsError
from camrig.settings.resolve import Settings

if TYPE_CHECKING:
    from camrig.bringup.board import Board


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("firmware", nargs="?", help="the image: a release's .bin, or an application alone")
    parser.add_argument(
        "--dry-run", action="store_true", help="only check, and list what would be lost; restart the board as it is"
    )
    add_options(parser, "device", "baud", "boot_timeout", "lines", "wait")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("flash takes one --device")
    if settings.firmware is None:
        raise SettingsError("flash needs a firmware image", hint="write camrig flash FILE.bin --device PORT")
    from camrig.bringup.board import Board
    from camrig.bringup.flashing import load_image
    from camrig.bringup.installation import install
    from camrig.release_stage import is_stage
    from camrig.steps import printed_steps

    spec = settings.device[0]
    image = load_image(settings.firmware)
    print(f"{image.name}: {image.title} for {image.chip}, {image.kind}")
    with closing(Board(spec, replace(settings, firmware=None), printed_steps())) as board:
        board.reach()
        board.open(examines=True)  # new firmware may be what a quarantined board needs
        _identify(board)
        result = install(board, image, dry_run=arguments.dry_run)
        if arguments.dry_run:
            print("nothing to write" if result.same else "it fits; nothing was written")
            return 0
        if not is_stage():
            board.over_the_air.confirm()  # it is up, and no suite follows that would
        board.session.restart()
        print(f"verified: the flash has all of {image.name}, SHA-256 {image.sha256}")
    return 0


def _identify(board: Board) -> None:
    """Learn the board's MAC from its firmware, if that answers: the boot loader must then have the same."""
    try:
        with board.steps("identify") as note:
            board.session.repl()
            board.identify()
            note(f"{board.identity.machine}, {board.identity.firmware}, {board.identity.mac}")
    except (PortError, BoardBusyError):
        raise
    except CamrigError:
        board.steps.say("no MicroPython answers: the board is taken for the right one because it is on this port")


FLASH = Command("flash", "write firmware onto a board, and prove that it runs", _add_arguments, _run)
