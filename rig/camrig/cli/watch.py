"""``camrig watch``: tests again after each save, those first that failed last."""

from __future__ import annotations

import argparse

from camrig.cli.command import Command, add_options
from camrig.settings.options import OPTIONS
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.allow_abbrev = False  # what is like an option of camrig may be one of pytest
    parser.usage = "camrig watch [PYTEST ARGUMENTS]"
    add_options(parser, *(option.name for option in OPTIONS))


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.watch.loop import watch

    try:
        watch(arguments.passed_on, arguments.unknown, settings)
    except KeyboardInterrupt:
        print("ended")
    return 0


WATCH = Command(
    "watch",
    "on each save, deploy what changed and run the tests, those first that failed last",
    _add_arguments,
    _run,
    passes_on=True,
)
