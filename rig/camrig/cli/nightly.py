"""``camrig nightly``: the lab's command, for a timer."""

from __future__ import annotations

import argparse

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.cli.soak import duration
from camrig.settings.resolve import Settings

KEEP_DAYS, KEEP_MEGABYTES = 90, 2048
PASSED_ON = ("lib", "app", "results", "baselines", "compare", "compare_anyway", "elf", "firmware")


def _whole(text: str) -> int:
    number = int(text)
    if not 0 < number <= 1_000_000:
        raise ValueError
    return number


_whole.__name__ = "positive whole number"  # argparse names it in its message


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("tests", nargs="*", metavar="FOLDER", help="the tests of the suite (those that pytest finds)")
    parser.add_argument("--soak", type=duration, metavar="TIME", help="after the suite, a soak: 30m, 2h (none)")
    parser.add_argument(
        "--keep-days",
        type=_whole,
        default=KEEP_DAYS,
        metavar="DAYS",
        help=f"remove results, evidence and logs of earlier nights after this many days ({KEEP_DAYS})",
    )
    parser.add_argument(
        "--keep-size",
        type=_whole,
        default=KEEP_MEGABYTES,
        metavar="MB",
        help=f"or the oldest, when they take more megabytes than this ({KEEP_MEGABYTES})",
    )
    add_options(parser, *BOARD_OPTIONS, *PASSED_ON)


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    from camrig.interruption import terminate_as_interrupt
    from camrig.nightly.prune import Keep
    from camrig.nightly.run import Nightly, NightOptions

    terminate_as_interrupt()
    options = NightOptions(
        tests=tuple(arguments.tests),
        soak=arguments.soak.seconds if arguments.soak else 0.0,
        keep=Keep(arguments.keep_days, arguments.keep_size << 20),
    )
    return Nightly(settings, vars(arguments), options, lambda text: print(text, flush=True)).run()


NIGHTLY = Command("nightly", "run suite, gate and soak of a night, and say what moved", _add_arguments, _run)
