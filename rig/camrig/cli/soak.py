"""``camrig soak``: hours of requests of every kind on one board."""

from __future__ import annotations

import argparse

from camrig.cli.command import BOARD_OPTIONS, Command, add_options
from camrig.errors import SettingsError
from camrig.settings.duration import Duration
from camrig.settings.resolve import Settings

RATE = 5.0


def duration(text: str) -> Duration:
    """A duration of a command line."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} {error}") from None


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0.01 <= rate <= 1000:
        raise argparse.ArgumentTypeError(f"{text} is not a number of exchanges a second from 0.01 to 1000")
    return rate


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--time", type=duration, default=Duration.parse("2h"), metavar="TIME", help="how long: 90s, 30m, 2h (2h)"
    )
    parser.add_argument(
        "--rate",
        type=_rate,
        default=RATE,
        metavar="N",
        help=f"exchanges a second at most, half of them controls ({RATE:g})",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed for the random order of requests (0)")
    add_options(parser, *BOARD_OPTIONS, "lib", "app", "firmware", "results")


def _run(arguments: argparse.Namespace, settings: Settings) -> int:
    if len(settings.device) != 1:
        raise SettingsError("soak takes one --device", hint="start it once for each board")
    from camrig.bringup.in_force import run_header
    from camrig.interruption import terminate_as_interrupt
    from camrig.report.gate_table import width
    from camrig.soak.run import SoakRun
    from camrig.soak.session import SoakOptions
    from camrig.steps import printed_steps

    terminate_as_interrupt()
    print(run_header(settings, None), flush=True)
    options = SoakOptions(arguments.time.seconds, arguments.rate, arguments.seed)
    return SoakRun(settings, options, printed_steps()).run(width())


SOAK = Command(
    "soak", "send requests of every kind for hours, and watch memory, times and losses", _add_arguments, _run
)
