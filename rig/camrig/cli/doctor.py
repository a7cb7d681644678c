"""``camrig doctor``: what is wrong with a board, and what to do."""

from __future__ import annotations

import argparse

from camrig.bringup.contents import contents_for
from camrig.cli.command import Command, add_options
from camrig.deploy.layers import merge
from camrig.doctor.chain import examine
from camrig.errors import EXIT_BLOCKED, SettingsError
from camrig.settings.options import OPTIONS, Option
from camrig.settings.resolve import Settings

_OPTIONS = ("device", "lib", "app", "baud", "port", "sim_heap", "boot_timeout", "url", "require", "lines", "wait")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--deploy", action="store_true", help="put library and application on the board first")
    parser.add_argument(
        "--try-lines",
        action="store_true",
        help="pulse DTR and RTS, which resets the chip, to find out how they are wired",
    )
    parser.add_argument(
        "--flash",
        action="store_true",
        help="look at the flash too: partitions, the application and its hash, every file (up to a minute)",
    )
    parser.add_argument(
        "--power",
        action="store_true",
        help="then switch its power off and on, if that can be done here, and see whether the board noticed; and "
        "start it ten times, with Wi-Fi and camera: how many starts are clean, and what ended the "
        "others (brownout, watchdog, panic)",
    )
    add_options(parser, *_OPTIONS)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("doctor takes one --device")
    if arguments.deploy:
        # A folder that cannot be deployed is refused before a board is touched.
        merge(contents_for(settings, agent=False).layers)
    options = {
        option.flag: value
        for option in OPTIONS
        if option.name in _OPTIONS and option.name != "device" and (value := _given(arguments, option)) is not None
    }
    sound = examine(
        settings.device[0],
        settings,
        deploy=arguments.deploy,
        pulse=arguments.try_lines,
        options=options,
        flash=arguments.flash,
        power=arguments.power,
    )
    return 0 if sound else EXIT_BLOCKED


def _given(arguments: argparse.Namespace, option: Option) -> str | None:
    """The value of an option on the command line, None if it was left out."""
    value: str | list[str] | None = getattr(arguments, option.name)
    return value[-1] if isinstance(value, list) else value


DOCTOR = Command("doctor", "find out what is wrong with a board, and what to do", _add_arguments, _run)
