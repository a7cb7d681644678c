"""``camrig release``: decide about a firmware, on the reserved board, with a record that stands."""

from __future__ import annotations

import argparse
from pathlib import Path

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.cli.soak import duration
from camrig.settings.resolve import Settings


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tests", nargs="*", metavar="FOLDER", help="the tests of the suite (those that pytest finds)")
    parser.add_argument(
        "--baseline", required=True, metavar="NAME", help="the stored baseline of this board that is compared with"
    )
    parser.add_argument("--soak", type=duration, metavar="TIME", help="after the suite, a soak: 30m, 2h (none)")
    parser.add_argument(
        "--sign",
        type=Path,
        metavar="KEY",
        help="sign the evidence with this key of ssh-keygen or minisign; camrig verify checks that",
    )
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="do all of it on a virtual board; every output then says that it is not a release",
    )
    add_options(parser, *BOARD_OPTIONS, "lib", "app", "firmware", "elf", "results", "baselines")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.interruption import terminate_as_interrupt
    from camrig.release.run import Release, ReleaseOptions

    terminate_as_interrupt()
    options = ReleaseOptions(
        baseline=arguments.baseline,
        tests=tuple(arguments.tests),
        soak=arguments.soak.seconds if arguments.soak else 0.0,
        rehearsal=arguments.rehearsal,
        key=arguments.sign,
    )
    return Release(settings, vars(arguments), options, lambda text: print(text, flush=True)).run()


RELEASE = Command("release", "flash a firmware, test and measure it, and release or refuse it", _add_arguments, _run)
