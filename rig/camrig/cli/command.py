"""What a sub-command of ``camrig`` is, and the options that several of them share with pytest."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings

BOARD_OPTIONS = (
    *("device", "coordinator", "baud", "port", "sim_heap", "boot_timeout", "url", "require", "lines", "fast", "wait"),
)


@dataclass(frozen=True)
class Command:
    """One sub-command. ``run`` gets the parsed arguments and the settings, and returns the exit code.

    One that ``needs_settings`` not at all gets the defaults, whatever variables and files say. One that ``passes_on``
    its words to another program gets them all as ``passed_on``, and as ``unknown`` those that are not its own.
    """

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Settings], int]
    needs_settings: bool = True
    passes_on: bool = False


def add_options(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add the options of a run with these names, as pytest has them."""
    for option in OPTIONS:
        if option.name in names:
            flags = dict.fromkeys((option.flag, option.long_flag))
            parser.add_argument(*flags, dest=option.name, **option.argument)
