"""``camrig doctor``: what is wrong with a board, and what to do."""

from __future__ import annotations

import argparse

from camrig.cli.command import Command, add_options
from camrig.deploy.manifest import sources
from camrig.doctor.chain import examine
from camrig.errors import EXIT_BLOCKED, SettingsError
from camrig.settings.resolve import Settings

_OPTIONS = ("device", "lib", "app", "baud", "port", "sim_heap", "boot_timeout", "url", "require", "lines", "wait")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deploy", action="store_true", help="put library and application on the board first")
    parser.add_argument(
        "--try-lines",
        action="store_true",
        help="pulse DTR and RTS, which resets the chip, to find out how they are wired",
    )
    add_options(parser, *_OPTIONS)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("doctor takes one --device")
    if arguments.deploy:
        # A folder that cannot be deployed is refused before a board is touched.
        sources(settings.lib, settings.app, None)
    sound = examine(settings.device[0], settings, deploy=arguments.deploy, pulse=arguments.try_lines)
    return 0 if sound else EXIT_BLOCKED


DOCTOR = Command("doctor", "find out what is wrong with a board, and what to do", _add_arguments, _run)
